#include "node/epmd/epmd.hpp"

#include <gtest/gtest.h>

namespace brood::node::epmd {
namespace epmd_test {

TEST(Epmd, RegistrationRequestIsLaidOutAsTheProtocolSays) {
  const Bytes request = registration_request({"n1", 0x1234, true});
  EXPECT_EQ(request, Bytes("\x00\x0f\x78\x12\x34\x48\x00\x00\x06\x00\x06\x00\x02n1\x00\x00", 17));
  EXPECT_EQ(registration_request({"n1", 1, false})[5], 77);
  EXPECT_EQ(lookup_request("n1"), Bytes("\x00\x03\x7an1", 5));
}

TEST(Epmd, RegistrationAnswersAreRead) {
  EXPECT_EQ(**registration_answer(Bytes("\x76\x00\x01\x02\x03\x04", 6)), 0x01020304U);
  EXPECT_EQ(**registration_answer(Bytes("\x79\x00\x00\x01", 4)), 0U);
  EXPECT_EQ(registration_answer(Bytes("\x76\x01\x01\x02\x03\x04", 6))->error().code, Errc::name_taken);
  EXPECT_EQ(registration_answer("HTTP/1.1")->error().code, Errc::malformed);
  EXPECT_FALSE(registration_answer("").has_value());
  EXPECT_FALSE(registration_answer(Bytes("\x76\x00\x01\x02\x03", 5)).has_value());
}

TEST(Epmd, LookupAnswersAreRead) {
  const Bytes answer("\x77\x00\x12\x34\x48\x00\x00\x06\x00\x05\x00\x02n1\x00\x00", 16);
  const auto address = lookup_answer(answer);
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ((*address)->port, 0x1234);
  EXPECT_EQ((*address)->version_high, 6);
  EXPECT_EQ((*address)->version_low, 5);
  EXPECT_EQ(lookup_answer(Bytes("\x77\x01", 2))->error().code, Errc::not_member);
  EXPECT_EQ(lookup_answer("HTTP")->error().code, Errc::malformed);
  for (std::size_t cut = 0; cut < 10; ++cut) EXPECT_FALSE(lookup_answer(answer.substr(0, cut)).has_value());
}

}  // namespace epmd_test
}  // namespace brood::node::epmd
