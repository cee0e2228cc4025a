#include "supervisor/node/cookie.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace brood::supervisor {

std::string default_cookie_file() {
  const char* home = std::getenv("HOME");
  if (!home || !*home) {
    const passwd* user = getpwuid(getuid());
    home = user ? user->pw_dir : "/";
  }
  return std::string(home) + "/.erlang.cookie";
}

Result<std::string> read_cookie(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) {
    return Error{Errc::io,
                 fmt::format("cannot read the cookie file {}: {}; write the cluster's secret into it and "
                             "`chmod 400` it",
                             file, std::strerror(errno))};
  }
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Error{Errc::invalid_argument,
                 fmt::format("the cookie file {} can be accessed by others (mode {:o}); run `chmod 400 {}`",
                             file, info.st_mode & 0777U, file)};
  }
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) && !in.eof()) {
    return Error{Errc::io, fmt::format("cannot read the cookie file {}: {}", file, std::strerror(errno))};
  }
  const auto first = line.find_first_not_of(" \t\r\n");
  if (first == std::string::npos) {
    return Error{Errc::invalid_argument, fmt::format("the cookie file {} is empty", file)};
  }
  line = line.substr(first, line.find_last_not_of(" \t\r\n") - first + 1);
  if (line.size() > 255) {
    return Error{Errc::invalid_argument, fmt::format("the cookie in {} is longer than 255 characters", file)};
  }
  return line;
}

}  // namespace brood::supervisor
