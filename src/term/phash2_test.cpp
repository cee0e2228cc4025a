#include "term/phash2.hpp"

#include <gtest/gtest.h>

namespace brood {
namespace phash2_test {

Term power(unsigned bits, bool negative) {
  std::string magnitude(bits / 8 + 1, '\0');
  magnitude.back() = static_cast<char>(1U << (bits % 8));
  return BigInt{negative, magnitude};
}

Term pair(Term first, Term second) {
  return Term::tuple({std::move(first), std::move(second)});
}

// What OTP 25.2 says: erl -noshell -eval 'io:format("~p", [erlang:phash2(Term, 1 bsl 32)]), halt().'
TEST(Phash2, IsWhatErlangSays) {
  const std::vector<std::pair<Term, std::uint32_t>> golden = {
      {Term::atom("a"), 97},
      {Term::atom("ok"), 1883},
      {Term::atom("n1@host"), 22476500},
      {Term::atom("n1@127.0.0.1"), 252192577},
      {Term::atom("tr\xc3\xa4ne"), 8129349},
      {Term::atom(""), 0},
      {Term::binary(""), 147926629},
      {Term::binary("a"), 1589197455},
      {Term::binary("alice"), 987004049},
      {Term::binary("exactly 12b."), 2090513495},
      {Term::binary("child/0123456789"), 131110761},
      {Term(0), 3175731469},
      {Term(1), 539485162},
      {Term(-1), 1117813597},
      {Term(134217727), 4273352567},
      {Term(134217728), 2562491755},
      {Term(-134217728), 874979335},
      {Term(-134217729), 1418916782},
      {Term(std::int64_t{1} << 60), 1373980788},
      {Term(INT64_MIN), 1736826119},
      {power(64, false), 2519041713},
      {power(200, true), 2288753377},
      {Term::tuple({}), 221703996},
      {Term::tuple({Term::atom("a")}), 2853905094},
      {pair(Term::atom("n1@host"), Term(1)), 353398823},
      {pair(Term::atom("n1@host"), Term(128)), 164806431},
      {pair(Term::binary("x"), Term::tuple({Term(1), Term::atom("b"), Term::binary("")})), 2844942239},
      {pair(Term::tuple({}), Term::atom("a")), 3568102618},
      {pair(Term::atom(""), Term::atom("a")), 2028753974},
  };
  for (const auto& [term, hash] : golden) EXPECT_EQ(phash2(term), hash) << to_string(term);
}

TEST(Phash2, OfPartsIsThatOfTheTerm) {
  EXPECT_EQ(Phash2().tuple(2).atom("n1@host").integer(7).value(),
            phash2(pair(Term::atom("n1@host"), Term(7))));
  EXPECT_EQ(Phash2().binary("alice").value(), phash2(Term::binary("alice")));
}

TEST(Phash2, OtherKindsOfTermsHaveNone) {
  EXPECT_EQ(phash2(Term::list({Term(1)})), std::nullopt);
  EXPECT_EQ(phash2(Term(1.5)), std::nullopt);
  EXPECT_EQ(phash2(pair(Term(1), Term::map({}))), std::nullopt);
}

}  // namespace phash2_test
}  // namespace brood
