#include "term/phash2.hpp"

#include <gtest/gtest.h>

namespace brood::inline v0 {
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

TEST(Phash2, OfListsMapsAndFloatsIsWhatErlangSays) {
  const std::vector<std::pair<std::string_view, std::uint32_t>> golden = {
      {"[]", 3468870702},
      {"[a]", 1634476877},
      {"[1]", 2768963718},
      {"[1,2,3,4,5]", 3824152778},
      {"\"alice\"", 3632136943},
      {"[1|2]", 3844221178},
      {"[a|b]", 2356411656},
      {"[300,1,2]", 2902664759},
      {"[[],[]]", 67164138},
      {"{[]}", 1775079505},
      {"1.0", 3029937084},
      {"-2.5e100", 1937523913},
      {"0.0", 423528920},
      {"<<1:3>>", 3965351140},
      {"<<255,5:7>>", 2397609270},
      {"<<1,2,3,4,5,6,7,8,9,10,11,12,13,1:1>>", 3892854937},
      {"#{}", 844985373},
      {"#{a=>1}", 1401795262},
      {"#{1=>a,b=>#{c=>[]},<<\"k\">>=>1.5}", 2405686623},
      {"{user,42}", 3791834521},
      {"{\"MyApp\",{10,0,0,7}}", 1737024847},
      {"[{},1,2,{}]", 1415755540},
  };
  for (const auto& [text, hash] : golden) EXPECT_EQ(phash2(*parse_term(text)), hash) << text;
  EXPECT_EQ(phash2(Term(-0.0)), phash2(Term(0.0)));
  const Pid pid{NodeName("a"), 268435455, 5, 0};
  EXPECT_EQ(phash2(pid), 791223336);
  const Ref ref{NodeName("a"), 0, {0xffffffff, 7, 8}};
  EXPECT_EQ(phash2(ref), 1715832725);
}

TEST(Phash2, OfPartsIsThatOfTheTerm) {
  EXPECT_EQ(Phash2().tuple(2).atom("n1@host").integer(7).value(),
            phash2(pair(Term::atom("n1@host"), Term(7))));
  EXPECT_EQ(Phash2().binary("alice").value(), phash2(Term::binary("alice")));
}

TEST(Phash2, FunsHaveNone) {
  const Term fun = OpaqueFun{"q"};
  EXPECT_EQ(phash2(fun), std::nullopt);
  EXPECT_EQ(phash2(pair(Term(1), Term::list({fun}))), std::nullopt);
  EXPECT_EQ(phash2(Term::map({{Term(1), fun}})), std::nullopt);
}

}  // namespace phash2_test
}  // namespace brood::inline v0
