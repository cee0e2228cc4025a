#include "core/rows/spec_table.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "core/wire/wire_samples.hpp"

namespace brood::core {
namespace spec_table_test {

ChildId id_of(std::uint64_t number) {
  return ChildId::binary("c" + std::to_string(number)).value();
}

SpecRow row_of(std::uint64_t clock) {
  SpecRow row;
  row.spec = std::make_shared<Spec>();
  row.clock = {clock};
  return row;
}

/// A table with its records, asked by ids.
struct Table {
  ChildTable children;
  SpecTable table;

  Table(NodeName self, std::uint32_t creation) : table(children, std::move(self), creation) {}
  SpecChange write(const ChildId& id, SpecRow row, bool new_birth) {
    return table.write(children.obtain(id), std::move(row), new_birth);
  }
  SpecChange remove(const ChildId& id) { return table.remove(children.obtain(id)); }
  SpecTable::Applied apply(const SpecChange& change) { return table.apply(change); }
  [[nodiscard]] const SpecRow* row(const ChildId& id) const {
    const Child* child = children.find(id);
    return child ? child->row() : nullptr;
  }
  [[nodiscard]] std::uint64_t digest() const { return table.digest(); }
  [[nodiscard]] const VersionVector& seen() const { return table.seen(); }
  [[nodiscard]] std::vector<std::pair<ChildId, SpecRow>> rows() const {
    std::vector<std::pair<ChildId, SpecRow>> all;
    for (std::uint32_t bucket = 0; bucket < buckets; ++bucket) table.rows_of(bucket, all);
    return all;
  }
  /// The whole table as one portion.
  [[nodiscard]] Sync portion() const {
    Sync sync;
    sync.end = buckets;
    sync.seen = seen();
    sync.rows = rows();
    return sync;
  }
  void merge(const Sync& sync, const std::function<void(const ChildId&)>& on_change) {
    EXPECT_TRUE(table.merge(1, sync, [&](Child& child) { on_change(child.id); }));
  }
};

TEST(SpecTable, ARemovalNeedsNoTombstoneToBeKept) {
  Table a(NodeName("a"), 1), b(NodeName("b"), 1);
  const auto start = a.write(id_of(1), row_of(1), true);
  EXPECT_EQ(b.apply(start), SpecTable::Applied::changed);
  EXPECT_EQ(b.apply(a.remove(id_of(1))), SpecTable::Applied::changed);
  EXPECT_EQ(b.apply(start), SpecTable::Applied::nothing) << "what was removed does not come back";
  EXPECT_EQ(b.row(id_of(1)), nullptr);
  EXPECT_EQ(b.digest(), 0U);
}

// Its node's clock is not followed (Clock::witness), and so the writer's own is behind that of the row.
TEST(SpecTable, ARowFromAClockFarAheadCanBeReplacedEverywhere) {
  Table a(NodeName("a"), 1), b(NodeName("b"), 1), c(NodeName("c"), 1);
  const auto start = a.write(id_of(1), row_of(1'000'000), true);
  b.apply(start);
  c.apply(start);
  SpecRow changed = *b.row(id_of(1));
  changed.trouble.change().failure = "changed";
  changed.clock = {7};
  const auto update = b.write(id_of(1), changed, false);
  EXPECT_EQ(c.apply(update), SpecTable::Applied::changed);
  EXPECT_EQ(a.apply(update), SpecTable::Applied::changed);
  for (const Table* table : {&a, &b, &c}) EXPECT_EQ(table->row(id_of(1))->trouble->failure, "changed");
  EXPECT_EQ(a.digest(), b.digest());
  EXPECT_EQ(a.digest(), c.digest());
}

TEST(SpecTable, ARemovalBeatsAnUpdateMadeAtTheSameTime) {
  Table a(NodeName("a"), 1), b(NodeName("b"), 1);
  b.apply(a.write(id_of(1), row_of(1), true));
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
  Table a(NodeName("a"), 1), b(NodeName("b"), 1);
  b.apply(a.write(id_of(1), row_of(1), true));
  const auto start = b.write(id_of(1), row_of(2), true);
  const auto removal = a.remove(id_of(1));
  a.apply(start);
  b.apply(removal);
  ASSERT_NE(a.row(id_of(1)), nullptr);
  EXPECT_EQ(a.row(id_of(1))->dot, b.row(id_of(1))->dot);
}

TEST(SpecTable, OfConcurrentRowsTheGreaterShowsOnBothSides) {
  Table a(NodeName("a"), 1), b(NodeName("b"), 1);
  const auto of_a = a.write(id_of(1), row_of(5), true);
  const auto of_b = b.write(id_of(1), row_of(4), true);
  a.apply(of_b);
  b.apply(of_a);
  EXPECT_EQ(a.row(id_of(1))->dot, of_a.dot);
  EXPECT_EQ(b.row(id_of(1))->dot, of_a.dot);
  EXPECT_EQ(a.digest(), b.digest());
  b.apply(a.remove(id_of(1)));
  EXPECT_EQ(b.row(id_of(1)), nullptr) << "a removal ends all rows it saw";
}

TEST(SpecTable, OfConcurrentRowsTheOneThatShowsSaysWhetherTheChildIsWanted) {
  for (const bool later_is_wanted : {false, true}) {
    Table a(NodeName("a"), 1), b(NodeName("b"), 1);
    SpecRow later = row_of(5);
    SpecRow earlier = row_of(4);
    later.wanted = later_is_wanted;
    earlier.wanted = !later_is_wanted;
    const auto of_a = a.write(id_of(1), later, true);
    const auto of_b = b.write(id_of(1), earlier, true);
    a.apply(of_b);
    b.apply(of_a);
    for (const Table* table : {&a, &b}) EXPECT_EQ(table->table.wanted(), later_is_wanted ? 1U : 0U);
    b.remove(id_of(1));
    EXPECT_EQ(b.table.wanted(), 0U);
  }
}

TEST(SpecTable, ANewerValueOfAConcurrentRowThatDidNotShowIsAChangeWhereItShowsThen) {
  Table a(NodeName("a"), 1), b(NodeName("b"), 1);
  const auto of_a = a.write(id_of(1), row_of(5), true);
  a.apply(b.write(id_of(1), row_of(4), true));
  ASSERT_EQ(a.row(id_of(1))->dot, of_a.dot);
  SpecRow newer = *b.row(id_of(1));
  newer.clock = {9};
  const auto update = b.write(id_of(1), newer, false);
  EXPECT_EQ(a.apply(update), SpecTable::Applied::changed);
  EXPECT_EQ(a.row(id_of(1))->dot, update.dot);
}

TEST(SpecTable, AChangeThatCameTooEarlyIsAGap) {
  Table a(NodeName("a"), 1), b(NodeName("b"), 1);
  a.write(id_of(1), row_of(1), true);
  EXPECT_EQ(b.apply(a.write(id_of(2), row_of(2), true)), SpecTable::Applied::gap);
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

std::map<ChildId, Dot> visible(const Table& table) {
  std::map<ChildId, Dot> dots;
  for (std::uint32_t slot = 0; slot < table.children.slots(); ++slot) {
    const Child* child = table.children.at_slot(slot);
    if (child && child->row()) dots[child->id] = child->row()->dot;
  }
  return dots;
}

/// The table of `from` in four portions, with `between` called between them.
template <typename Between>
void merge_in_portions(Table& to, const Table& from, const Between& between) {
  for (std::uint32_t first = 0; first < buckets; first += buckets / 4) {
    Sync sync;
    sync.first = first;
    sync.end = first + buckets / 4;
    sync.last = sync.end == buckets;
    sync.seen = from.seen();
    for (std::uint32_t bucket = first; bucket < sync.end; ++bucket) from.table.rows_of(bucket, sync.rows);
    (void)to.table.merge(1, sync, [](Child&) {});
    if (!sync.last) between();
  }
}

TEST(SpecTable, ARandomWalkOfThreeNodesAgreesWithADumbModel) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    Samples random(seed);
    std::deque<Table> tables;
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
      Table& table = tables[node];
      switch (random.below(6)) {
        case 0:
          made(node, table.write(id, row_of(random.below(50)), true));
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
        case 3: {
          const auto from = static_cast<std::size_t>(random.below(3));
          if (from == node || random.flip()) {
            table.merge(tables[from].portion(), nothing);
            break;
          }
          // Meanwhile a third node's changes come, and the sender goes on writing.
          const std::size_t third = 3 - from - node;
          merge_in_portions(table, tables[from], [&] {
            if (random.flip()) {
              const ChildId other = id_of(random.below(4));
              made(from, tables[from].write(other, row_of(random.below(50)), true));
            }
            auto& queue = queues[third][from];
            if (!queue.empty() && tables[from].apply(queue.front()) != SpecTable::Applied::gap)
              queue.pop_front();
            auto& own = queues[third][node];
            if (!own.empty() && table.apply(own.front()) != SpecTable::Applied::gap) own.pop_front();
          });
          break;
        }
        default: {
          const auto from = static_cast<std::size_t>(random.below(3));
          auto& queue = queues[from][node];
          if (queue.empty()) break;
          if (table.apply(queue.front()) == SpecTable::Applied::gap)
            table.merge(tables[from].portion(), nothing);
          queue.pop_front();
        }
      }
    }
    for (int round = 0; round < 2; ++round)
      for (std::size_t a = 0; a < 3; ++a)
        for (std::size_t b = 0; b < 3; ++b) tables[a].merge(tables[b].portion(), nothing);
    for (const Table& table : tables) {
      EXPECT_EQ(visible(table), model.visible()) << "seed " << seed;
      EXPECT_EQ(table.digest(), tables[0].digest()) << "seed " << seed;
      EXPECT_EQ(table.table.wanted(), visible(table).size()) << "seed " << seed;
    }
  }
}

TEST(SpecTable, AnEarlyEndThatComesWithATableEndsABirthThatCameInTime) {
  Table a(NodeName("a"), 1), b(NodeName("b"), 1), c(NodeName("c"), 1);
  b.apply(a.write(id_of(1), row_of(1), true));
  // c gets the row with the first portion of a table, and ends it before it covers that birth.
  Sync first = a.portion();
  first.last = false;
  c.merge(first, [](const ChildId&) {});
  c.table.abandon(1);
  const Dot birth = c.row(id_of(1))->birth;
  ASSERT_FALSE(c.seen().covers(birth));
  c.remove(id_of(1));
  Sync whole = c.portion();
  whole.last = true;
  whole.ended = c.table.ended_early();
  std::size_t changes = 0;
  b.merge(whole, [&](const ChildId&) { ++changes; });
  EXPECT_EQ(b.row(id_of(1)), nullptr);
  EXPECT_EQ(changes, 1U);
  EXPECT_TRUE(b.table.ended_early().empty()) << "the vector covers it";
  EXPECT_EQ(b.digest(), c.digest());
}

}  // namespace spec_table_test
}  // namespace brood::core
