#include "supervisor/node/cookie.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "node/net/secret_file.hpp"

namespace brood::supervisor {

std::string default_cookie_file() {
  const char* home = std::getenv("HOME");
  if (!home || !*home) {
    const passwd* user = getpwuid(getuid());
    home = user ? user->pw_dir : "/";
  }
  return std::string(home) + "/.erlang.cookie";
}

namespace {

constexpr const char* white_space = " \t\r\n";
constexpr std::size_t cookie_max = 255;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(white_space);
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

Result<Cookie> checked(Cookie cookie, const std::string& where) {
  if (cookie.secret.empty()) return Error{Errc::invalid_argument, where + " is empty"};
  if (cookie.secret.size() > cookie_max)
    return Error{Errc::invalid_argument, fmt::format("{} is longer than {} characters", where, cookie_max)};
  return cookie;
}

}  // namespace

Result<Cookie> load_cookie(const std::string& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) {
    return Error{Errc::io,
                 fmt::format("cannot read the cookie file {}: {}; write the cluster's secret into it and "
                             "`chmod 400` it, or set BROOD_COOKIE",
                             file, std::strerror(errno))};
  }
  const auto what = "the cookie file " + file;
  if (auto good = node::may_hold_secret(what, file); !good) {
    auto error = good.error();
    error.message += "; or put the secret into BROOD_COOKIE";
    return error;
  }
  errno = 0;
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) && !in.eof())
    return Error{Errc::io, fmt::format("cannot read the cookie file {}: {}", file, std::strerror(errno))};
  Cookie cookie{trimmed(line)};
  for (std::string more; std::getline(in, more);) {
    if (!trimmed(more).empty())
      cookie.remark = fmt::format("of {} only the first line counts, and there are more", what);
  }
  if (cookie.secret.empty() && !cookie.remark.empty())
    return Error{Errc::invalid_argument,
                 fmt::format("the first line of {} is empty, and it is the cookie", what)};
  return checked(std::move(cookie), what);
}

Result<std::string> read_cookie(const std::string& file) {
  auto cookie = load_cookie(file);
  if (!cookie) return cookie.error();
  return std::move(cookie->secret);
}

Result<Cookie> find_cookie(const EnvironmentReader& environment) {
  if (const auto given = environment("BROOD_COOKIE"); !given.empty())
    return checked(Cookie{trimmed(given)}, "BROOD_COOKIE");
  if (const auto folder = environment("CREDENTIALS_DIRECTORY"); !folder.empty()) {
    const auto file = folder + "/brood.cookie";
    struct stat info {};
    if (stat(file.c_str(), &info) == 0) return load_cookie(file);
  }
  return load_cookie(default_cookie_file());
}

}  // namespace brood::supervisor
