// EntryWalk: the entries of a registry one after the other, some at a time, so that nothing that lists all
// children holds a lock or a thread for long. Entries that come or go meanwhile may be seen or not.
//
// In one of two orders: by id, for which all that is wanted is gathered first; or in the order of the pages
// (Registry::follows), from any id on, for which only what is taken is looked at.
//
// Thread rule: one thread at a time; the registry must outlive it.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {

class EntryWalk {
 public:
  using Keep = std::function<bool(const Entry&)>;
  /// All that `keep` wants, by id.
  EntryWalk(const Registry& registry, Keep keep) : registry_(registry), keep_(std::move(keep)) {}
  /// In the order of the pages, those that follow `after`.
  EntryWalk(const Registry& registry, Keep keep, std::optional<ChildId> after)
      : registry_(registry), keep_(std::move(keep)), by_page_(true), after_(std::move(after)) {
    if (after_) part_ = Registry::part_of(*after_);
  }

  /// At most `count` of them, the next. May be empty before is_over(): then there was other work to do.
  [[nodiscard]] std::vector<Registry::Item> take(std::size_t count);
  [[nodiscard]] bool is_over() const { return part_ == Registry::part_count && left_ == 0; }

 private:
  using Items = std::vector<Registry::Item>;
  /// What of a part is not taken yet.
  struct Rest {
    Items items;
    std::size_t at = 0;
  };
  void gather();
  [[nodiscard]] Items take_page(std::size_t count);
  [[nodiscard]] Items merge(std::size_t count);

  const Registry& registry_;
  const Keep keep_;
  const bool by_page_ = false;
  std::optional<ChildId> after_;
  std::size_t part_ = 0;  ///< The next one to be looked at.
  std::size_t left_ = 0;  ///< Items that are gathered and not taken.
  std::vector<Rest> rests_;
  std::vector<std::size_t> heap_;  ///< By id: the rests, the one with the least id on top.
};

}  // namespace brood::supervisor
