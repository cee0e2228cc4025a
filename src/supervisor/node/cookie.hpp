// The cluster's shared secret, read as Erlang reads it.
#pragma once

#include <brood/result.hpp>
#include <string>

namespace brood::supervisor {

/// ~/.erlang.cookie; the home folder of the user who runs this.
[[nodiscard]] std::string default_cookie_file();
/// The first line of the file, without surrounding white space. Errors: `io` when it cannot be read;
/// `invalid_argument` when group or others may access it (the message has the chmod that helps), when it is
/// empty, or longer than 255 characters.
[[nodiscard]] Result<std::string> read_cookie(const std::string& file);

}  // namespace brood::supervisor
