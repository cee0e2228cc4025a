// Names: the registered names of this node, for processes and for functions.
//
// Thread rule: every function from any thread. Sinks run on the delivering thread, without a lock held.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <shared_mutex>
#include <variant>
#include <vector>

#include "process/runtime.hpp"

namespace brood::process {

class Names {
 public:
  using Sink = std::function<void(Incoming)>;
  using SinkPtr = std::shared_ptr<const Sink>;
  using Holder = std::variant<std::monostate, LocalPid, SinkPtr>;
  using Watch = std::pair<Pid, Ref>;  ///< Who watches a sink, from another node.

  /// `is_alive` is asked under the lock, so that a process which ends meanwhile leaves no name behind.
  Result<void> add(const Atom& name, LocalPid pid, const std::function<bool()>& is_alive);
  Result<void> add_sink(const Atom& name, Sink sink);
  /// Those who watched it, if it was a sink.
  [[nodiscard]] std::vector<Watch> remove(const Atom& name);
  void remove_all_of(LocalPid pid);
  [[nodiscard]] Holder find(const Atom& name) const;

  /// False when the name is no sink.
  bool watch_sink(const Atom& name, Watch watch);
  void unwatch_sink(const Atom& name, const Watch& watch);

 private:
  struct Entry {
    Holder holder;
    std::set<Watch> watches;
  };
  Result<void> add_holder(const Atom& name, Holder holder);

  mutable std::shared_mutex mutex_;
  std::map<Atom, Entry> entries_;
  std::multimap<LocalPid, Atom> names_of_;
};

}  // namespace brood::process
