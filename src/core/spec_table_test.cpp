#include "core/spec_table.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "core/wire_samples.hpp"

namespace brood::core {
namespace {

ChildId id_of(std::uint64_t number) {
  return ChildId::binary("c" + std::to_string(number)).value();
}

SpecRow row_of(const ChildId& id, std::uint64_t clock) {
  auto spec = std::make_shared<Spec>();
  spec->id = id;
  SpecRow row;
  row.spec = std::move(spec);
  row.clock = {clock};
  return row;
}

TEST(SpecTable, ARemovalNeedsNoTombstoneToBeKept) {
  SpecTable a(NodeName("a"), 1), b(NodeName("b"), 1);
  const auto start = a.write(id_of(1), row_of(id_of(1), 1), true);
  EXPECT_EQ(b.apply(start), SpecTable::Applied::changed);
  EXPECT_EQ(b.apply(a.remove(id_of(1))), SpecTable::Applied::changed);
  EXPECT_EQ(b.apply(start), SpecTable::Applied::nothing) << "what was removed does not come back";
  EXPECT_EQ(b.row(id_of(1)), nullptr);
  EXPECT_EQ(b.digest(), 0U);
}

TEST(SpecTable, ARemovalBeatsAnUpdateMadeAtTheSameTime) {
  SpecTable a(NodeName("a"), 1), b(NodeName("b"), 1);
  b.apply(a.write(id_of(1), row_of(id_of(1), 1), true));
  SpecRow changed = *b.row(id_of(1));
  changed.clock = {9};
  const auto update = b.write(id_of(1), changed, false);
  const auto removal = a.remove(id_of(1));
  a.apply(update);
  b.apply(removal);
  EXPECT_EQ(a.row(id_of(1)), nullptr);
  EXPECT_EQ(b.row(id_of(1)), nullptr);
}

TEST(SpecTable, AStartThatARemovalDidNotSeeSurvivesIt) {
  SpecTable a(NodeName("a"), 1), b(NodeName("b"), 1);
  b.apply(a.write(id_of(1), row_of(id_of(1), 1), true));
  const auto start = b.write(id_of(1), row_of(id_of(1), 2), true);
  const auto removal = a.remove(id_of(1));
  a.apply(start);
  b.apply(removal);
  ASSERT_NE(a.row(id_of(1)), nullptr);
  EXPECT_EQ(a.row(id_of(1))->dot, b.row(id_of(1))->dot);
}

TEST(SpecTable, OfConcurrentRowsTheGreaterShowsOnBothSides) {
  SpecTable a(NodeName("a"), 1), b(NodeName("b"), 1);
  const auto of_a = a.write(id_of(1), row_of(id_of(1), 5), true);
  const auto of_b = b.write(id_of(1), row_of(id_of(1), 4), true);
  a.apply(of_b);
  b.apply(of_a);
  EXPECT_EQ(a.row(id_of(1))->dot, of_a.dot);
  EXPECT_EQ(b.row(id_of(1))->dot, of_a.dot);
  EXPECT_EQ(a.digest(), b.digest());
  b.apply(a.remove(id_of(1)));
  EXPECT_EQ(b.row(id_of(1)), nullptr) << "a removal ends all rows it saw";
}

TEST(SpecTable, AChangeThatCameTooEarlyIsAGap) {
  SpecTable a(NodeName("a"), 1), b(NodeName("b"), 1);
  a.write(id_of(1), row_of(id_of(1), 1), true);
  EXPECT_EQ(b.apply(a.write(id_of(2), row_of(id_of(2), 2), true)), SpecTable::Applied::gap);
  EXPECT_EQ(b.row(id_of(2)), nullptr);
}

// A dumb model of the whole: every change that anybody ever made, in any order.
struct Model {
  std::map<std::pair<ChildId, Dot>, SpecRow> newest;  ///< By birth.
  std::set<Dot> ended;
  void add(const SpecChange& change) {
    for (const Dot& birth : change.replaces) ended.insert(birth);
    if (!change.row) return;
    auto [at, added] = newest.try_emplace({change.id, change.row->birth}, *change.row);
    if (!added && std::tie(at->second.clock, at->second.dot) < std::tie(change.row->clock, change.row->dot))
      at->second = *change.row;
  }
  [[nodiscard]] std::map<ChildId, Dot> visible() const {
    std::map<ChildId, SpecRow> best;
    for (const auto& [key, row] : newest) {
      if (ended.count(key.second) != 0) continue;
      const auto [at, added] = best.try_emplace(key.first, row);
      if (!added && std::tie(at->second.clock, at->second.dot) < std::tie(row.clock, row.dot))
        at->second = row;
    }
    std::map<ChildId, Dot> dots;
    for (const auto& [id, row] : best) dots[id] = row.dot;
    return dots;
  }
};

Sync sync_of(const SpecTable& table) {
  Sync sync;
  sync.seen = table.seen();
  sync.rows = table.rows();
  return sync;
}

std::map<ChildId, Dot> visible(const SpecTable& table) {
  std::map<ChildId, Dot> dots;
  for (const auto& [id, child] : table.children())
    if (child.row) dots[id] = child.row->dot;
  return dots;
}

TEST(SpecTable, ARandomWalkOfThreeNodesAgreesWithADumbModel) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Samples random(seed);
    std::deque<SpecTable> tables;
    for (const char* name : {"a", "b", "c"}) tables.emplace_back(NodeName(name), 1);
    std::deque<SpecChange> queues[3][3];
    Model model;
    const auto made = [&](std::size_t by, const SpecChange& change) {
      model.add(change);
      for (std::size_t to = 0; to < 3; ++to)
        if (to != by) queues[by][to].push_back(change);
    };
    const auto nothing = [](const ChildId&) {};
    for (int step = 0; step < 120; ++step) {
      const auto node = static_cast<std::size_t>(random.below(3));
      const ChildId id = id_of(random.below(4));
      SpecTable& table = tables[node];
      switch (random.below(6)) {
        case 0:
          made(node, table.write(id, row_of(id, random.below(50)), true));
          break;
        case 1:
          if (table.row(id)) {
            SpecRow row = *table.row(id);
            row.clock.value += random.below(5);
            // A writer's clock is above what it read.
            row.clock.value += 1;
            made(node, table.write(id, row, false));
          }
          break;
        case 2:
          if (table.row(id)) made(node, table.remove(id));
          break;
        case 3:
          tables[node].merge(sync_of(tables[random.below(3)]), nothing);
          break;
        default: {
          const auto from = static_cast<std::size_t>(random.below(3));
          auto& queue = queues[from][node];
          if (queue.empty()) break;
          if (table.apply(queue.front()) == SpecTable::Applied::gap)
            table.merge(sync_of(tables[from]), nothing);
          queue.pop_front();
        }
      }
    }
    for (int round = 0; round < 2; ++round)
      for (std::size_t a = 0; a < 3; ++a)
        for (std::size_t b = 0; b < 3; ++b) tables[a].merge(sync_of(tables[b]), nothing);
    for (const SpecTable& table : tables) {
      EXPECT_EQ(visible(table), model.visible()) << "seed " << seed;
      EXPECT_EQ(table.digest(), tables[0].digest()) << "seed " << seed;
      EXPECT_EQ(table.wanted(), visible(table).size()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace brood::core
