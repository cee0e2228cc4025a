#include <gtest/gtest.h>

#include <brood/codec.hpp>
#include <cmath>
#include <limits>
#include <utility>

#include "term/random_term_test_support.hpp"

namespace brood::inline v0 {
namespace term_test {

Term ok_tuple() {
  return Term::tuple({Term::atom("ok"), 3, Term::binary("x")});
}

TEST(Term, DefaultIsTheEmptyList) {
  EXPECT_EQ(Term(), Term::list({}));
  EXPECT_NE(Term().as_list(), nullptr);
  EXPECT_TRUE(Term().as_list()->empty());
}

TEST(Term, AccessorsAnswerOnlyForTheirKind) {
  const Term term = ok_tuple();
  EXPECT_EQ(term.as_atom(), nullptr);
  EXPECT_EQ(term.as_list(), nullptr);
  ASSERT_NE(term.as_tuple(), nullptr);
  EXPECT_EQ(term.as_tuple()->size(), 3u);
  EXPECT_TRUE(term.is_record("ok", 3));
  EXPECT_FALSE(term.is_record("ok", 2));
  EXPECT_FALSE(term.is_record("error", 3));
}

TEST(Term, CopiesAreIndependent) {
  const Term first = ok_tuple();
  Term second = first;
  second = Term(7);
  EXPECT_EQ(first, ok_tuple());
  EXPECT_EQ(second, Term(7));
}

TEST(Term, AMovedFromTermIsTheEmptyList) {
  Term first = ok_tuple();
  const Term second = std::move(first);
  EXPECT_EQ(first, Term());  // NOLINT: the state is documented
  EXPECT_EQ(second, ok_tuple());
}

TEST(Term, MayBeAssignedAPartOfItself) {
  Term term = Term::tuple({Term::tuple({Term(1000)})});
  const Term inner = term.as_tuple()->front();
  term = Term(inner);
  EXPECT_EQ(term, Term::tuple({Term(1000)}));
  Term nested = Term::tuple({Term::tuple({Term(2000)})});
  nested = std::move(const_cast<Term&>(nested.as_tuple()->front()));
  EXPECT_EQ(nested, Term::tuple({Term(2000)}));
}

TEST(Term, NumbersHaveOneFormEach) {
  EXPECT_NE(Term(std::uint64_t{5}).as_integer(), nullptr);
  EXPECT_NE(Term(std::uint64_t{1} << 63).as_big(), nullptr);
  EXPECT_EQ(Term(BigInt{false, Bytes("\x05\0\0", 3)}), Term(5));
  EXPECT_EQ(Term(BigInt{true, Bytes()}), Term(0));
  EXPECT_EQ(Term(BigInt{true, Bytes("\0\0\0\0\0\0\0\x80", 8)}), Term(INT64_MIN));
  EXPECT_NE(Term(BigInt{false, Bytes("\0\0\0\0\0\0\0\x80", 8)}).as_big(), nullptr);
}

TEST(Term, FloatsThatErlangDoesNotKnowAreAtoms) {
  EXPECT_TRUE(Term(std::nan("")).is_atom("nan"));
  EXPECT_TRUE(Term(std::numeric_limits<double>::infinity()).is_atom("infinity"));
  EXPECT_TRUE(Term(-std::numeric_limits<double>::infinity()).is_atom("neg_infinity"));
}

TEST(Term, WholeBitStringsAreBinariesAndUnusedBitsAreZero) {
  EXPECT_EQ(Term(Bitstring{"ab", 8}), Term::binary("ab"));
  EXPECT_EQ(Term(Bitstring{"ab", 0}), Term::binary("ab"));
  EXPECT_EQ(Term(Bitstring{"\xff", 3}), Term(Bitstring{"\xe0", 3}));
}

TEST(Term, AtomsAreMadeToFit) {
  EXPECT_EQ(Term::atom(std::string(300, 'x')), Term::atom(std::string(255, 'x')));
  EXPECT_EQ(Term::atom("\xe9t\xe9"), Term::atom("\xc3\xa9t\xc3\xa9"));
}

TEST(Term, MapsKeepTheLastOfEqualKeysInKeyOrder) {
  const Term map = Term::map({{Term::atom("b"), 1}, {Term::atom("a"), 2}, {Term::atom("b"), 3}});
  ASSERT_EQ(map.as_map()->size(), 2u);
  EXPECT_TRUE(map.as_map()->front().first.is_atom("a"));
  EXPECT_EQ(*map.get("b"), Term(3));
  EXPECT_EQ(map.get("c"), nullptr);
  EXPECT_EQ(Term(1).get("c"), nullptr);
}

TEST(Term, ATailThatIsAListIsJoined) {
  EXPECT_EQ(Term::improper_list({1}, Term::list({2, 3})), Term::list({1, 2, 3}));
  EXPECT_EQ(Term::improper_list({1}, Term()), Term::list({1}));
  EXPECT_EQ(Term::improper_list({}, Term(4)), Term(4));
  EXPECT_EQ(Term::improper_list({1}, Term(4)).as_list(), nullptr);
}

TEST(Term, TextIsOfAtomsBinariesAndErlangStrings) {
  EXPECT_EQ(Term::atom("a").text(), "a");
  EXPECT_EQ(Term::binary("b").text(), "b");
  EXPECT_EQ(Term::string("c\xff").text(), "c\xff");
  EXPECT_EQ(Term().text(), "");
  EXPECT_EQ(Term::list({300}).text(), std::nullopt);
  EXPECT_EQ(Term(1).text(), std::nullopt);
}

// number < atom < reference < fun < port < pid < tuple < map < nil < list < bit string
TEST(TermOrder, KindsFollowErlang) {
  const NodeName node("a@b");
  const std::vector<Term> sorted{1,
                                 Term::atom("a"),
                                 Ref{node, 1, {1}},
                                 OpaqueFun{"x"},
                                 Port{node, 1, 1},
                                 Pid{node, 1, 1, 1},
                                 Term::tuple({}),
                                 Term::map({}),
                                 Term(),
                                 Term::list({1}),
                                 Term::binary("")};
  for (std::size_t a = 0; a < sorted.size(); ++a)
    for (std::size_t b = 0; b < sorted.size(); ++b)
      EXPECT_EQ(sorted[a] <=> sorted[b], a <=> b) << a << " " << b;
}

TEST(TermOrder, OneComesBeforeOnePointZeroAndIsNotEqual) {
  EXPECT_NE(Term(1), Term(1.0));
  EXPECT_LT(Term(1), Term(1.0));
  EXPECT_LT(Term(1.0), Term(2));
  // What Erlang can tell apart decides before what it cannot.
  EXPECT_LT(Term::tuple({1.0, 1}), Term::tuple({1, 2}));
  EXPECT_LT(Term::tuple({1, 1}), Term::tuple({1.0, 1}));
}

TEST(TermOrder, IntegersAndFloatsCompareByExactValue) {
  constexpr std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_GT(Term(big), Term(9007199254740992.0));
  EXPECT_LT(Term(std::int64_t{-1}), Term(-0.5));
  EXPECT_GT(Term(0), Term(-0.5));
  EXPECT_LT(Term(std::uint64_t{UINT64_MAX}), Term(1e300));
  EXPECT_LT(Term(-1e300), Term(INT64_MIN));
  EXPECT_GT(Term(UINT64_MAX), Term(1.8446744073709550e19));
}

TEST(TermOrder, ListsCompareItemByItemAndThenByTheirTails) {
  EXPECT_LT(Term::list({1}), Term::list({1, 2}));
  EXPECT_LT(Term::list({1, 9}), Term::list({2}));
  EXPECT_LT(Term::improper_list({1}, 5), Term::list({1}));
  EXPECT_LT(Term::improper_list({1}, 5), Term::list({1, 2}));
  EXPECT_GT(Term::improper_list({1}, Term::binary("")), Term::list({1, 2}));
}

TEST(TermOrder, MapsCompareBySizeThenKeysThenValues) {
  EXPECT_LT(Term::map({{9, 9}}), Term::map({{1, 1}, {2, 2}}));
  EXPECT_LT(Term::map({{1, 9}, {2, 9}}), Term::map({{1, 1}, {3, 1}}));
  EXPECT_LT(Term::map({{1, 1}, {2, 2}}), Term::map({{1, 1}, {2, 3}}));
}

TEST(TermOrder, BitStringsCompareBitByBit) {
  EXPECT_LT(Term(Bitstring{"\x80", 1}), Term::binary("\x80"));
  EXPECT_LT(Term::binary("\x7f"), Term(Bitstring{"\x80", 1}));
  EXPECT_LT(Term::binary("a"), Term(Bitstring{Bytes("a\0", 2), 1}));
  EXPECT_LT(Term(Bitstring{"\x80", 1}), Term(Bitstring{"\x80", 2}));
  EXPECT_GT(Term(Bitstring{"\xff", 3}), Term::binary("\xdf\xff"));
}

TEST(TermOrder, IsTotalOnRandomTerms) {
  test::RandomTerms random(1);
  std::vector<Term> terms;
  for (int count = 0; count < 120; ++count) terms.push_back(random.next(2));
  for (const Term& a : terms)
    for (const Term& b : terms) {
      ASSERT_EQ(a <=> b, 0 <=> (b <=> a)) << to_string(a) << " " << to_string(b);
      ASSERT_EQ(a == b, (a <=> b) == 0);
      ASSERT_EQ(a == b, encode_term(a) == encode_term(b)) << to_string(a) << " " << to_string(b);
    }
  std::sort(terms.begin(), terms.end());
  for (std::size_t a = 0; a < terms.size(); ++a)
    for (std::size_t b = a; b < terms.size(); ++b) ASSERT_LE(terms[a], terms[b]);
}

TEST(Term, AnyDepthIsCopiedComparedEncodedAndFreed) {
  Term deep(1000);
  Bytes expected(1, '\x83');
  constexpr int depth = 1000000;
  for (int level = 0; level < depth; ++level) {
    std::vector<Term> items;
    items.push_back(std::move(deep));
    deep = Term::tuple(std::move(items));
  }
  const Term copy = deep;
  EXPECT_EQ(copy, deep);
  EXPECT_EQ(encode_term(copy).size(), 1 + 2 * std::size_t{depth} + 5);
  EXPECT_EQ(decode_term(encode_term(copy)).error().code, Errc::malformed);
  EXPECT_LT(to_string(copy).size(), 2000u);
}

TEST(Term, SmallIntegersShareTheirStorage) {
  EXPECT_EQ(Term(7).as_integer(), Term(7).as_integer());
  EXPECT_NE(Term(700).as_integer(), nullptr);
}

}  // namespace term_test
}  // namespace brood::inline v0
