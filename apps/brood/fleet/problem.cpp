#include "apps/brood/fleet/problem.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::app::fleet {

std::string Problem::text(const std::string& file) const {
  std::string out = file;
  if (line > 0) out += fmt::format(":{}", line);
  if (!key.empty()) out += ": " + key;
  return out + ": " + what;
}

std::vector<Problem> Problems::sorted() const {
  auto list = list_;
  std::stable_sort(list.begin(), list.end(),
                   [](const Problem& a, const Problem& b) { return a.line < b.line; });
  return list;
}

}  // namespace brood::app::fleet
