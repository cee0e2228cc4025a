#include "term/child_id.hpp"

#include <gtest/gtest.h>

#include <set>
#include <sstream>
#include <unordered_set>

namespace brood::inline v0 {
namespace child_id_test {

/// The id of a term in Erlang syntax.
ChildId id_of(std::string_view text) {
  return ChildId::from_term(*parse_term(text)).value();
}

TEST(ChildId, IsTheTermItself) {
  EXPECT_EQ(id_of("<<\"alice\">>"), *ChildId::binary("alice"));
  EXPECT_EQ(id_of("alice"), *ChildId::atom("alice"));
  EXPECT_NE(*ChildId::atom("alice"), *ChildId::binary("alice"));
  EXPECT_NE(id_of("\"alice\""), *ChildId::binary("alice")) << "a string is a list";
  for (const auto* text :
       {"alice", "<<\"alice\">>", "\"alice\"", "42", "-1", "1.5", "{user,42}", "[a|b]", "#{1=>a,b=>[]}",
        "<<1:3>>", "123456789012345678901234567890", "{'Elixir.A',{10,0,0,1}}"}) {
    EXPECT_EQ(id_of(text).to_term(), *parse_term(text)) << text;
    EXPECT_EQ(id_of(text).text(), text[0] == '<' && text[2] == '"' ? "alice" : text);
  }
  EXPECT_EQ(id_of("{user,42}").kind(), IdKind::term);
}

TEST(ChildId, IsOneHoweverTheTermWasWritten) {
  // Erlang writes the entries of a map in an order of its own, and might write a small number as a big one.
  const Bytes other_order("\x83t\0\0\0\2w\1ba\2w\1aa\1", 16);
  EXPECT_EQ(*ChildId::from_term(*decode_term(other_order)), id_of("#{a=>1,b=>2}"));
  const Bytes big_seven("\x83n\1\0\7", 5);
  EXPECT_EQ(*ChildId::from_term(*decode_term(big_seven)), id_of("7"));
  const Bytes latin1_atom("\x83h\1d\0\1\xe4", 7);
  EXPECT_EQ(*ChildId::from_term(*decode_term(latin1_atom)), id_of("{'\xc3\xa4'}"));
}

TEST(ChildId, RefusesWhatIsEmptyTooLongOrAFun) {
  for (const Term& bad :
       {Term(), Term::tuple({}), Term::map({}), Term::binary(""), Term::atom(""),
        Term::binary(std::string(256, 'x')), Term::tuple({Term::binary(std::string(250, 'x'))}),
        Term(OpaqueFun{"q"}), Term::tuple({Term(1), Term::list({Term(OpaqueFun{"q"})})})}) {
    const auto id = ChildId::from_term(bad);
    ASSERT_FALSE(id) << to_string(bad);
    EXPECT_EQ(id.error().code, Errc::invalid_argument);
  }
  EXPECT_TRUE(ChildId::binary(std::string(255, 'x')));
  EXPECT_FALSE(ChildId::atom("\xff"));
  // {<<...>>} takes 8 bytes more than what is in the binary.
  EXPECT_TRUE(ChildId::from_term(Term::tuple({Term::binary(std::string(247, 'x'))})));
  EXPECT_FALSE(ChildId::from_term(Term::tuple({Term::binary(std::string(248, 'x'))})));
}

TEST(ChildId, AtomsComeBeforeBinariesAndThenOthers) {
  const std::set<ChildId> ids{*ChildId::binary("a"), *ChildId::atom("z"),   id_of("{a}"),
                              *ChildId::atom("b"),   *ChildId::binary("B"), id_of("1")};
  std::string order;
  for (const auto& id : ids) order += id.text();
  EXPECT_EQ(order, "bzBa1{a}");
}

TEST(ChildId, ShowsItsTextWhereItCan) {
  EXPECT_EQ(ChildId::binary("room 1")->text(), "room 1");
  EXPECT_EQ(ChildId::binary(" ")->text(), "<<\" \">>") << "it would not be seen";
  EXPECT_EQ(ChildId::binary("a ")->text(), "<<\"a \">>");
  EXPECT_EQ(ChildId::binary(std::string("\0\1", 2))->text(), "<<0,1>>");
}

TEST(IdTest, OfNothingNamesNoChildAndEqualsItself) {
  const Id none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none, Id());
  EXPECT_EQ(none.text(), "");
  EXPECT_EQ(ChildId::of(none).error().code, Errc::invalid_argument);
  EXPECT_FALSE(Id("a").empty());
  EXPECT_NE(none, Id("a"));
}

TEST(IdTest, TravelsIsHashedAndIsPrinted) {
  for (const Id& id : {Id("a"), Id(Atom("a")), Id(Term::tuple({Term::atom("user"), 42}))}) {
    EXPECT_EQ(decode<Id>(encode(id)).value(), id);
    EXPECT_EQ(encode(id), encode_term(id.term()));
    EXPECT_EQ(std::hash<Id>{}(id), ChildId::of(id)->hash());
    std::ostringstream out;
    out << id;
    EXPECT_EQ(out.str(), id.text());
  }
}

TEST(ChildId, TravelsAsItsTerm) {
  for (const auto& id : {*ChildId::binary("x"), *ChildId::atom("x"), id_of("{x,[1,2]}"), id_of("5")}) {
    EXPECT_EQ(*decode<ChildId>(encode(id)), id);
    EXPECT_EQ(encode(id), encode_term(id.to_term()));
  }
  EXPECT_EQ(decode<ChildId>(encode_term(Term::tuple({}))).error().code, Errc::type_mismatch);
}

// A change here moves every child of every running cluster.
TEST(ChildId, HashHasItsGoldenValues) {
  EXPECT_EQ(ChildId::binary("alice")->hash(), 0x98d11c2cae2d6e64ULL);
  EXPECT_EQ(ChildId::atom("alice")->hash(), 0x361b371617c9c9bdULL);
  EXPECT_EQ(ChildId::binary("child-000001")->hash(), 0xc26a1267a9e0964dULL);
  EXPECT_EQ(id_of("{user,42}").hash(), 0x8d6d5e17f2373baeULL);
}

TEST(ChildId, HashSpreadsSimilarIds) {
  std::vector<int> buckets(64);
  for (int count = 0; count < 64000; ++count)
    ++buckets[ChildId::binary("room-" + std::to_string(count))->hash() >> 58];
  for (const int size : buckets) EXPECT_NEAR(size, 1000, 160);
  std::unordered_set<ChildId> set{*ChildId::binary("a"), *ChildId::atom("a")};
  EXPECT_EQ(set.size(), 2u);
}

}  // namespace child_id_test
}  // namespace brood::inline v0
