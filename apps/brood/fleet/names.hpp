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

/// A child's id as users write it. `:name` is an atom; a whole term in Erlang syntax that begins as a binary,
/// a tuple, a list, a map or a string is that term, `{user,42}`; a number, or an atom in quotes, stands
/// behind a colon, `:42`; anything else is text (a binary). invalid_argument: empty, or longer than 255
/// bytes.
[[nodiscard]] Result<Term> parse_id(std::string_view text);
/// The way back: what parse_id() reads as this id.
[[nodiscard]] std::string id_text(const Term& id);

}  // namespace brood::app
