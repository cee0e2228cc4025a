// UTF-8: checking, reading and writing characters. Surrogates and overlong forms are refused.
//
// Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace brood::utf8 {

/// Whether all bytes are below 128.
[[nodiscard]] inline bool is_ascii(std::string_view text) noexcept {
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    if (word & 0x8080808080808080ULL) return false;
  }
  for (; left > 0; ++at, --left)
    if (static_cast<unsigned char>(*at) >= 0x80) return false;
  return true;
}

/// The character that starts at `at`, which moves past it; nullopt (and `at` unmoved) where none does.
[[nodiscard]] std::optional<char32_t> next(std::string_view text, std::size_t& at) noexcept;
/// The number of characters; nullopt when the bytes are not UTF-8.
[[nodiscard]] std::optional<std::size_t> length(std::string_view text) noexcept;
/// Appends a character; one that is none (a surrogate, too large) is written as U+FFFD.
void append(std::string& out, char32_t character);
/// Latin-1 bytes as UTF-8.
[[nodiscard]] std::string from_latin1(std::string_view bytes);
/// Whether it can be shown as it is: no control character, no surrogate.
[[nodiscard]] bool is_printable(char32_t character) noexcept;
/// The text made fit to be an atom: what is not UTF-8 is taken as Latin-1, and at most 255 characters kept.
[[nodiscard]] std::string fit_atom(std::string_view text);
/// Whether the text can be an atom as it is.
[[nodiscard]] bool fits_atom(std::string_view text) noexcept;

}  // namespace brood::utf8
