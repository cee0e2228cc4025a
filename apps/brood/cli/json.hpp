// What --json prints. Keys stay in the order they are given.
//
// Pure functions.
#pragma once

#include <brood/term.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "apps/brood/cli/outcome.hpp"

namespace brood::app {

using Json = nlohmann::ordered_json;

/// On one line; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string json_line(const Json& document);
/// {"code","message"}.
[[nodiscard]] Json error_json(const Trouble& trouble);
/// A term as its nearest JSON: atoms true, false; undefined and nil as null; other atoms and binaries as
/// text; tuples and lists as arrays; maps as objects; everything else as text in Erlang syntax.
[[nodiscard]] Json term_json(const Term& term);

}  // namespace brood::app
