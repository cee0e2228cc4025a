// What a node should say when it begins to listen. Pure functions.
#pragma once

#include <brood/term.hpp>
#include <string>

namespace brood::node {

/// Debian gives a host's own name the address 127.0.1.1: a node that is named after it listens where nobody
/// else comes, though its name looks as if others could reach it. `loopback_address`: where it listens, empty
/// when that is not loopback. Empty: nothing to warn of, also for a name that says loopback itself.
[[nodiscard]] std::string loopback_warning(const NodeName& name, const std::string& listen_address,
                                           const std::string& loopback_address);

}  // namespace brood::node
