// PendingTable: what waits for an answer, by the number in the reference that went out with the question.
//
// An answer, the end of who was asked, the loss of its node and a time-out may come in any order and at once:
// what they end is taken out, and only who took it ends it. A number that is in the table no more, or never
// was, means an answer that nobody waits for.
//
// Owns: the entries. Which node an entry waits for is the entry's own, for it may change while it waits, as
// when a child moves: `What` has `bool awaits(const Node&) const`.
//
// Thread rule: none of its own. Whoever has threads locks around each call; the desk of the process layer
// does, and the simulator has none.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

namespace brood::flow {

template <typename What>
class PendingTable {
 public:
  using Number = std::uint64_t;

  void add(Number number, What what) { entries_.emplace(number, std::move(what)); }
  /// nullptr: it waits no more. Until the next change of the table.
  [[nodiscard]] What* find(Number number) {
    const auto found = entries_.find(number);
    return found == entries_.end() ? nullptr : &found->second;
  }
  /// nullopt: somebody else ends it, or has.
  std::optional<What> take(Number number) {
    auto node = entries_.extract(number);
    return node.empty() ? std::nullopt : std::optional(std::move(node.mapped()));
  }
  /// The connection to that node is lost: who waits for it waits in vain.
  template <typename Node>
  [[nodiscard]] std::vector<What> take_those_of(const Node& lost) {
    std::vector<What> taken;
    for (auto it = entries_.begin(); it != entries_.end();) {
      if (!it->second.awaits(lost)) {
        ++it;
        continue;
      }
      taken.push_back(std::move(it->second));
      it = entries_.erase(it);
    }
    return taken;
  }
  [[nodiscard]] std::vector<What> take_all() {
    std::vector<What> taken;
    taken.reserve(entries_.size());
    for (auto& [number, what] : entries_) taken.push_back(std::move(what));
    entries_.clear();
    return taken;
  }
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  std::unordered_map<Number, What> entries_;
};

}  // namespace brood::flow
