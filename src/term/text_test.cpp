// Terms as Erlang text, both ways.
#include <gtest/gtest.h>

#include <brood/term.hpp>

#include "term/random_term_test_support.hpp"

namespace brood::inline v0 {
namespace text_test {

std::string again(std::string_view text) {
  const auto term = parse_term(text);
  return term ? to_string(*term) : "error: " + term.error().message;
}

TEST(TermText, WritesErlangSyntax) {
  EXPECT_EQ(to_string(Term::tuple({Term::atom("ok"), 1, -2, 1.0})), "{ok,1,-2,1.0}");
  EXPECT_EQ(to_string(1e22), "1.0e+22");
  EXPECT_EQ(to_string(Term::atom("Hello world")), "'Hello world'");
  EXPECT_EQ(to_string(Term::atom("")), "''");
  EXPECT_EQ(to_string(Term::atom("end")), "'end'");
  EXPECT_EQ(to_string(Term::atom("n1@host")), "n1@host");
  EXPECT_EQ(to_string(Term::atom("it's")), "'it\\'s'");
  EXPECT_EQ(to_string(Term::binary("a\"b\n")), "<<\"a\\\"b\\n\">>");
  EXPECT_EQ(to_string(Term::binary("\x01\xff")), "<<1,255>>");
  EXPECT_EQ(to_string(Term::binary("")), "<<>>");
  EXPECT_EQ(to_string(Term::binary("\xc3\xa9")), "<<\"\xc3\xa9\">>");
  EXPECT_EQ(to_string(Bitstring{"\x01\xa0", 3}), "<<1,5:3>>");
  EXPECT_EQ(to_string(Term::string("abc")), "\"abc\"");
  EXPECT_EQ(to_string(Term::list({1, 2})), "[1,2]");
  EXPECT_EQ(to_string(Term::improper_list({Term::atom("a")}, 2)), "[a|2]");
  EXPECT_EQ(to_string(Term()), "[]");
  EXPECT_EQ(to_string(Term::map({{Term::atom("a"), 1}, {2, 3}})), "#{2=>3,a=>1}");
  EXPECT_EQ(to_string(Pid{NodeName("n1@127.0.0.1"), 12, 0, 5}), "<n1@127.0.0.1.12.0>");
  EXPECT_EQ(to_string(UINT64_MAX), "18446744073709551615");
}

TEST(TermText, ReadsErlangSyntax) {
  EXPECT_EQ(again(" { ok , 1 } . "), "{ok,1}");
  EXPECT_EQ(again("16#ff"), "255");
  EXPECT_EQ(again("-16#FF"), "-255");
  EXPECT_EQ(again("2#101"), "5");
  EXPECT_EQ(again("1_000_000"), "1000000");
  EXPECT_EQ(again("$a"), "97");
  EXPECT_EQ(again("$\\n"), "10");
  EXPECT_EQ(again("-1.5e-3"), "-0.0015");
  EXPECT_EQ(again("123456789012345678901234567890"), "123456789012345678901234567890");
  EXPECT_EQ(again("-9223372036854775808"), "-9223372036854775808");
  EXPECT_EQ(again("\"ab\" \"cd\""), "\"abcd\"");
  EXPECT_EQ(again("\"\\x41\\x{42}\\103\\s\""), "\"ABC \"");
  EXPECT_EQ(again("<<\"ab\", 1, 2:16>>"), "<<97,98,1,0,2>>");
  EXPECT_EQ(again("<<\"caf\xc3\xa9\"/utf8>>"), "<<\"caf\xc3\xa9\">>");
  EXPECT_EQ(again("<<>>"), "<<>>");
  EXPECT_EQ(again("[a,b|c]"), "[a,b|c]");
  EXPECT_EQ(again("[1|[2,3]]"), "[1,2,3]");
  EXPECT_EQ(again("#{a => 1, <<\"b\">> => []}"), "#{a=>1,<<\"b\">>=>[]}");
  EXPECT_EQ(again("#{}"), "#{}");
  EXPECT_EQ(again("% a comment\n[]"), "[]");
  EXPECT_EQ(again("'it\\'s'"), "'it\\'s'");
  EXPECT_EQ(*parse_term("\"\xc3\xa9\""), Term::list({0xE9}));
}

TEST(TermText, ErrorsGiveTheColumn) {
  const auto column = [](std::string_view text) {
    const auto term = parse_term(text);
    return term ? "no error" : term.error().message.substr(0, term.error().message.find(':'));
  };
  EXPECT_EQ(column("{a,"), "column 4");
  EXPECT_EQ(column("{a b}"), "column 4");
  EXPECT_EQ(column("[a|b,c]"), "column 5");
  EXPECT_EQ(column("foo bar"), "column 5");
  EXPECT_EQ(column("Foo"), "column 1");
  EXPECT_EQ(column(""), "column 1");
  for (const std::string_view bad : {"{",
                                     "[1,",
                                     "[|1]",
                                     "[1,]",
                                     "{1,}",
                                     "\"abc",
                                     "'abc",
                                     "<<1",
                                     "<<a>>",
                                     "<<256>>",
                                     "<<1.0>>",
                                     "#{a}",
                                     "#{a=>}",
                                     "#{a=>1",
                                     "1.",
                                     "1.e5",
                                     "1.0e",
                                     "1.0e400",
                                     "37#1",
                                     "1#1",
                                     "16#",
                                     "16#g",
                                     "1a",
                                     "1.0x",
                                     "-",
                                     "-a",
                                     "$",
                                     "$\\",
                                     "\"\\x{110000}\"",
                                     "\"\\x{D800}\"",
                                     "\"\\xZ\"",
                                     "\"\xff\"",
                                     "'\xff'",
                                     "&",
                                     "<<1:65>>",
                                     "a..",
                                     "()"})
    EXPECT_FALSE(parse_term(bad) && std::string_view(bad) != "1.") << bad;
  EXPECT_FALSE(parse_term("'" + std::string(256, 'a') + "'"));
  EXPECT_FALSE(parse_term(std::string(256, 'a')));
}

TEST(TermText, DepthAndDigitsAreLimited) {
  EXPECT_TRUE(parse_term(std::string(200, '[') + std::string(200, ']')));
  EXPECT_FALSE(parse_term(std::string(100000, '[')));
  EXPECT_FALSE(parse_term(std::string(20000, '1')));
  EXPECT_TRUE(parse_term("16#" + std::string(20000, '1')));
}

TEST(TermText, RandomTermsComeBackEqual) {
  test::RandomTerms random(3);
  random.identities = false;
  for (int count = 0; count < 5000; ++count) {
    const Term term = random.next();
    const std::string text = to_string(term);
    const auto back = parse_term(text);
    ASSERT_TRUE(back) << text << ": " << back.error().message;
    ASSERT_EQ(*back, term) << text;
  }
}

TEST(TermText, LongTermsAreCutWithDots) {
  const Term term = Term::list(std::vector<Term>(1000, Term::atom("abc")));
  EXPECT_EQ(to_string(term, 10), "[abc,ab...");
  EXPECT_EQ(to_string(Term::binary(std::string(100000, 'x')), 20).size(), 20u);
  EXPECT_EQ(to_string(Term::atom("abc"), 3), "abc");
  EXPECT_EQ(to_string(Term::atom("abcd"), 3), "...");
  EXPECT_EQ(to_string(Term::atom("abcd"), 0), "");
  const std::string cut = to_string(Term::binary("\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9"), 7);
  EXPECT_EQ(cut, "<<\"...");
}

TEST(TermText, EncodedTermsAreShownOrTheirSize) {
  EXPECT_EQ(encoded_to_string(encode_term(Term::atom("a"))), "a");
  EXPECT_EQ(encoded_to_string("xyz"), "(3 bytes that are no term)");
}

}  // namespace text_test
}  // namespace brood::inline v0
