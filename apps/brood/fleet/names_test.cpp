#include "apps/brood/fleet/names.hpp"

#include <gtest/gtest.h>

namespace brood::app {
namespace names_test {

TEST(ChildIdText, WhatIsShownIsReadBackAsTheSameId) {
  for (const auto& id :
       {Term::binary("plain"), Term::binary("with space/and-slash"), Term::binary("\xc3\xa4"),
        Term::binary(":colon"), Term::binary("<<x>>"), Term::binary(std::string("\0\xff", 2)),
        Term::binary("\x1b[31m"), Term::atom("name"), Term::atom("with space"), Term::atom("a:b")}) {
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

TEST(ChildIdText, EmptyAndLongIdsAreRefused) {
  EXPECT_FALSE(parse_id(""));
  EXPECT_FALSE(parse_id(":"));
  EXPECT_FALSE(parse_id("<<>>"));
  EXPECT_FALSE(parse_id("<<1,>>"));
  EXPECT_TRUE(parse_id(std::string(255, 'x')));
  EXPECT_FALSE(parse_id(std::string(256, 'x')));
}

}  // namespace names_test
}  // namespace brood::app
