#include "supervisor/node_names.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace {

TEST(NodeNames, ANameAndAHost) {
  auto address = parse_node_address("n1@127.0.0.1");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->name.value, "n1@127.0.0.1");
  EXPECT_EQ(address->host, "127.0.0.1");
  EXPECT_EQ(address->port, 0);
}

TEST(NodeNames, APortIsNotPartOfTheName) {
  auto address = parse_node_address("n1@db.example:9100");
  ASSERT_TRUE(address);
  EXPECT_EQ(address->name.value, "n1@db.example");
  EXPECT_EQ(address->port, 9100);
}

TEST(NodeNames, WhatIsNoNodeNameIsRefusedWithTheReason) {
  for (const char* text : {"", "n1", "@host", "n1@", "n 1@host", "n1@ho st", "n1@a@b",
                           "n1@host:", "n1@host:0", "n1@host:65536", "n1@host:12x", "n1@:4369"}) {
    auto address = parse_node_address(text);
    ASSERT_FALSE(address) << text;
    EXPECT_EQ(address.error().code, Errc::invalid_argument);
    EXPECT_NE(address.error().message.find("name@host"), std::string::npos) << address.error().message;
  }
  EXPECT_FALSE(parse_node_address("n@" + std::string(300, 'h')));
}

}  // namespace
}  // namespace brood::supervisor
