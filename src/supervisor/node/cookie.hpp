// The cluster's shared secret: where it comes from, and that nobody else can read it there.
//
// Any thread.
#pragma once

#include <brood/result.hpp>
#include <functional>
#include <string>

namespace brood::supervisor {

struct Cookie {
  std::string secret;
  std::string remark = {};  ///< What its owner should know, for the log; mostly empty.
};

/// ~/.erlang.cookie; the home folder of the user who runs this.
[[nodiscard]] std::string default_cookie_file();

/// The first line of the file, without surrounding white space, as Erlang reads it; a remark says so where
/// there is more. Errors: `io` when it cannot be read; `invalid_argument` when others may access it (the
/// message has the cure), when it is empty, or longer than 255 characters.
[[nodiscard]] Result<Cookie> load_cookie(const std::string& file);
/// The same without the remark.
[[nodiscard]] Result<std::string> read_cookie(const std::string& file);

/// The cookie of whoever named no file: BROOD_COOKIE, the secret itself; else the credential `brood.cookie`
/// that systemd hands to a service (in CREDENTIALS_DIRECTORY); else default_cookie_file().
using EnvironmentReader = std::function<std::string(const std::string& name)>;
[[nodiscard]] Result<Cookie> find_cookie(const EnvironmentReader& environment);

}  // namespace brood::supervisor
