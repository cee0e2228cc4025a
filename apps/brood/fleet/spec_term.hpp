// Child specs as the terms that requests carry.
//
// Pure functions.
#pragma once

#include <brood/supervisor.hpp>
#include <brood/term.hpp>

namespace brood::app {

/// #{id, start => {Worker, Args} or {exec, #{argv, ..}}, restart, shutdown, metadata, nodes}.
[[nodiscard]] Term spec_term(const ChildSpec& spec);

[[nodiscard]] std::string_view to_string(Restart restart) noexcept;

}  // namespace brood::app
