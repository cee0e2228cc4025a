// Children's ids as users write them, and node names (as the supervisor layer reads them).
//
// Pure functions.
#pragma once

#include <brood/result.hpp>
#include <brood/term.hpp>
#include <string>
#include <string_view>

#include "supervisor/node/node_names.hpp"

namespace brood::app {

using supervisor::NodeAddress;
using supervisor::parse_node_address;

/// A child's id as users write it: `:name` is an atom, `<<...>>` a binary in Erlang syntax, anything else is
/// text (a binary). invalid_argument: empty, or longer than 255 bytes.
[[nodiscard]] Result<Term> parse_id(std::string_view text);
/// The way back: what parse_id() reads as this id.
[[nodiscard]] std::string id_text(const Term& id);

}  // namespace brood::app
