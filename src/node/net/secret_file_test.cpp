#include "node/net/secret_file.hpp"

#include <gtest/gtest.h>

namespace brood::node {
namespace secret_file_test {

std::string refusal(const SecretFile& file) {
  const auto good = may_hold_secret("the cookie file /c", "/c", file);
  return good ? "" : good.error().message;
}

TEST(SecretFile, OneThatOnlyItsOwnerCanReadIsGood) {
  for (const mode_t mode : {0400U, 0600U, 0700U}) EXPECT_EQ(refusal({.mode = mode}), "");
}

TEST(SecretFile, OneThatWeCanMakePrivateMustBe) {
  for (const mode_t mode : {0440U, 0404U, 0660U, 0777U, 0410U}) {
    const auto text = refusal({.mode = mode, .changeable = true, .own_group = true});
    EXPECT_NE(text.find("run `chmod 400 /c`"), std::string::npos) << text;
  }
}

TEST(SecretFile, AMountedSecretMayBeReadableForOurGroup) {
  EXPECT_EQ(refusal({.mode = 0440, .changeable = false, .own_group = true}), "");
  EXPECT_EQ(refusal({.mode = 0640, .changeable = false, .own_group = true}), "");
}

TEST(SecretFile, AMountedSecretThatStrangersCanReadIsRefusedWithAdviceThatCanBeFollowed) {
  for (const auto& file : {SecretFile{.mode = 0440, .changeable = false, .own_group = false},
                           SecretFile{.mode = 0444, .changeable = false, .own_group = true},
                           SecretFile{.mode = 0460, .changeable = false, .own_group = true}}) {
    const auto text = refusal(file);
    EXPECT_NE(text.find("can be accessed by others"), std::string::npos) << text;
    EXPECT_EQ(text.find("run `chmod"), std::string::npos) << text;
    EXPECT_NE(text.find("defaultMode: 0400"), std::string::npos) << text;
  }
}

}  // namespace secret_file_test
}  // namespace brood::node
