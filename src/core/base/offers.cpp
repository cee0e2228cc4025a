#include "core/base/offers.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/hash.hpp"

namespace brood::core {

Offers::Offers(std::set<std::string> names) {
  if (names.empty()) return;
  std::uint64_t hash = names.size();
  for (const std::string& name : names) hash = combine64(hash, stable_hash64(name));
  content_ = std::make_shared<const Content>(Content{std::move(names), hash});
}

const std::set<std::string>& Offers::names() const {
  static const std::set<std::string> none;
  return content_ ? content_->names : none;
}

bool Offers::include(const std::string& needs) const {
  const std::set<std::string>& offered = names();
  if (needs.empty() || offered.contains(needs)) return true;
  if (needs.starts_with("exec:")) return offered.contains("exec:*");
  if (needs.find(':') == std::string::npos) return false;
  // Of a local supervisor: each of its workers.
  std::string_view left = needs;
  while (!left.empty()) {
    const std::string_view one = left.substr(0, left.find(':'));
    if (!offered.contains(std::string(one))) return false;
    left.remove_prefix(std::min(one.size() + 1, left.size()));
  }
  return true;
}

}  // namespace brood::core
