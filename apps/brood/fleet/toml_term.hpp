// TOML values as the terms that workers get.
//
// text: binary; numbers: integer, float; true/false: atoms; array: list; table: map with atom keys.
// Pure functions.
#pragma once

#include <brood/term.hpp>
#include <string>
#include <utility>
#include <vector>

#include "apps/brood/fleet/toml_tree.hpp"

namespace brood::app::fleet {

/// nullopt when something in it has no term (a date, a key longer than an atom may be): then `problems` has
/// it, under `path`.
[[nodiscard]] std::optional<Term> to_term(const TomlValue& value, const std::string& path,
                                          Problems& problems);

/// The term with "{n}" in every text of it replaced by `n`, and "{{n}}" by "{n}".
[[nodiscard]] Term numbered(const Term& term, const std::string& n);
[[nodiscard]] std::string numbered(std::string_view text, const std::string& n);
/// Whether there is a "{n}" to be replaced.
[[nodiscard]] bool has_number_mark(std::string_view text);

}  // namespace brood::app::fleet
