#include "core/base/offers.hpp"

#include <gtest/gtest.h>

namespace brood::core {
namespace offers_test {

TEST(Offers, AnyCommandRunsWhereAllCommandsAreAllowed) {
  EXPECT_TRUE(Offers({"exec:*"}).include("exec:abc"));
  EXPECT_TRUE(Offers({"exec:abc"}).include("exec:abc"));
  EXPECT_FALSE(Offers({"exec:abc"}).include("exec:abd"));
  EXPECT_FALSE(Offers({"exec:*"}).include("counter"));
}

TEST(Offers, ALocalSupervisorRunsWhereAllOfItsWorkersAreKnown) {
  EXPECT_TRUE(Offers({"a", "b", "c", "supervisor"}).include("supervisor:a:c"));
  EXPECT_FALSE(Offers({"a", "b", "supervisor"}).include("supervisor:a:c"));
  EXPECT_FALSE(Offers({"a", "b", "supervisor"}).include("supervisor:c:a"));
  EXPECT_FALSE(Offers({"a", "c"}).include("supervisor:a:c"));
  EXPECT_FALSE(Offers({"exec:*"}).include("supervisor:a"));
}

TEST(Offers, CopiesShareTheNamesAndEqualOnesNeedNot) {
  const Offers offers{"a", "exec:1"};
  const Offers copy = offers;  // NOLINT(performance-unnecessary-copy-initialization)
  EXPECT_EQ(&copy.names(), &offers.names());
  EXPECT_EQ(copy, offers);
  const Offers same{"exec:1", "a"};
  EXPECT_EQ(same, offers);
  EXPECT_EQ(same.hash(), offers.hash());
  EXPECT_NE(Offers({"a"}), offers);
  EXPECT_NE(Offers(), offers);
  EXPECT_EQ(Offers(), Offers(std::set<std::string>{}));
  EXPECT_TRUE(Offers().names().empty());
}

}  // namespace offers_test
}  // namespace brood::core
