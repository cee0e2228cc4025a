#include "supervisor/driver/entry_walk.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace brood::supervisor {
namespace entry_walk_test {

ChildId id(std::size_t number) {
  return *ChildId::binary("child-" + std::to_string(number));
}

Entry entry(bool wanted = true) {
  Entry made;
  made.spec = std::make_shared<core::Spec>();
  made.wanted = wanted;
  return made;
}

bool is_wanted(const Entry& each) {
  return each.wanted;
}

std::vector<ChildId> all(EntryWalk walk, std::size_t at_once) {
  std::vector<ChildId> ids;
  while (!walk.is_over()) {
    const auto items = walk.take(at_once);
    EXPECT_LE(items.size(), at_once);
    for (const auto& item : items) ids.push_back(item.first);
  }
  return ids;
}

class Walk : public ::testing::Test {
 protected:
  void fill(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) registry.put(id(i), entry(i % 3 != 0));
  }
  Registry registry;
};

TEST_F(Walk, OfNothingIsOver) {
  EXPECT_TRUE(all(EntryWalk(registry, is_wanted), 10).empty());
  EXPECT_TRUE(all(EntryWalk(registry, is_wanted, std::nullopt), 10).empty());
}

TEST_F(Walk, ByIdHasAllThatAreWantedInOrder) {
  fill(3000);
  const auto ids = all(EntryWalk(registry, is_wanted), 7);
  EXPECT_EQ(ids.size(), 2000U);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  EXPECT_EQ(std::set<ChildId>(ids.begin(), ids.end()).size(), ids.size());
}

TEST_F(Walk, PagesTogetherHaveEachOnce) {
  fill(3000);
  for (const std::size_t limit : {1U, 7U, 1000U, 5000U}) {
    std::vector<ChildId> ids;
    std::optional<ChildId> after;
    for (;;) {
      EntryWalk walk(registry, is_wanted, after);
      std::vector<ChildId> page;
      while (page.size() < limit && !walk.is_over()) {
        for (const auto& item : walk.take(limit - page.size())) page.push_back(item.first);
      }
      if (page.empty()) break;
      after = page.back();
      ids.insert(ids.end(), page.begin(), page.end());
    }
    EXPECT_EQ(ids.size(), 2000U) << limit;
    EXPECT_EQ(std::set<ChildId>(ids.begin(), ids.end()).size(), ids.size()) << limit;
  }
}

TEST_F(Walk, AChildThatIsThereAllTheTimeComesOnceWhateverElseComesAndGoes) {
  fill(3000);
  std::vector<ChildId> ids;
  std::optional<ChildId> after;
  for (std::size_t round = 0;; ++round) {
    EntryWalk walk(registry, is_wanted, after);
    std::vector<ChildId> page;
    while (page.size() < 100 && !walk.is_over()) {
      for (const auto& item : walk.take(100 - page.size())) page.push_back(item.first);
    }
    if (page.empty()) break;
    after = page.back();
    ids.insert(ids.end(), page.begin(), page.end());
    registry.erase(page.back());  // the very place where the next page begins
    for (std::size_t i = 0; i < 10; ++i) registry.put(id(10'000 + round * 10 + i), entry());
  }
  const std::set<ChildId> seen(ids.begin(), ids.end());
  EXPECT_EQ(seen.size(), ids.size());
  for (std::size_t i = 0; i < 3000; ++i) EXPECT_EQ(seen.contains(id(i)), i % 3 != 0) << i;
}

TEST(Registry, PartsAreInTheOrderOfThePages) {
  for (std::size_t i = 0; i < 1000; ++i) {
    const ChildId one = id(i);
    const ChildId other = id(i + 1);
    if (Registry::part_of(one) < Registry::part_of(other)) {
      EXPECT_TRUE(Registry::follows(other, one));
    }
    EXPECT_NE(Registry::follows(one, other), Registry::follows(other, one));
    EXPECT_FALSE(Registry::follows(one, one));
  }
}

}  // namespace entry_walk_test
}  // namespace brood::supervisor
