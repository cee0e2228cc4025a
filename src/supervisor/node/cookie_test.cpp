#include "supervisor/node/cookie.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace brood::supervisor {
namespace {

class Cookie : public testing::Test {
 protected:
  Cookie() {
    std::string pattern = testing::TempDir() + "cookieXXXXXX";
    dir_ = mkdtemp(pattern.data());
  }
  ~Cookie() override { std::filesystem::remove_all(dir_); }
  std::string file(const std::string& content, mode_t mode) {
    std::string path = dir_ + "/cookie";
    std::ofstream(path) << content;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string dir_;
};

TEST_F(Cookie, TheFirstLineWithoutWhiteSpaceIsTheCookie) {
  EXPECT_EQ(*read_cookie(file("  SECRET \n more\n", 0400)), "SECRET");
  chmod((dir_ + "/cookie").c_str(), 0600);
  EXPECT_EQ(*read_cookie(file("NOLINEEND", 0600)), "NOLINEEND");
}

TEST_F(Cookie, AFileThatOthersCanAccessIsRefusedWithTheCure) {
  for (mode_t mode : {0440, 0404, 0660, 0777}) {
    auto cookie = read_cookie(file("SECRET", mode));
    ASSERT_FALSE(cookie);
    EXPECT_EQ(cookie.error().code, Errc::invalid_argument);
    EXPECT_NE(cookie.error().message.find("chmod 400"), std::string::npos);
    chmod((dir_ + "/cookie").c_str(), 0600);
  }
}

TEST_F(Cookie, AMissingAnEmptyAndATooLongFileAreErrors) {
  EXPECT_EQ(read_cookie(dir_ + "/none").error().code, Errc::io);
  EXPECT_FALSE(read_cookie(file("\n", 0600)));
  EXPECT_FALSE(read_cookie(file(std::string(256, 'x'), 0600)));
}

}  // namespace
}  // namespace brood::supervisor
