// The two ways a broken invariant of our own ends the program: say what, where and why, then abort.
#include <execinfo.h>

#include <array>
#include <brood/result.hpp>
#include <cstdio>
#include <cstdlib>

namespace brood::inline v0::detail {

void check_failed(const char* condition, const char* why, const char* file, int line) noexcept {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "%d", line);
  const char* const digits = buffer;
  for (const char* part :
       {"brood: broken invariant: ", why, " (", condition, ") at ", file, ":", digits, "\n"})
    std::fputs(part, stderr);
  std::abort();
}

void result_access_failed(const Error& error, const char* file, int line) noexcept {
  const std::string code(to_string(error.code));
  const std::string place = file == nullptr ? "" : std::string(" at ") + file + ":" + std::to_string(line);
  for (const char* part : {"brood: the value of a failed Result was used", place.c_str(), ": ", code.c_str(),
                           ": ", error.message.c_str(), "\n"})
    std::fputs(part, stderr);
  if (file == nullptr) {
    constexpr int most = 16;
    std::array<void*, most> frames{};
    std::fputs("brood: by (addr2line -e PROGRAM -i ADDRESS names the lines):\n", stderr);
    std::fflush(stderr);
    // Without this very function.
    const int count = ::backtrace(frames.data(), most);
    if (count > 1) ::backtrace_symbols_fd(frames.data() + 1, count - 1, fileno(stderr));
  }
  std::abort();
}

}  // namespace brood::inline v0::detail
