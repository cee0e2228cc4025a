#include "apps/brood/init/ini.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace brood::app::init {
namespace {

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

// Without a comment that begins after a blank.
std::string_view without_comment(std::string_view line) {
  for (std::size_t at = 1; at < line.size(); ++at) {
    if (line[at] == ';' && (line[at - 1] == ' ' || line[at - 1] == '\t')) return line.substr(0, at);
  }
  return line;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

const std::string* IniSection::get(std::string_view key) const {
  for (const auto& [known, value] : entries)
    if (known == key) return &value;
  return nullptr;
}

Outcome<std::vector<IniSection>> parse_ini(std::string_view text, const std::string& path) {
  std::vector<IniSection> sections;
  std::size_t number = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    ++number;
    const auto what = trimmed(line);
    if (what.empty() || what.front() == '#' || what.front() == ';') continue;
    const bool goes_on = line.front() == ' ' || line.front() == '\t';
    if (goes_on && !sections.empty() && !sections.back().entries.empty()) {
      (sections.back().entries.back().second += '\n') += trimmed(without_comment(line));
      continue;
    }
    if (what.front() == '[') {
      const auto close = what.find(']');
      if (close == std::string::npos)
        return usage(fmt::format("{}: line {}: a section without its closing bracket", path, number));
      sections.push_back({what.substr(1, close - 1), {}});
      continue;
    }
    const auto between = what.find_first_of("=:");
    if (between == std::string::npos)
      return usage(fmt::format("{}: line {}: neither [section] nor key = value", path, number));
    if (sections.empty()) return usage(fmt::format("{}: line {}: a key before any [section]", path, number));
    sections.back().entries.emplace_back(
        lower(trimmed(std::string_view(what).substr(0, between))),
        trimmed(without_comment(std::string_view(what).substr(between + 1))));
  }
  return sections;
}

}  // namespace brood::app::init
