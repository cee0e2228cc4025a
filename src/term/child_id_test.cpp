#include "term/child_id.hpp"

#include <gtest/gtest.h>

#include <set>
#include <unordered_set>

namespace brood {
namespace child_id_test {

TEST(ChildId, IsABinaryAnAtomOrAString) {
  EXPECT_EQ(*ChildId::from_term(Term::binary("alice")), *ChildId::binary("alice"));
  EXPECT_EQ(*ChildId::from_term(Term::string("alice")), *ChildId::binary("alice"));
  EXPECT_EQ(*ChildId::from_term(Term::atom("alice")), *ChildId::atom("alice"));
  EXPECT_NE(*ChildId::atom("alice"), *ChildId::binary("alice"));
  EXPECT_EQ(ChildId::atom("alice")->to_term(), Term::atom("alice"));
  EXPECT_EQ(ChildId::binary("alice")->to_term(), Term::binary("alice"));
}

TEST(ChildId, RefusesOtherTermsAndSizes) {
  for (const Term& bad : {Term(1), Term(), Term::tuple({}), Term::list({300}), Term::binary(""),
                          Term::atom(""), Term::binary(std::string(256, 'x')), Term::map({}), Term(1.5)}) {
    const auto id = ChildId::from_term(bad);
    ASSERT_FALSE(id) << to_string(bad);
    EXPECT_EQ(id.error().code, Errc::invalid_argument);
  }
  EXPECT_TRUE(ChildId::binary(std::string(255, 'x')));
  EXPECT_FALSE(ChildId::atom("\xff"));
}

TEST(ChildId, AtomsComeBeforeBinaries) {
  const std::set<ChildId> ids{*ChildId::binary("a"), *ChildId::atom("z"), *ChildId::atom("b"),
                              *ChildId::binary("B")};
  std::string order;
  for (const auto& id : ids) order += id.text();
  EXPECT_EQ(order, "bzBa");
}

TEST(ChildId, ShowsItsTextWhereItCan) {
  EXPECT_EQ(ChildId::binary("room 1")->text(), "room 1");
  EXPECT_EQ(ChildId::binary(" ")->text(), "<<\" \">>") << "it would not be seen";
  EXPECT_EQ(ChildId::binary("a ")->text(), "<<\"a \">>");
  EXPECT_EQ(ChildId::binary(std::string("\0\1", 2))->text(), "<<0,1>>");
}

TEST(ChildId, TravelsAsItsTerm) {
  for (const auto& id : {*ChildId::binary("x"), *ChildId::atom("x")})
    EXPECT_EQ(*decode<ChildId>(encode(id)), id);
  EXPECT_EQ(decode<ChildId>(encode(5)).error().code, Errc::type_mismatch);
}

// A change here moves every child of every running cluster.
TEST(ChildId, HashHasItsGoldenValues) {
  EXPECT_EQ(ChildId::binary("alice")->hash64(), 0x98d11c2cae2d6e64ULL);
  EXPECT_EQ(ChildId::atom("alice")->hash64(), 0x361b371617c9c9bdULL);
  EXPECT_EQ(ChildId::binary("child-000001")->hash64(), 0xc26a1267a9e0964dULL);
}

TEST(ChildId, HashSpreadsSimilarIds) {
  std::vector<int> buckets(64);
  for (int count = 0; count < 64000; ++count)
    ++buckets[ChildId::binary("room-" + std::to_string(count))->hash64() >> 58];
  for (const int size : buckets) EXPECT_NEAR(size, 1000, 160);
  std::unordered_set<ChildId> set{*ChildId::binary("a"), *ChildId::atom("a")};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace child_id_test
}  // namespace brood
