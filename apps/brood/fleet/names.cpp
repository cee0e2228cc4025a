#include "apps/brood/fleet/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "term/child_id.hpp"

namespace brood::app {
namespace {

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

/// What is a term by how it begins; text otherwise, also where it turns out to be no term.
bool begins_as_term(std::string_view text) {
  return text.substr(0, 1) == "{" || text.substr(0, 1) == "[" || text.substr(0, 1) == "\"" ||
         text.substr(0, 2) == "#{";
}

/// What stands behind a colon, where it is no atom without quotes.
bool begins_as_number_or_quoted(std::string_view text) {
  return !text.empty() && std::string_view("0123456789+-'").find(text.front()) != std::string_view::npos;
}

Result<Term> term_of(std::string_view text) {
  if (text.substr(0, 1) == ":") {
    const auto name = text.substr(1);
    if (begins_as_number_or_quoted(name)) {
      if (auto term = parse_term(name)) return term;
    }
    // Term::atom() would cut it, and so mean another child.
    if (auto id = ChildId::atom(name); !id) return id.error();
    return Term::atom(name);
  }
  if (text.size() >= 4 && text.substr(0, 2) == "<<" && text.substr(text.size() - 2) == ">>") {
    auto term = parse_term(text);
    if (!term) return Error{Errc::invalid_argument, fmt::format("id {}: {}", text, term.error().message)};
    return term;
  }
  if (begins_as_term(text)) {
    if (auto term = parse_term(text)) return term;
  }
  return Term::binary(text);
}

}  // namespace

Result<Term> parse_id(std::string_view text) {
  auto term = term_of(text);
  if (!term) return term;
  if (auto id = ChildId::from_term(*term); !id) return id.error();
  return term;
}

std::string id_text(const Term& id) {
  const auto reads_back = [&](std::string_view text) {
    const auto read = parse_id(text);
    return read && *read == id;
  };
  if (const auto* binary = id.as_binary()) {
    const std::string_view text = binary->bytes;
    if (!text.empty() && !has_blank_end(text) && is_plain_text(text) && reads_back(text))
      return binary->bytes;
  }
  if (const auto* atom = id.as_atom(); atom != nullptr && is_plain_text(atom->name) &&
                                       !has_blank_end(atom->name) && reads_back(":" + atom->name))
    return ":" + atom->name;
  std::string text = to_string(id);
  const bool needs_colon = id.as_atom() != nullptr || id.as_integer() != nullptr || id.as_big() != nullptr ||
                           id.as_float() != nullptr;
  return needs_colon ? ":" + text : text;
}

}  // namespace brood::app
