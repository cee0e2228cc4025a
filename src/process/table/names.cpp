#include "process/table/names.hpp"

#include <mutex>

namespace brood::process {

Result<void> Names::add_holder(const Atom& name, Holder holder) {
  if (name.name.empty() || name.name == "undefined")
    return Error{Errc::invalid_argument, "'" + name.name + "' cannot be a registered name"};
  if (!entries_.emplace(name, Entry{std::move(holder), {}}).second)
    return Error{Errc::already_exists, "the name " + name.name + " is taken on this node"};
  return {};
}

Result<void> Names::add(const Atom& name, LocalPid pid, const std::function<bool()>& is_alive) {
  std::unique_lock lock(mutex_);
  if (!is_alive()) return Error{Errc::no_such_child, "no such process on this node to be named " + name.name};
  auto added = add_holder(name, pid);
  if (added) names_of_.emplace(pid, name);
  return added;
}

Result<void> Names::add_sink(const Atom& name, Sink sink) {
  std::unique_lock lock(mutex_);
  return add_holder(name, std::make_shared<const Sink>(std::move(sink)));
}

std::vector<Names::Watch> Names::remove(const Atom& name) {
  std::unique_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return {};
  if (const auto* pid = std::get_if<LocalPid>(&found->second.holder)) {
    const auto [first, last] = names_of_.equal_range(*pid);
    for (auto it = first; it != last; ++it)
      if (it->second == name) {
        names_of_.erase(it);
        break;
      }
  }
  std::vector<Watch> watches(found->second.watches.begin(), found->second.watches.end());
  entries_.erase(found);
  return watches;
}

void Names::remove_all_of(LocalPid pid) {
  {
    std::shared_lock lock(mutex_);
    if (names_of_.find(pid) == names_of_.end()) return;
  }
  std::unique_lock lock(mutex_);
  const auto [first, last] = names_of_.equal_range(pid);
  for (auto it = first; it != last; ++it) entries_.erase(it->second);
  names_of_.erase(first, last);
}

Names::Holder Names::find(const Atom& name) const {
  std::shared_lock lock(mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? Holder{} : found->second.holder;
}

bool Names::watch_sink(const Atom& name, Watch watch) {
  std::unique_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end() || !std::holds_alternative<SinkPtr>(found->second.holder)) return false;
  found->second.watches.insert(std::move(watch));
  return true;
}

void Names::unwatch_sink(const Atom& name, const Watch& watch) {
  std::unique_lock lock(mutex_);
  const auto found = entries_.find(name);
  if (found != entries_.end()) found->second.watches.erase(watch);
}

}  // namespace brood::process
