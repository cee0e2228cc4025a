#include "apps/brood/cli/api.hpp"

#include <gtest/gtest.h>

namespace brood::app {
namespace api_test {

Term parsed(std::string_view text) {
  return parse_term(text).value();
}

TEST(Answers, OkIsPassedOn) {
  EXPECT_EQ(checked(parsed("ok")).value(), parsed("ok"));
  EXPECT_EQ(checked(parsed("{ok, 5}")).value(), parsed("5"));
  EXPECT_EQ(checked(parsed("{ok, a, b}")).value(), parsed("{ok, a, b}"));
  EXPECT_EQ(checked(parsed("[1]")).value(), parsed("[1]"));
}

TEST(Answers, ErrorsAreTroublesWithTheirWords) {
  const auto words = checked(parsed("{error, {no_such_worker, <<\"no node knows it\">>}}"));
  ASSERT_FALSE(words);
  EXPECT_EQ(words.error().status, exit_refused);
  EXPECT_EQ(words.error().code, "no_such_worker");
  EXPECT_EQ(words.error().message, "no node knows it");
  EXPECT_EQ(checked(parsed("{error, not_found}")).error().code, "no_such_child");
  EXPECT_EQ(checked(parsed("{error, something}")).error().message, "something");
  EXPECT_EQ(checked(parsed("{error, {bad, 5}}")).error().message, "bad: 5");
  EXPECT_EQ(checked(parsed("{error, 5}")).error().code, "error");
}

}  // namespace api_test
}  // namespace brood::app
