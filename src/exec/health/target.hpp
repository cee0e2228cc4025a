// The host, port and path that a health check asks. Pure functions.
#pragma once

#include <brood/result.hpp>
#include <string>

namespace brood::exec {

struct ProbeTarget {
  std::string host = {};
  std::string port = {};
  std::string path = {};  ///< Empty: no page is asked for.
};

/// `HOST:PORT`, IPv6 in brackets. invalid_argument in words that go behind the key.
[[nodiscard]] Result<ProbeTarget> target_of_tcp(const std::string& text);
/// `http://HOST[:PORT][/PATH]`.
[[nodiscard]] Result<ProbeTarget> target_of_http(const std::string& text);

}  // namespace brood::exec
