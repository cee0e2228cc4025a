#include "apps/brood/fleet/toml_term.hpp"

#include <fmt/format.h>

#include <optional>

namespace brood::app::fleet {
namespace {

constexpr std::string_view number_mark = "{n}";
constexpr std::string_view escaped_mark = "{{n}}";  // stands for {n} itself

std::optional<Term> array_term(const TomlArray& array, const std::string& path, Problems& problems) {
  std::vector<Term> items;
  for (const auto& item : array.items) {
    auto term = to_term(item, fmt::format("{}[{}]", path, items.size()), problems);
    if (!term) return std::nullopt;
    items.push_back(std::move(*term));
  }
  return Term::list(std::move(items));
}

std::optional<Term> table_term(const TomlTable& table, const std::string& path, Problems& problems) {
  std::vector<std::pair<Term, Term>> entries;
  for (const auto& entry : table.entries) {
    const auto key = path + "." + entry.key;
    if (entry.key.size() > 255) {
      problems.add(entry.line, key, "a key has at most 255 bytes");
      return std::nullopt;
    }
    auto term = to_term(entry.value, key, problems);
    if (!term) return std::nullopt;
    entries.emplace_back(Term::atom(entry.key), std::move(*term));
  }
  return Term::map(std::move(entries));
}

}  // namespace

std::optional<Term> to_term(const TomlValue& value, const std::string& path, Problems& problems) {
  if (const auto* text = value.as<std::string>()) return Term::binary(*text);
  if (const auto* integer = value.as<std::int64_t>()) return Term(*integer);
  if (const auto* real = value.as<double>()) return Term(*real);
  if (const auto* boolean = value.as<bool>()) return Term(*boolean);
  if (const auto* array = value.as<TomlArray>()) return array_term(*array, path, problems);
  if (const auto* table = value.as<TomlTable>()) return table_term(*table, path, problems);
  problems.add(value.line, path,
               fmt::format("is {}; allowed: texts, numbers, true and false, arrays, tables", kind_of(value)));
  return std::nullopt;
}

std::string numbered(std::string_view text, const std::string& n) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.substr(at, escaped_mark.size()) == escaped_mark) {
      out += number_mark;
      at += escaped_mark.size();
    } else if (text.substr(at, number_mark.size()) == number_mark) {
      out += n;
      at += number_mark.size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

bool has_number_mark(std::string_view text) {
  return numbered(text, "1") != numbered(text, "2");
}

Term numbered(const Term& term, const std::string& n) {
  if (const auto* binary = term.as_binary()) return Term::binary(numbered(binary->bytes, n));
  if (const auto* items = term.as_list()) {
    std::vector<Term> out;
    for (const auto& item : *items) out.push_back(numbered(item, n));
    return Term::list(std::move(out));
  }
  if (const auto* entries = term.as_map()) {
    std::vector<std::pair<Term, Term>> out;
    for (const auto& [key, value] : *entries) out.emplace_back(key, numbered(value, n));
    return Term::map(std::move(out));
  }
  return term;
}

}  // namespace brood::app::fleet
