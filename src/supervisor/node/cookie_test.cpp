#include "supervisor/node/cookie.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace brood::supervisor {
namespace cookie_test {

class CookieFile : public testing::Test {
 protected:
  CookieFile() {
    std::string pattern = testing::TempDir() + "cookieXXXXXX";
    dir_ = mkdtemp(pattern.data());
  }
  ~CookieFile() override { std::filesystem::remove_all(dir_); }
  std::string file(const std::string& content, mode_t mode) {
    std::string path = dir_ + "/cookie";
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string dir_;
};

TEST_F(CookieFile, TheFirstLineWithoutWhiteSpaceIsTheCookie) {
  EXPECT_EQ(*read_cookie(file("  SECRET \n more\n", 0400)), "SECRET");
  chmod((dir_ + "/cookie").c_str(), 0600);
  EXPECT_EQ(*read_cookie(file("NOLINEEND", 0600)), "NOLINEEND");
}

TEST_F(CookieFile, AFileThatOthersCanAccessIsRefusedWithTheCure) {
  for (mode_t mode : {0440, 0404, 0660, 0777}) {
    auto cookie = read_cookie(file("SECRET", mode));
    ASSERT_FALSE(cookie);
    EXPECT_EQ(cookie.error().code, Errc::invalid_argument);
    EXPECT_NE(cookie.error().message.find("chmod 400"), std::string::npos);
    chmod((dir_ + "/cookie").c_str(), 0600);
  }
}

TEST_F(CookieFile, MoreThanOneLineIsRemarkedOn) {
  EXPECT_NE(load_cookie(file("SECRET\nmore\n", 0400))->remark.find("only the first line"), std::string::npos);
  chmod((dir_ + "/cookie").c_str(), 0600);
  EXPECT_EQ(load_cookie(file("SECRET\n\n \n", 0400))->remark, "");
  chmod((dir_ + "/cookie").c_str(), 0600);
  const auto none = load_cookie(file("\nSECRET\n", 0400));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("first line"), std::string::npos) << none.error().message;
}

TEST_F(CookieFile, WithoutAFileItComesFromTheEnvironmentOrFromSystemd) {
  std::map<std::string, std::string> variables;
  const auto find = [&] { return find_cookie([&](const std::string& name) { return variables[name]; }); };
  std::ofstream(dir_ + "/brood.cookie") << "CREDENTIAL\n";
  chmod((dir_ + "/brood.cookie").c_str(), 0400);
  variables["CREDENTIALS_DIRECTORY"] = dir_;
  EXPECT_EQ(find()->secret, "CREDENTIAL");
  variables["BROOD_COOKIE"] = " FROM-ENVIRONMENT ";
  EXPECT_EQ(find()->secret, "FROM-ENVIRONMENT");
  variables["BROOD_COOKIE"] = std::string(256, 'x');
  EXPECT_FALSE(find());
  variables["BROOD_COOKIE"] = "";
  chmod((dir_ + "/brood.cookie").c_str(), 0404);
  EXPECT_FALSE(find()) << "as careful as with a file";
}

TEST_F(CookieFile, AMissingAnEmptyAndATooLongFileAreErrors) {
  EXPECT_EQ(read_cookie(dir_ + "/none").error().code, Errc::io);
  EXPECT_NE(read_cookie(dir_).error().message.find("is a folder; name a file"), std::string::npos);
  EXPECT_FALSE(read_cookie(file("\n", 0600)));
  EXPECT_FALSE(read_cookie(file(std::string(256, 'x'), 0600)));
}

}  // namespace cookie_test
}  // namespace brood::supervisor
