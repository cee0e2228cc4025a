#include "apps/brood/fleet/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace brood::app {
namespace {

constexpr std::size_t id_bytes_max = 255;

// Valid UTF-8 that a terminal shows as it is. Overlong forms are not looked for: the text is only shown.
bool is_plain_text(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f) return false;
    const std::size_t more = c < 0x80 ? 0 : c < 0xc2 ? 9 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : c < 0xf5 ? 3 : 9;
    if (more == 9 || i + more >= text.size()) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    if (c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;  // C1 control characters
    i += more + 1;
  }
  return true;
}

// An id whose ends cannot be seen is shown in quotes.
bool has_blank_end(std::string_view text) {
  static constexpr std::array<std::string_view, 8> blanks{" ",
                                                          "\xc2\xa0",
                                                          "\xe2\x80\x83",
                                                          "\xe2\x80\x8b",
                                                          "\xe2\x80\x8c",
                                                          "\xe2\x80\x8d",
                                                          "\xe3\x80\x80",
                                                          "\xef\xbb\xbf"};
  return std::any_of(blanks.begin(), blanks.end(), [&](std::string_view blank) {
    return text.substr(0, blank.size()) == blank ||
           (text.size() >= blank.size() && text.substr(text.size() - blank.size()) == blank);
  });
}

}  // namespace

Result<Term> parse_id(std::string_view text) {
  const auto check = [&](Term id, std::size_t bytes) -> Result<Term> {
    if (bytes == 0) return {Errc::invalid_argument, "an id cannot be empty"};
    if (bytes > id_bytes_max) {
      return {Errc::invalid_argument,
              fmt::format("an id has at most {} bytes; this one has {}", id_bytes_max, bytes)};
    }
    return id;
  };
  if (text.substr(0, 1) == ":") return check(Term::atom(text.substr(1)), text.size() - 1);
  if (text.size() >= 4 && text.substr(0, 2) == "<<" && text.substr(text.size() - 2) == ">>") {
    auto term = parse_term(text);
    if (!term) return {Errc::invalid_argument, fmt::format("id {}: {}", text, term.error().message)};
    if (term->as_binary() == nullptr) {
      return {Errc::invalid_argument, fmt::format("id {}: an id is a text or an atom", text)};
    }
    const auto bytes = term->as_binary()->bytes.size();
    return check(std::move(*term), bytes);
  }
  return check(Term::binary(text), text.size());
}

std::string id_text(const Term& id) {
  if (const auto* binary = id.as_binary()) {
    const std::string_view text = binary->bytes;
    const bool looks_otherwise = text.substr(0, 1) == ":" || text.substr(0, 2) == "<<";
    if (!text.empty() && !looks_otherwise && !has_blank_end(text) && is_plain_text(text))
      return binary->bytes;
  }
  if (const auto* atom = id.as_atom();
      atom != nullptr && is_plain_text(atom->name) && !has_blank_end(atom->name))
    return ":" + atom->name;
  return to_string(id);
}

}  // namespace brood::app
