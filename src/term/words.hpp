// What the printer and the parser of Erlang text must agree on.
//
// Thread rule: pure functions.
#pragma once

#include <string_view>

namespace brood::words {

/// Whether the atom is written without quotes: a lower case letter, then letters, digits, _ and @, no
/// reserved word. (Erlang allows Latin-1 letters too; they are quoted here.)
[[nodiscard]] bool is_bare_atom(std::string_view name) noexcept;
/// Whether a text with this character is shown as text: printable, or with an escape of a letter.
[[nodiscard]] bool is_shown(char32_t character) noexcept;
/// The letter after the backslash for a control character; 0 where there is none.
[[nodiscard]] char escape_of(char control) noexcept;
/// The control character of that letter after a backslash; 0 where there is none.
[[nodiscard]] char control_of(char escape) noexcept;
[[nodiscard]] constexpr bool is_lower(char letter) noexcept {
  return letter >= 'a' && letter <= 'z';
}
[[nodiscard]] constexpr bool is_digit(char letter) noexcept {
  return letter >= '0' && letter <= '9';
}
[[nodiscard]] constexpr bool is_in_atom(char letter) noexcept {
  return is_lower(letter) || (letter >= 'A' && letter <= 'Z') || is_digit(letter) || letter == '_' ||
         letter == '@';
}

}  // namespace brood::words
