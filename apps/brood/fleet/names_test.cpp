#include "apps/brood/fleet/names.hpp"

#include <gtest/gtest.h>

namespace brood::app {
namespace names_test {

TEST(ChildIdText, WhatIsShownIsReadBackAsTheSameId) {
  for (const auto& id : {Term::binary("plain"),
                         Term::binary("with space/and-slash"),
                         Term::binary("\xc3\xa4"),
                         Term::binary(":colon"),
                         Term::binary("<<x>>"),
                         Term::binary(std::string("\0\xff", 2)),
                         Term::binary("\x1b[31m"),
                         Term::atom("name"),
                         Term::atom("with space"),
                         Term::atom("a:b"),
                         Term::binary("42"),
                         Term(42),
                         Term(-1),
                         Term(1.5),
                         Term::atom("42"),
                         Term::atom("'"),
                         Term::atom("a "),
                         Term::binary("{user,42}"),
                         Term::tuple({Term::atom("user"), Term(42)}),
                         Term::binary("{user"),
                         Term::string("text"),
                         Term::binary("\"text\""),
                         Term::list({Term::atom("a"), Term(1)}),
                         Term::map({{Term::atom("a"), Term(1)}}),
                         Term::binary("#{}"),
                         Term::binary("[draft] 1"),
                         Term(Bitstring{"\x20", 3})}) {
    const auto text = id_text(id);
    const auto back = parse_id(text);
    ASSERT_TRUE(back) << text;
    EXPECT_EQ(*back, id) << text;
  }
}

TEST(ChildIdText, BlanksAtTheEndsAreSeen) {
  EXPECT_EQ(id_text(Term::binary(" ")), "<<\" \">>");
  EXPECT_EQ(id_text(Term::binary("a ")), "<<\"a \">>");
  EXPECT_EQ(id_text(Term::binary("a b")), "a b");
  EXPECT_NE(id_text(Term::binary("\xc2\xa0")), "\xc2\xa0");
  for (const auto* text : {" ", " a", "a ", "\xc2\xa0", "\xe2\x80\x8b"})
    EXPECT_EQ(parse_id(id_text(Term::binary(text))).value(), Term::binary(text)) << text;
}

TEST(ChildIdText, TextAndAtomAreDifferentIds) {
  EXPECT_EQ(parse_id("main").value(), Term::binary("main"));
  EXPECT_EQ(parse_id(":main").value(), Term::atom("main"));
}

TEST(ChildIdText, TermsAreWrittenAsErlangDoes) {
  const Term user = Term::tuple({Term::atom("user"), Term(42)});
  EXPECT_EQ(id_text(user), "{user,42}");
  EXPECT_EQ(parse_id("{user, 42}").value(), user);
  EXPECT_EQ(parse_id("42").value(), Term::binary("42"));
  EXPECT_EQ(parse_id(":42").value(), Term(42));
  EXPECT_EQ(parse_id(":'42'").value(), Term::atom("42"));
  EXPECT_EQ(parse_id("{user").value(), Term::binary("{user")) << "what is no term is text";
  EXPECT_EQ(id_text(Term::binary("{user,42}")), "<<\"{user,42}\">>");
}

TEST(ChildIdText, EmptyAndLongIdsAreRefused) {
  EXPECT_FALSE(parse_id(""));
  EXPECT_FALSE(parse_id(":"));
  EXPECT_FALSE(parse_id("<<>>"));
  EXPECT_FALSE(parse_id("<<1,>>"));
  EXPECT_TRUE(parse_id(std::string(255, 'x')));
  EXPECT_FALSE(parse_id(std::string(256, 'x')));
}

TEST(Names, AnAtomThatIsTooLongIsRefusedAndNotCut) {
  const std::string longest(255, 'a');
  const auto fits = parse_id(":" + longest);
  ASSERT_TRUE(fits);
  EXPECT_EQ(*fits, Term::atom(longest));
  for (const std::string& more : {longest + "b", longest + longest}) {
    const auto id = parse_id(":" + more);
    ASSERT_FALSE(id);
    EXPECT_EQ(id.error().code, Errc::invalid_argument);
  }
}

}  // namespace names_test
}  // namespace brood::app
