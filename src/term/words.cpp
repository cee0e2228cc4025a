#include "term/words.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "term/utf8.hpp"

namespace brood::words {
namespace {

constexpr std::string_view reserved[] = {
    "after", "and",   "andalso", "band",   "begin",   "bnot", "bor", "bsl",  "bsr", "bxor",
    "case",  "catch", "cond",    "div",    "else",    "end",  "fun", "if",   "let", "maybe",
    "not",   "of",    "or",      "orelse", "receive", "rem",  "try", "when", "xor"};

constexpr std::array<std::pair<char, char>, 8> escapes{{{'\n', 'n'},
                                                        {'\r', 'r'},
                                                        {'\t', 't'},
                                                        {'\b', 'b'},
                                                        {'\v', 'v'},
                                                        {'\f', 'f'},
                                                        {'\x1b', 'e'},
                                                        {'\x7f', 'd'}}};

}  // namespace

bool is_bare_atom(std::string_view name) noexcept {
  if (name.empty() || !is_lower(name.front())) return false;
  if (!std::all_of(name.begin(), name.end(), is_in_atom)) return false;
  return std::find(std::begin(reserved), std::end(reserved), name) == std::end(reserved);
}

bool is_shown(char32_t character) noexcept {
  return utf8::is_printable(character) || (character < 0x20 && escape_of(static_cast<char>(character)) != 0);
}

char escape_of(char control) noexcept {
  for (const auto& [code, letter] : escapes)
    if (code == control) return letter;
  return 0;
}

char control_of(char escape) noexcept {
  for (const auto& [code, letter] : escapes)
    if (letter == escape) return code;
  return 0;
}

}  // namespace brood::words
