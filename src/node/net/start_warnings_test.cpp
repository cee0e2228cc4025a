#include "node/net/start_warnings.hpp"

#include <gtest/gtest.h>

namespace brood::node {
namespace start_warnings_test {

TEST(LoopbackWarning, AHostNameThatMeansLoopbackIsWarnedOf) {
  const std::string words = loopback_warning(NodeName("n1@debian"), "", "127.0.1.1");
  EXPECT_NE(words.find("n1@debian listens at 127.0.1.1 only"), std::string::npos) << words;
  EXPECT_NE(words.find("`listen`"), std::string::npos) << words;
  EXPECT_NE(loopback_warning(NodeName("n1@debian"), "", "::1"), "");
}

TEST(LoopbackWarning, WhoAskedForLoopbackIsLeftAlone) {
  EXPECT_EQ(loopback_warning(NodeName("n1@127.0.0.1"), "", "127.0.0.1"), "");
  EXPECT_EQ(loopback_warning(NodeName("n1@::1"), "", "::1"), "");
  EXPECT_EQ(loopback_warning(NodeName("n1@localhost"), "", "127.0.0.1"), "");
  EXPECT_EQ(loopback_warning(NodeName("n1@localhost.localdomain"), "", "127.0.0.1"), "");
  EXPECT_EQ(loopback_warning(NodeName("n1@debian"), "127.0.0.1", "127.0.0.1"), "");
}

TEST(LoopbackWarning, ANodeThatOthersReachIsLeftAlone) {
  EXPECT_EQ(loopback_warning(NodeName("n1@debian"), "", ""), "");
}

}  // namespace start_warnings_test
}  // namespace brood::node
