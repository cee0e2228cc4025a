#include "apps/brood/fleet/toml_tree.hpp"

#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cctype>

namespace brood::app::fleet {
namespace {

int line_of(const toml::source_region& region) {
  return static_cast<int>(region.begin.line);
}

TomlValue convert(const toml::node& node);

TomlTable convert_table(const toml::table& table) {
  TomlTable out;
  for (const auto& [key, value] : table) {
    out.entries.push_back({std::string(key.str()), line_of(key.source()), convert(value)});
  }
  return out;
}

TomlArray convert_array(const toml::array& array) {
  TomlArray out;
  for (const auto& item : array) out.items.push_back(convert(item));
  return out;
}

TomlValue convert(const toml::node& node) {
  TomlValue out;
  out.line = line_of(node.source());
  if (const auto* text = node.as_string()) {
    out.data = text->get();
  } else if (const auto* integer = node.as_integer()) {
    out.data = integer->get();
  } else if (const auto* real = node.as_floating_point()) {
    out.data = real->get();
  } else if (const auto* boolean = node.as_boolean()) {
    out.data = boolean->get();
  } else if (const auto* array = node.as_array()) {
    out.data = convert_array(*array);
  } else if (const auto* table = node.as_table()) {
    out.data = convert_table(*table);
  } else {
    out.data = TomlDate{};
  }
  return out;
}

}  // namespace

const TomlEntry* TomlTable::find(std::string_view key) const {
  const auto it =
      std::find_if(entries.begin(), entries.end(), [&](const TomlEntry& e) { return e.key == key; });
  return it == entries.end() ? nullptr : &*it;
}

// Text without quotes, the most usual mistake: the parser takes it for the beginning of a number, or of
// `true`.
static std::string cure_of(std::string_view text, std::size_t line) {
  for (; line > 1 && !text.empty(); --line)
    text.remove_prefix(std::min(text.find('\n'), text.size() - 1) + 1);
  text = text.substr(0, text.find_first_of("\r\n"));
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return "";
  auto value = text.substr(equals + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value = value.substr(0, value.find_last_not_of(" \t") + 1);
  if (value.empty() || std::isalpha(static_cast<unsigned char>(value.front())) == 0) return "";
  if (value.find('"') != std::string_view::npos) return "";
  return fmt::format("; text stands in quotes: {} \"{}\"", text.substr(0, equals + 1), value);
}

tl::expected<TomlTable, Problem> parse_toml(std::string_view text) {
  const auto parsed = toml::parse(text);
  if (!parsed) {
    const auto& error = parsed.error();
    return tl::unexpected(Problem{
        line_of(error.source()), "",
        "not valid TOML: " + std::string(error.description()) + cure_of(text, line_of(error.source()))});
  }
  return convert_table(parsed.table());
}

std::string_view kind_of(const TomlValue& value) {
  struct Names {
    std::string_view operator()(const std::string&) const { return "a text"; }
    std::string_view operator()(std::int64_t) const { return "a whole number"; }
    std::string_view operator()(double) const { return "a number with a fraction"; }
    std::string_view operator()(bool) const { return "true or false"; }
    std::string_view operator()(const TomlDate&) const { return "a date or time"; }
    std::string_view operator()(const TomlArray&) const { return "an array"; }
    std::string_view operator()(const TomlTable&) const { return "a table"; }
  };
  return std::visit(Names{}, value.data);
}

}  // namespace brood::app::fleet
