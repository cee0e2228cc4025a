// What the readers of single options share: words for what was wrong, and sizes.
//
// Pure functions.
#pragma once

#include <brood/result.hpp>
#include <brood/term.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brood::exec {

/// invalid_argument in words that go behind the key.
[[nodiscard]] Error refused(std::string message);
/// Text in quotes, whatever it was; other terms in Erlang's syntax. Long ones are cut.
[[nodiscard]] std::string shown(const Term& term);
/// "must be a number, not {a}"
[[nodiscard]] Error wrong(std::string_view wanted, const Term& got);
/// "512MiB", "2G": powers of 1024, as every such setting has them; "unlimited": ResourceLimit::unlimited.
[[nodiscard]] std::optional<std::uint64_t> size_of(std::string_view text);
/// A number of bytes, or such a text.
[[nodiscard]] std::optional<std::uint64_t> size_of(const Term& value);

}  // namespace brood::exec
