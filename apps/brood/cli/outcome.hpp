// Trouble: what ends a command of the command line, with its exit status.
//
// Plain data.
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace brood::app {

/// The exit statuses of the program.
enum Exit : int {
  exit_ok = 0,
  exit_refused = 1,      ///< The cluster said no; the message has its reason.
  exit_usage = 2,        ///< The command line, a file or the environment is wrong.
  exit_unreachable = 3,  ///< The node could not be reached or was lost; the message says why.
};

struct Trouble {
  int status = exit_refused;
  std::string code;       ///< One word, for --json: "no_such_child", "wrong_cookie", "usage".
  std::string message;    ///< What happened and what to do.
  std::string more = {};  ///< For --json: an object whose keys stand beside "error".
};

template <typename T>
using Outcome = tl::expected<T, Trouble>;

/// The same trouble, said of that child.
[[nodiscard]] inline Trouble about(const std::string& id, Trouble trouble) {
  trouble.message = id + ": " + trouble.message;
  return trouble;
}

[[nodiscard]] inline tl::unexpected<Trouble> usage(std::string message) {
  return tl::unexpected(Trouble{exit_usage, "usage", std::move(message), {}});
}
[[nodiscard]] inline tl::unexpected<Trouble> refused(std::string code, std::string message) {
  return tl::unexpected(Trouble{exit_refused, std::move(code), std::move(message), {}});
}
[[nodiscard]] inline tl::unexpected<Trouble> unreachable(std::string code, std::string message) {
  return tl::unexpected(Trouble{exit_unreachable, std::move(code), std::move(message), {}});
}

}  // namespace brood::app
