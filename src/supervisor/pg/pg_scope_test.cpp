#include "supervisor/pg/pg_scope.hpp"

#include <gtest/gtest.h>

#include <brood/codec.hpp>

namespace brood::supervisor {
namespace pg_scope_test {

const NodeName here{"n1@h"};
const NodeName there{"e1@h"};
const Pid self{here, 7, 0, 3};
const Pid scope{there, 100, 0, 9};
const Pid newer_scope{there, 101, 0, 9};

ChildId id(std::string_view text) {
  return *ChildId::binary(text);
}
Pid child(std::uint32_t number) {
  return {here, number, 0, 3};
}
std::string shown(const Pid& pid) {
  return to_string(Term(pid));
}

/// The effects, a line each, in Erlang syntax.
std::string text(const PgEffects& effects) {
  std::string out;
  for (const PgEffect& effect : effects) {
    if (!out.empty()) out += "; ";
    if (const auto* look = std::get_if<PgLook>(&effect)) {
      out += "look at " + look->node.text() + " " + encoded_to_string(look->term);
    } else if (const auto* tell = std::get_if<PgTell>(&effect)) {
      out += "tell";
      for (const Pid& to : tell->to) out += " " + shown(to);
      out += " " + encoded_to_string(tell->term);
    } else if (const auto* wait = std::get_if<PgWait>(&effect)) {
      out += "wait for " + wait->node.text();
    } else if (const auto* forget = std::get_if<PgForget>(&effect)) {
      out += "forget " + forget->node.text();
    }
  }
  return out;
}
const std::string looks = "look at e1@h {discover," + shown(self) + "}";
std::string syncs(const Pid& to, const std::string& groups) {
  return "tell " + shown(to) + " {'$gen_cast',{sync," + shown(self) + "," + groups + "}}";
}
std::string group(std::string_view name, std::uint32_t number) {
  return "{<<\"" + std::string(name) + "\">>,[" + shown(child(number)) + "]}";
}
std::string joins(std::string_view name, std::uint32_t number) {
  return "tell " + shown(scope) + " {join," + shown(self) + ",<<\"" + std::string(name) + "\">>," +
         shown(child(number)) + "}";
}
std::string leaves(std::string_view name, std::uint32_t number) {
  return "tell " + shown(scope) + " {leave," + shown(self) + "," + shown(child(number)) + ",[<<\"" +
         std::string(name) + "\">>]}";
}

class Pg : public ::testing::Test {
 protected:
  /// The other node's scope has answered.
  void know() {
    EXPECT_EQ(text(pg.node_up(there)), looks);
    EXPECT_EQ(text(pg.synced_by(scope)), syncs(scope, "[]"));
    EXPECT_EQ(text(pg.discovered_by(scope)), "") << "the answer to our own discover";
  }
  PgScope pg{self};
};

TEST_F(Pg, AScopeThatAnswersIsToldTheTableOnce) {
  EXPECT_EQ(text(pg.changed({{id("a"), child(1)}})), "") << "nobody is there to be told";
  EXPECT_EQ(text(pg.node_up(there)), looks);
  EXPECT_EQ(text(pg.synced_by(scope)), syncs(scope, "[" + group("a", 1) + "]"));
  EXPECT_EQ(text(pg.discovered_by(scope)), "");
  EXPECT_EQ(text(pg.discovered_by(scope)), syncs(scope, "[" + group("a", 1) + "]")) << "it asks anew";
}

TEST_F(Pg, AScopeThatAsksFirstIsAskedBack) {
  EXPECT_EQ(text(pg.discovered_by(scope)), looks + "; " + syncs(scope, "[]"));
  EXPECT_EQ(text(pg.synced_by(scope)), "") << "it knows the table already";
}

TEST_F(Pg, ChildrenThatComeMoveAndGoAreJoinsAndLeaves) {
  know();
  EXPECT_EQ(text(pg.changed({{id("a"), child(1)}, {id("b"), child(2)}})),
            joins("a", 1) + "; " + joins("b", 2));
  EXPECT_EQ(text(pg.changed({{id("a"), child(1)}})), "") << "nothing new";
  EXPECT_EQ(text(pg.changed({{id("a"), child(3)}})), leaves("a", 1) + "; " + joins("a", 3));
  EXPECT_EQ(text(pg.changed({{id("a"), std::nullopt}, {id("c"), std::nullopt}})), leaves("a", 3))
      << "a group that is not known must not be left: pg would crash";
  EXPECT_EQ(text(pg.discovered_by(newer_scope)), syncs(newer_scope, "[" + group("b", 2) + "]"));
}

TEST_F(Pg, AnAtomIsAnotherGroupThanABinary) {
  know();
  const std::string line = text(pg.changed({{*ChildId::atom("a"), child(1)}}));
  EXPECT_NE(line.find("{join," + shown(self) + ",a,"), std::string::npos) << line;
}

TEST_F(Pg, AScopeThatStartsLaterIsFoundByLookingAgain) {
  EXPECT_EQ(text(pg.node_up(there)), looks);
  EXPECT_EQ(text(pg.node_up(there)), "") << "it is being watched";
  EXPECT_EQ(text(pg.scope_ended(there, false)), "wait for e1@h");
  EXPECT_EQ(text(pg.look_again(there)), looks);
  EXPECT_EQ(text(pg.synced_by(scope)), syncs(scope, "[]"));
}

TEST_F(Pg, AScopeThatStartsBetweenOurWatchAndOurDiscoverIsWatched) {
  EXPECT_EQ(text(pg.node_up(there)), looks);
  EXPECT_EQ(text(pg.scope_ended(there, false)), "wait for e1@h") << "the watch found nobody";
  EXPECT_EQ(text(pg.synced_by(scope)), looks + "; " + syncs(scope, "[]")) << "the discover found it";
  EXPECT_EQ(text(pg.discovered_by(scope)), "");
  EXPECT_EQ(text(pg.look_again(there)), "");
  EXPECT_EQ(text(pg.scope_ended(there, true)), looks) << "and its end is seen";
}

TEST_F(Pg, AScopeIsLookedForOftenAtFirstAndThenSeldom) {
  EXPECT_EQ(text(pg.node_up(there)), looks);
  const auto waits_soon = [&] {
    const PgEffects effects = pg.scope_ended(there, false);
    EXPECT_EQ(text(effects), "wait for e1@h");
    EXPECT_EQ(text(pg.look_again(there)), looks);
    return std::get<PgWait>(effects.front()).is_soon;
  };
  for (std::uint32_t i = 0; i < PgScope::soon_max; ++i) ASSERT_TRUE(waits_soon()) << i;
  EXPECT_FALSE(waits_soon());
  EXPECT_EQ(text(pg.synced_by(scope)), syncs(scope, "[]"));
  EXPECT_EQ(text(pg.scope_ended(there, true)), looks);
  EXPECT_TRUE(waits_soon()) << "one that has ended may be back soon";
}

TEST_F(Pg, AScopeThatEndsIsLookedForAtOnceAndNotToldMeanwhile) {
  know();
  EXPECT_EQ(text(pg.scope_ended(there, true)), looks);
  EXPECT_EQ(text(pg.changed({{id("a"), child(1)}})), "");
  EXPECT_EQ(text(pg.synced_by(newer_scope)), syncs(newer_scope, "[" + group("a", 1) + "]"));
}

TEST_F(Pg, AScopeThatCouldNotBeToldIsToldAllAnew) {
  know();
  EXPECT_EQ(text(pg.changed({{id("a"), child(1)}})), joins("a", 1));
  EXPECT_EQ(text(pg.not_told(scope)), "wait for e1@h");
  EXPECT_EQ(text(pg.not_told(scope)), "") << "it is known by then";
  EXPECT_EQ(text(pg.changed({{id("a"), std::nullopt}, {id("b"), child(2)}})), "");
  EXPECT_EQ(text(pg.look_again(there)), "forget e1@h; " + looks);
  EXPECT_EQ(text(pg.synced_by(scope)), syncs(scope, "[" + group("b", 2) + "]"));
  EXPECT_EQ(text(pg.look_again(there)), "") << "it has answered";
}

TEST_F(Pg, ALostNodeIsNeitherToldNorLookedFor) {
  know();
  pg.node_down(there);
  EXPECT_EQ(text(pg.changed({{id("a"), child(1)}})), "");
  EXPECT_EQ(text(pg.look_again(there)), "");
  EXPECT_EQ(text(pg.scope_ended(there, false)), "");
  EXPECT_EQ(text(pg.node_up(there)), looks);
  EXPECT_EQ(text(pg.discovered_by(scope)), syncs(scope, "[" + group("a", 1) + "]"));
}

TEST_F(Pg, ABroodNodeIsForgotten) {
  EXPECT_EQ(text(pg.node_up(there)), looks);
  EXPECT_EQ(text(pg.is_brood(there)), "forget e1@h");
  EXPECT_EQ(text(pg.is_brood(there)), "");
  EXPECT_EQ(text(pg.discovered_by(scope)), "");
  EXPECT_EQ(text(pg.synced_by(scope)), "");
  EXPECT_EQ(text(pg.node_up(there)), "");
  EXPECT_EQ(text(pg.changed({{id("a"), child(1)}})), "");
  pg.node_down(there);
  EXPECT_EQ(text(pg.node_up(there)), looks) << "another program may have the name now";
}

TEST_F(Pg, ManyJoinsGoAsOneTable) {
  know();
  std::vector<PgChange> many;
  for (std::uint32_t number = 0; number < 1000; ++number)
    many.push_back({id(std::to_string(number)), child(number + 1)});
  EXPECT_EQ(pg.changed(many).size(), 1U);
  // All of them restarted: each is left by itself, then one table.
  for (PgChange& change : many) change.pid->id += 5000;
  const PgEffects restarted = pg.changed(many);
  ASSERT_EQ(restarted.size(), 1001U);
  EXPECT_NE(text({restarted.front()}).find("{leave,"), std::string::npos);
  EXPECT_NE(text({restarted.back()}).find("{sync,"), std::string::npos);
  // A few among many go one by one.
  many.resize(100);
  for (PgChange& change : many) change.pid->id += 5000;
  EXPECT_EQ(pg.changed(many).size(), 200U);
  EXPECT_EQ(pg.group_count(), 1000U);
}

}  // namespace pg_scope_test
}  // namespace brood::supervisor
