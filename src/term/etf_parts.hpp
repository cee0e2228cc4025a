// The encodings that several readers share: atoms, big integers and the old floats, as views into the bytes.
//
// Thread rule: pure functions. Each takes the bytes from the tag on and answers nullopt where they are cut
// short, are of another tag or are not well formed.
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <optional>
#include <string_view>

namespace brood::etf {

/// An atom in one of its four encodings.
struct AtomBytes {
  std::string_view name;
  bool latin1 = false;   ///< Has characters that UTF-8 writes in another way.
  std::size_t size = 0;  ///< Of the encoding.
};
[[nodiscard]] std::optional<AtomBytes> parse_atom(BytesView rest);

/// The parts of a big integer in one of its two encodings.
struct BigBytes {
  bool negative = false;
  BytesView magnitude;   ///< Least byte first; zeros at the end are possible.
  std::size_t size = 0;  ///< Of the encoding.
};
[[nodiscard]] std::optional<BigBytes> parse_big(BytesView rest);

/// A big integer whose magnitude has at most 64 bits.
struct Wide {
  bool negative = false;
  std::uint64_t magnitude = 0;
  std::size_t size = 0;  ///< Of the encoding.
};
[[nodiscard]] std::optional<Wide> parse_wide(BytesView rest);
[[nodiscard]] std::optional<std::int64_t> to_signed(const Wide& wide);

/// The 31 bytes of FLOAT_EXT (without its tag).
[[nodiscard]] std::optional<double> parse_float_text(BytesView text);

}  // namespace brood::etf
