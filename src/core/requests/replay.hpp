// Replay: what has been done for requests of late, so that a request that is repeated does not act twice: it
// is told again what it was told, or that what it made is gone.
//
// Owns: answers given, and requests that have done all they can. Thread rule: none; owned by one core.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>

#include "base/hash.hpp"
#include "base/table_parts.hpp"
#include "core/base/step.hpp"

namespace brood::core {

class Replay {
 public:
  using Key = std::pair<RequestKey, ChildId>;

  // ---- answers
  void keep_answer(const Step& s, const RequestKey& request, const Outcome& outcome);
  /// What was answered; nullptr: nothing (any more).
  [[nodiscard]] const Outcome* answer(const RequestKey& request, const ChildId& id) const;

  // ---- finished requests: they go to other nodes with the table
  /// False: it was known. `floor`: the greatest epoch that was known then; what a stop has ended is not
  /// newer. None, where that is not known, until somebody says it.
  bool finish(const Step& s, const RequestKey& request, const ChildId& id, const Epoch& floor);
  /// nullptr: it is not finished, as far as this node knows.
  [[nodiscard]] const Epoch* finished(const RequestKey& request, const ChildId& id) const;
  /// Appends those of the children of that bucket, in the order in which they came, and their floors.
  void finished_in(std::uint32_t bucket, std::vector<Key>& keys, std::vector<Epoch>& floors) const;

  void on_time(const Step& s);
  [[nodiscard]] Duration deadline() const;

 private:
  struct Hash {
    using is_avalanching = void;
    std::size_t operator()(const Key& key) const {
      const auto& [request, id] = key;
      const std::uint64_t asked = combine64(request.node.hash(), request.number);
      return static_cast<std::size_t>(combine64(asked, id.hash() + request.creation));
    }
  };
  /// Only looked up. With the table of every peer come all that it has finished: nearly all of that is known.
  /// Many small tables, so that none takes long when it grows.
  class Finished {
   public:
    [[nodiscard]] const Epoch* find(const Key& key) const {
      const auto& part = parts_[part_of(key)];
      const auto found = part.find(key);
      return found == part.end() ? nullptr : &found->second;
    }
    bool add(const Key& key, const Epoch& floor) {
      const auto [at, is_new] = parts_[part_of(key)].try_emplace(key, floor);
      if (at->second == Epoch{}) at->second = floor;
      return is_new;
    }
    void erase(const Key& key) { parts_[part_of(key)].erase(key); }

   private:
    [[nodiscard]] static std::size_t part_of(const Key& key) { return table_part(key.second.hash()); }
    std::vector<boost::unordered_flat_map<Key, Epoch, Hash>> parts_{table_parts};
  };
  void forget_oldest_finished();

  std::map<Key, Outcome> answers_;
  std::deque<std::pair<Duration, Key>> answers_order_;
  Finished finished_;
  std::deque<std::pair<Duration, Key>> finished_order_;
  std::map<std::uint32_t, std::deque<Key>> finished_by_bucket_;
};

}  // namespace brood::core
