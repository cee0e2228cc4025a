#include "core/base/step.hpp"

#include <gtest/gtest.h>

namespace brood::core {
namespace step_test {

std::vector<ChildId> ids(std::initializer_list<int> numbers) {
  std::vector<ChildId> all;
  for (const int number : numbers)
    all.push_back(*ChildId::binary("an id that is kept elsewhere " + std::to_string(number)));
  return all;
}

TEST(KeepFirstOfEach, KeepsTheOrder) {
  auto few = ids({3, 1, 3, 2, 1, 3});
  keep_first_of_each(few);
  EXPECT_EQ(few, ids({3, 1, 2}));

  auto many = ids({9, 1, 8, 2, 7, 3, 6, 4, 5, 9, 5, 4, 1, 8, 0});
  keep_first_of_each(many);
  EXPECT_EQ(many, ids({9, 1, 8, 2, 7, 3, 6, 4, 5, 0}));

  std::vector<ChildId> none;
  keep_first_of_each(none);
  EXPECT_TRUE(none.empty());
}

TEST(Step, NotesWhatChangedTwiceInARowOnce) {
  const Settings settings;
  Clock clock;
  Effects effects;
  Stats stats;
  Step step{settings, {}, clock, effects, stats, 1, "tick"};
  const auto two = ids({1, 2});
  for (const ChildId& id : {two[0], two[0], two[1], two[0]}) step.changed(id);
  EXPECT_EQ(effects.changed, ids({1, 2, 1}));
}

}  // namespace step_test
}  // namespace brood::core
