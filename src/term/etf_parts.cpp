#include "term/etf_parts.hpp"

#include <brood/codec.hpp>
#include <charconv>
#include <cmath>

#include "term/etf.hpp"
#include "term/utf8.hpp"

namespace brood::etf {

std::optional<AtomBytes> parse_atom(BytesView rest) {
  if (rest.size() < 2) return std::nullopt;
  const auto tag = static_cast<std::uint8_t>(rest[0]);
  AtomBytes atom;
  std::size_t header = 2;
  std::size_t length = 0;
  switch (tag) {
    case small_atom_utf8:
    case small_atom_latin1:
      length = static_cast<std::uint8_t>(rest[1]);
      break;
    case atom_utf8:
    case atom_latin1:
      header = 3;
      if (rest.size() < header) return std::nullopt;
      length = detail::get_u16(rest.data() + 1);
      break;
    default:
      return std::nullopt;
  }
  if (rest.size() - header < length) return std::nullopt;
  atom.name = rest.substr(header, length);
  atom.size = header + length;
  if (tag == atom_latin1 || tag == small_atom_latin1) {
    atom.latin1 = !utf8::is_ascii(atom.name);
    if (length > atom_characters_max) return std::nullopt;
  } else if (!utf8::fits_atom(atom.name)) {
    return std::nullopt;
  }
  return atom;
}

std::optional<BigBytes> parse_big(BytesView rest) {
  if (rest.empty()) return std::nullopt;
  const auto tag = static_cast<std::uint8_t>(rest[0]);
  if (tag != small_big && tag != large_big) return std::nullopt;
  const std::size_t header = tag == small_big ? 3 : 6;
  if (rest.size() < header) return std::nullopt;
  const std::size_t length =
      tag == small_big ? static_cast<std::uint8_t>(rest[1]) : detail::get_u32(rest.data() + 1);
  if (rest.size() - header < length) return std::nullopt;
  return BigBytes{rest[header - 1] != 0, rest.substr(header, length), header + length};
}

std::optional<Wide> parse_wide(BytesView rest) {
  const auto big = parse_big(rest);
  if (!big) return std::nullopt;
  const std::size_t last = big->magnitude.find_last_not_of('\0');
  const std::size_t length = last == BytesView::npos ? 0 : last + 1;
  if (length > 8) return std::nullopt;
  Wide out{big->negative, 0, big->size};
  for (std::size_t index = length; index-- > 0;)
    out.magnitude = out.magnitude << 8 | static_cast<std::uint8_t>(big->magnitude[index]);
  return out;
}

std::optional<std::int64_t> to_signed(const Wide& wide) {
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  if (wide.magnitude > half || (wide.magnitude == half && !wide.negative)) return std::nullopt;
  return static_cast<std::int64_t>(wide.negative ? 0 - wide.magnitude : wide.magnitude);
}

std::optional<double> parse_float_text(BytesView text) {
  text = text.substr(0, text.find('\0'));
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace brood::etf
