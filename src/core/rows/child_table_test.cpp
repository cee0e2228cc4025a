#include "core/rows/child_table.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "core/rows/instances.hpp"

namespace brood::core {
namespace child_table_test {

ChildId id_of(std::uint64_t number) {
  return ChildId::binary("c" + std::to_string(number)).value();
}

TEST(ChildTable, ARandomWalkDoesWhatASetDoes) {
  std::mt19937 random(3);
  ChildTable table;
  std::set<ChildId> dumb;
  std::map<ChildId, ChildRef> refs;
  for (int step = 0; step < 20'000; ++step) {
    const ChildId id = id_of(random() % 300);
    if (random() % 3 == 0) {
      Child* child = table.find(id);
      ASSERT_EQ(child != nullptr, dumb.contains(id));
      if (child) {
        EXPECT_TRUE(table.erase_if_empty(*child));
        dumb.erase(id);
        EXPECT_EQ(table.get(refs[id]), nullptr) << "a reference to what is gone finds nothing";
      }
    } else {
      Child& child = table.obtain(id);
      EXPECT_EQ(child.id, id);
      dumb.insert(id);
      refs[id] = child.ref;
      EXPECT_EQ(table.get(child.ref), &child);
    }
    ASSERT_EQ(table.size(), dumb.size());
  }
  std::set<ChildId> swept, bucketed;
  for (std::uint32_t slot = 0; slot < table.slots(); ++slot)
    if (const Child* child = table.at_slot(slot)) swept.insert(child->id);
  for (std::uint32_t bucket = 0; bucket < buckets; ++bucket)
    for (const std::uint32_t slot : table.bucket(bucket)) {
      EXPECT_EQ(bucket_of(table.at_slot(slot)->id.hash()), bucket);
      EXPECT_TRUE(bucketed.insert(table.at_slot(slot)->id).second);
    }
  EXPECT_EQ(swept, dumb);
  EXPECT_EQ(bucketed, dumb);
}

}  // namespace child_table_test
}  // namespace brood::core
