#include "supervisor/driver/registry_writer.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace registry_writer_test {

ChildId id_of(const std::string& text) {
  return *ChildId::binary(text);
}

struct FakeTables final : CoreTables {
  std::map<ChildId, core::SpecRow> rows;
  std::map<ChildId, std::vector<core::Located>> located;
  void look_up(const ChildId& id, core::Known& into) const override {
    const auto row = rows.find(id);
    into.row = row == rows.end() ? nullptr : &row->second;
    into.instances.clear();
    if (const auto found = located.find(id); found != located.end())
      for (const core::Located& one : found->second) into.instances.push_back({&one.host, &one.instance});
  }
  bool is_here(const core::SessionId& session) const override { return session.node == NodeName("n1@t"); }
  void run(const ChildId& id, const std::string& node, std::uint64_t session) {
    core::Located here;
    here.host = {NodeName(node), 1, session};
    here.instance.phase = core::Phase::running;
    here.instance.pid = {1, 2};
    located[id] = {here};
  }
};

TEST(RegistryWriter, AChildIsThereWhileItHasARowOrAnInstance) {
  FakeTables tables;
  Registry registry;
  RegistryWriter writer(tables, registry);
  const ChildId id = id_of("a");
  tables.rows[id].spec = std::make_shared<core::Spec>();
  tables.run(id, "n1@t", 1);
  (void)writer.publish({id});
  ASSERT_TRUE(registry.running(id));
  EXPECT_EQ(registry.running(id)->node.text(), "n1@t");
  EXPECT_TRUE(registry.find(id)->wanted);
  tables.rows.clear();
  (void)writer.publish({id});
  EXPECT_FALSE(registry.find(id)->wanted) << "it still ends";
  tables.located.clear();
  (void)writer.publish({id});
  EXPECT_FALSE(registry.find(id));
}

TEST(RegistryWriter, ChildrenOfOneSessionShareItAndSessionsThatAreGoneAreDropped) {
  FakeTables tables;
  Registry registry;
  RegistryWriter writer(tables, registry);
  const ChildId a = id_of("a"), b = id_of("b");
  tables.run(a, "n1@t", 1);
  tables.run(b, "n1@t", 1);
  (void)writer.publish({a, b});
  EXPECT_EQ(registry.find(a)->running()->host, registry.find(b)->running()->host);
  for (std::uint64_t session = 2; session < 1000; ++session) {
    tables.run(a, "n1@t", session);
    (void)writer.publish({a});
  }
  EXPECT_LE(writer.session_count(), 65U);
  EXPECT_EQ(registry.find(b)->running()->host->session, 1U);
}

TEST(RegistryWriter, SaysWhoseProcessOnThisNodeIsAnotherNow) {
  FakeTables tables;
  Registry registry;
  RegistryWriter writer(tables, registry);
  const ChildId id = id_of("a");
  tables.rows[id].spec = std::make_shared<core::Spec>();
  tables.run(id, "n1@t", 1);
  auto moved = writer.publish({id}).moved;
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_EQ(moved[0].pid, (Pid{NodeName("n1@t"), 1, 2, 1}));
  EXPECT_TRUE(writer.publish({id}).moved.empty()) << "nothing has changed";
  EXPECT_EQ(writer.all_here({id, id_of("b")}).size(), 1U);
  tables.located[id][0].instance.phase = core::Phase::stuck;
  EXPECT_TRUE(writer.publish({id}).moved.empty()) << "the same process";
  tables.located[id][0].instance.phase = core::Phase::stopping;
  moved = writer.publish({id}).moved;
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_FALSE(moved[0].pid) << "nobody should be sent there any more";
  tables.run(id, "n2@t", 1);
  EXPECT_TRUE(writer.publish({id}).moved.empty()) << "elsewhere";
  tables.run(id, "n1@t", 1);
  EXPECT_EQ(writer.publish({id}).moved.size(), 1U);
  tables.rows.clear();
  tables.located.clear();
  moved = writer.publish({id}).moved;
  ASSERT_EQ(moved.size(), 1U);
  EXPECT_FALSE(moved[0].pid);
}

TEST(RegistryWriter, SaysWhoMayHaveAnotherSpecToFollow) {
  FakeTables tables;
  Registry registry;
  RegistryWriter writer(tables, registry);
  const ChildId id = id_of("a");
  using Ids = std::vector<ChildId>;
  tables.rows[id].spec = std::make_shared<core::Spec>();
  EXPECT_EQ(writer.publish({id}).to_follow, Ids{}) << "nothing of it is here yet";
  tables.run(id, "n1@t", 1);
  EXPECT_EQ(writer.publish({id}).to_follow, Ids{id}) << "it may have been begun with a spec of before";
  tables.located[id][0].instance.restarts = 7;
  EXPECT_EQ(writer.publish({id}).to_follow, Ids{}) << "neither is another";
  tables.rows[id].spec = std::make_shared<core::Spec>();
  EXPECT_EQ(writer.publish({id}).to_follow, Ids{id});
  tables.located[id][0].instance.pid = {9, 2};
  EXPECT_EQ(writer.publish({id}).to_follow, Ids{id}) << "started again";
  tables.run(id, "n2@t", 1);
  (void)writer.publish({id});
  tables.located[id][0].instance.phase = core::Phase::stuck;
  EXPECT_EQ(writer.publish({id}).to_follow, Ids{}) << "of another node";
}

}  // namespace registry_writer_test
}  // namespace brood::supervisor
