#include "supervisor/node/node_names.hpp"

#include <gtest/gtest.h>

#include "node/net/names.hpp"

namespace brood::supervisor {
namespace node_names_test {

TEST(NodeNames, ANameAndAHost) {
  auto address = parse_node_address("n1@127.0.0.1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->name.text(), "n1@127.0.0.1");
  EXPECT_EQ(address->host, "127.0.0.1");
  EXPECT_EQ(address->port, 0);
}

TEST(NodeNames, APortIsNotPartOfTheName) {
  auto address = parse_node_address("n1@db.example:9100");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->name.text(), "n1@db.example");
  EXPECT_EQ(address->port, 9100);
}

TEST(NodeNames, AnIpv6AddressNeedsBracketsOnlyBeforeAPort) {
  for (const char* text : {"n1@fd00::2", "n1@[fd00::2]"}) {
    const auto address = parse_node_address(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->name.text(), "n1@fd00::2");
    EXPECT_EQ(address->host, "fd00::2");
    EXPECT_EQ(address->port, 0);
  }
  const auto address = parse_node_address("n1@[::1]:9001");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->name.text(), "n1@::1");
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->port, 9001);
}

TEST(NodeNames, WhatIsWrittenWithAPortIsRead) {
  for (const char* host : {"127.0.0.1", "db.example", "::1", "fd00::2"}) {
    const auto where = parse_host(node::with_port(host, 9001));
    ASSERT_TRUE(where) << host;
    EXPECT_EQ(where->host, host);
    EXPECT_EQ(where->port, 9001);
    const auto address = parse_node_address(node::with_port(std::string("n1@") + host, 9001));
    ASSERT_TRUE(address) << host;
    EXPECT_EQ(address->name.text(), std::string("n1@") + host);
  }
}

TEST(NodeNames, WhatIsNoNodeNameIsRefusedWithTheReason) {
  for (const char* text : {"", "n1", "@host", "n1@", "n 1@host", "n1@ho st", "n1@a@b",
                           "n1@host:", "n1@host:0", "n1@host:65536", "n1@host:12x", "n1@:4369", "n1@host:1:2",
                           "n1@[::1", "n1@[host]:9", "n1@[::1]9", "n1@[::1]:", "n1@[]", "n1@[::1]:0"}) {
    auto address = parse_node_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::invalid_argument);
    EXPECT_NE(address.error().message.find("name@host"), std::string::npos) << address.error().message;
  }
  EXPECT_FALSE(parse_node_address("n@" + std::string(300, 'h')));
}

}  // namespace node_names_test
}  // namespace brood::supervisor
