#include "term/utf8.hpp"

#include "term/etf.hpp"

namespace brood::utf8 {

std::optional<char32_t> next(std::string_view text, std::size_t& at) noexcept {
  if (at >= text.size()) return std::nullopt;
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() - at < size) return std::nullopt;
  char32_t character = first & (0xFFu >> (size + 1));
  for (std::size_t index = 1; index < size; ++index) {
    const auto byte = static_cast<unsigned char>(text[at + index]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    character = (character << 6) | (byte & 0x3Fu);
  }
  constexpr char32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  if (character < least[size] || character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF))
    return std::nullopt;
  at += size;
  return character;
}

std::optional<std::size_t> length(std::string_view text) noexcept {
  if (is_ascii(text)) return text.size();
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count)
    if (!next(text, at)) return std::nullopt;
  return count;
}

void append(std::string& out, char32_t character) {
  if (character > 0x10FFFF || (character >= 0xD800 && character <= 0xDFFF)) character = 0xFFFD;
  const auto put = [&out](char32_t byte) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (character < 0x80) {
    put(character);
  } else if (character < 0x800) {
    put(0xC0 | (character >> 6));
    put(0x80 | (character & 0x3F));
  } else if (character < 0x10000) {
    put(0xE0 | (character >> 12));
    put(0x80 | ((character >> 6) & 0x3F));
    put(0x80 | (character & 0x3F));
  } else {
    put(0xF0 | (character >> 18));
    put(0x80 | ((character >> 12) & 0x3F));
    put(0x80 | ((character >> 6) & 0x3F));
    put(0x80 | (character & 0x3F));
  }
}

std::string from_latin1(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (const char byte : bytes) append(out, static_cast<unsigned char>(byte));
  return out;
}

bool is_printable(char32_t character) noexcept {
  if (character < 0x20 || (character >= 0x7F && character < 0xA0)) return false;
  if (character >= 0xD800 && character <= 0xDFFF) return false;
  return character <= 0x10FFFF && character != 0xFFFE && character != 0xFFFF;
}

bool fits_atom(std::string_view text) noexcept {
  if (text.size() <= 255 && is_ascii(text)) return true;
  if (text.size() > etf::atom_characters_max * 4) return false;
  const auto characters = length(text);
  return characters && *characters <= etf::atom_characters_max;
}

std::string fit_atom(std::string_view text) {
  if (!length(text)) return fit_atom(from_latin1(text.substr(0, etf::atom_characters_max)));
  std::size_t at = 0;
  for (std::size_t count = 0; count < etf::atom_characters_max && at < text.size(); ++count)
    static_cast<void>(next(text, at));
  return std::string(text.substr(0, at));
}

}  // namespace brood::utf8
