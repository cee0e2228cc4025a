// The tags of the External Term Format. Source: "External Term Format", ERTS user's guide.
#pragma once

#include <brood/term.hpp>
#include <cstddef>
#include <cstdint>

namespace brood::etf {

enum Tag : std::uint8_t {
  new_float = 70,
  bit_binary = 77,
  compressed = 80,
  new_pid = 88,
  new_port = 89,
  newer_reference = 90,
  small_integer = 97,
  integer = 98,
  float_text = 99,
  atom_latin1 = 100,
  reference = 101,
  port = 102,
  pid = 103,
  small_tuple = 104,
  large_tuple = 105,
  nil = 106,
  string = 107,
  list = 108,
  binary = 109,
  small_big = 110,
  large_big = 111,
  new_fun = 112,
  export_fun = 113,
  new_reference = 114,
  small_atom_latin1 = 115,
  map = 116,
  atom_utf8 = 118,
  small_atom_utf8 = 119,
  v4_port = 120,
  version = 131,
};

inline constexpr std::size_t string_length_max = 65535;
inline constexpr std::size_t atom_characters_max = 255;
inline constexpr std::size_t reference_words_max = RefWords::max;

}  // namespace brood::etf
