#include <gtest/gtest.h>

#include <atomic>
#include <brood/fmt.hpp>
#include <brood/id.hpp>
#include <brood/node_name.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <unordered_set>
#include <vector>

namespace brood::inline v0 {
namespace node_name_test {

TEST(NodeNameTest, IsItsTextWhetherItIsKeptOrNot) {
  const NodeName before("kept@host");
  const NodeName kept = NodeName::keep(before);
  const NodeName after("kept@host");
  EXPECT_EQ(before, kept);
  EXPECT_EQ(after, kept);
  EXPECT_EQ(before, after);
  EXPECT_EQ(before <=> kept, std::strong_ordering::equal);
  EXPECT_EQ(before.hash(), kept.hash());
  EXPECT_EQ(&after.text(), &kept.text()) << "a name that is kept is found again";
  EXPECT_NE(&before.text(), &kept.text());
  EXPECT_EQ(before.text(), "kept@host");

  const NodeName other("other@host");
  const NodeName other_kept = NodeName::keep(NodeName("other_kept@host"));
  EXPECT_NE(kept, other);
  EXPECT_NE(kept, other_kept);
  EXPECT_NE(other, other_kept);
  EXPECT_LT(kept, other);
  EXPECT_LT(other, other_kept);
}

TEST(NodeNameTest, NoNameIsBelowAllOthersAndEqualsItself) {
  const NodeName none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none, NodeName(""));
  EXPECT_EQ(none.text(), "");
  EXPECT_EQ(NodeName::keep(none), none);
  EXPECT_LT(none, NodeName("a@b"));
  EXPECT_NE(none, NodeName("a@b"));
}

TEST(NodeNameTest, CopiesAndMovesAsAValue) {
  NodeName a("copied@host");
  NodeName b = a;
  EXPECT_EQ(&a.text(), &b.text()) << "copies share their text";
  NodeName c = std::move(a);
  EXPECT_EQ(c, b);
  b = NodeName("else@host");
  EXPECT_EQ(c.text(), "copied@host");
  c = std::move(b);
  EXPECT_EQ(c.text(), "else@host");
  const NodeName& same = c;
  c = same;
  EXPECT_EQ(c.text(), "else@host");
}

TEST(NodeNameTest, IsAKeyOfSetsOfBothKinds) {
  const NodeName counted("key@host");
  const NodeName kept = NodeName::keep(counted);
  const std::set<NodeName> ordered{counted, kept, NodeName("a@host")};
  const std::unordered_set<NodeName> hashed{counted, kept, NodeName("a@host")};
  EXPECT_EQ(ordered.size(), 2U);
  EXPECT_EQ(hashed.size(), 2U);
  EXPECT_EQ(ordered.begin()->text(), "a@host");
}

TEST(NodeNameTest, IsMadeOfTextAndComparesWithTextInBothDirections) {
  const std::string text = "n1@host";
  const std::string_view view = text;
  const NodeName of_literal = "n1@host";
  const NodeName of_text = text;
  const NodeName of_view = view;
  for (const NodeName& name : {of_literal, of_text, of_view, NodeName::keep(text)}) {
    EXPECT_TRUE(name == "n1@host" && "n1@host" == name);
    EXPECT_TRUE(name == text && text == name);
    EXPECT_TRUE(name == view && view == name);
    EXPECT_TRUE(name != "n1@hos" && "n1@host2" != name);
    EXPECT_TRUE(name < "n2@host" && "n0@host" < name && name >= view);
  }
  const std::vector<NodeName> several = {"n1@host", text, view};
  EXPECT_EQ(std::set<NodeName>(several.begin(), several.end()).size(), 1U);
  const std::optional<NodeName> maybe = "n1@host";
  EXPECT_TRUE(maybe == "n1@host" && maybe == text);
}

TEST(NodeNameTest, IsPrintedAsItsText) {
  const NodeName name = "n1@host";
  std::ostringstream out;
  out << name << " and " << NodeName();
  EXPECT_EQ(out.str(), "n1@host and ");
  EXPECT_EQ("to " + name + std::string(" and back"), "to n1@host and back");
  EXPECT_EQ(fmt::format("{} {:>9}|{}", name, name, NodeName()), "n1@host   n1@host|");
}

// Else a text would silently become an atom, or a name text.
static_assert(!std::is_constructible_v<Term, std::string>);
static_assert(std::is_convertible_v<NodeName, Term>);
static_assert(!std::is_convertible_v<NodeName, std::string>);
static_assert(!std::is_constructible_v<NodeName, Id>);

TEST(NodeNameTest, ManyThreadsMayKeepCopyAndCompareTheSameNames) {
  constexpr int names = 50;
  std::atomic<int> wrong{0};
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&wrong] {
      for (int round = 0; round < 200; ++round) {
        for (int n = 0; n < names; ++n) {
          const NodeName name("thread" + std::to_string(n) + "@host");
          const NodeName copy = name;
          if (NodeName::keep(copy) != name || copy.text() != name.text()) ++wrong;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, 0);
}

// Run last: it fills the table, and what the other tests keep would no longer be kept.
TEST(NodeNameTestZ, NoMoreThanSoManyAreKeptAndTheRestIsRightAllTheSame) {
  NodeName last;
  for (int n = 0; n < 5000; ++n) last = NodeName::keep(NodeName("many" + std::to_string(n) + "@host"));
  EXPECT_EQ(last, NodeName("many4999@host"));
  EXPECT_NE(&last.text(), &NodeName("many4999@host").text()) << "not kept";
  EXPECT_EQ(NodeName::keep(NodeName("kept@host")), NodeName("kept@host"));
}

}  // namespace node_name_test
}  // namespace brood::inline v0
