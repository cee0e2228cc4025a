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
  const core::SpecRow* spec(const ChildId& id) const override {
    const auto found = rows.find(id);
    return found == rows.end() ? nullptr : &found->second;
  }
  std::vector<core::Located> instances(const ChildId& id) const override {
    const auto found = located.find(id);
    return found == located.end() ? std::vector<core::Located>{} : found->second;
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
  writer.publish({id});
  ASSERT_TRUE(registry.running(id));
  EXPECT_EQ(registry.running(id)->node.text(), "n1@t");
  EXPECT_TRUE(registry.find(id)->wanted);
  tables.rows.clear();
  writer.publish({id});
  EXPECT_FALSE(registry.find(id)->wanted) << "it still ends";
  tables.located.clear();
  writer.publish({id});
  EXPECT_FALSE(registry.find(id));
}

TEST(RegistryWriter, ChildrenOfOneSessionShareItAndSessionsThatAreGoneAreDropped) {
  FakeTables tables;
  Registry registry;
  RegistryWriter writer(tables, registry);
  const ChildId a = id_of("a"), b = id_of("b");
  tables.run(a, "n1@t", 1);
  tables.run(b, "n1@t", 1);
  writer.publish({a, b});
  EXPECT_EQ(registry.find(a)->running()->host, registry.find(b)->running()->host);
  for (std::uint64_t session = 2; session < 1000; ++session) {
    tables.run(a, "n1@t", session);
    writer.publish({a});
  }
  EXPECT_LE(writer.session_count(), 65U);
  EXPECT_EQ(registry.find(b)->running()->host->session, 1U);
}

}  // namespace registry_writer_test
}  // namespace brood::supervisor
