// The two ways a broken invariant of our own ends the program: say what, where and why, then abort.
#include <brood/result.hpp>
#include <cstdio>
#include <cstdlib>

namespace brood::detail {

void check_failed(const char* condition, const char* why, const char* file, int line) noexcept {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "%d", line);
  const char* const digits = buffer;
  for (const char* part :
       {"brood: broken invariant: ", why, " (", condition, ") at ", file, ":", digits, "\n"})
    std::fputs(part, stderr);
  std::abort();
}

void result_access_failed(const Error& error) noexcept {
  const std::string code(to_string(error.code));
  for (const char* part :
       {"brood: the value of a failed Result was used: ", code.c_str(), ": ", error.message.c_str(), "\n"})
    std::fputs(part, stderr);
  std::abort();
}

}  // namespace brood::detail
