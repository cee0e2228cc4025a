#include "apps/brood/fleet/problem.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::app::fleet {

namespace {

/// A key of a file may hold anything, and this goes to a terminal.
std::string shown(const std::string& text) {
  std::string out;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (byte < 0x20 || byte == 0x7f)
      out += fmt::format("\\x{:02x}", byte);
    else
      out += letter;
  }
  return out;
}

}  // namespace

std::string Problem::text(const std::string& file) const {
  std::string out = file;
  if (line > 0) out += fmt::format(":{}", line);
  if (!key.empty()) out += ": " + shown(key);
  return out + ": " + what;
}

std::vector<Problem> Problems::sorted() const {
  auto list = list_;
  std::stable_sort(list.begin(), list.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  return list;
}

}  // namespace brood::app::fleet
