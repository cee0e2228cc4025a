#include <fmt/format.h>

#include <brood/results.hpp>
#include <set>

namespace brood::inline v0 {

namespace {

template <typename List>
auto* find_id(const List& list, const Id& id) {
  for (const auto& item : list)
    if (item.id == id) return &item;
  return static_cast<const typename List::value_type*>(nullptr);
}

std::string with_errors(std::string line, const std::vector<ChildError>& errors, std::size_t errors_max) {
  std::size_t shown = 0;
  for (const ChildError& error : errors) {
    if (shown++ == errors_max) {
      line += fmt::format("\n  and {} more", errors.size() - errors_max);
      break;
    }
    line += fmt::format("\n  {}{}: {} ({})", error.id.text(), error.node ? " on " + error.node->text() : "",
                        error.error.message, to_string(error.error.code));
  }
  return line;
}

std::vector<NodeName> sorted(const std::set<NodeName>& names) {
  return {names.begin(), names.end()};
}

}  // namespace

const Started* StartResult::find(const Id& id) const {
  return find_id(started, id);
}
const ChildError* StartResult::error_of(const Id& id) const {
  return find_id(errors, id);
}
std::optional<Pid> StartResult::pid() const {
  return started.empty() ? std::nullopt : std::optional(started.front().pid);
}
std::vector<Pid> StartResult::pids() const {
  std::vector<Pid> all;
  all.reserve(started.size());
  for (const Started& child : started) all.push_back(child.pid);
  return all;
}
std::optional<NodeName> StartResult::node() const {
  return started.empty() ? std::nullopt : std::optional(started.front().pid.node);
}
std::vector<NodeName> StartResult::nodes() const {
  std::set<NodeName> names;
  for (const Started& child : started) names.insert(child.pid.node);
  return sorted(names);
}
std::vector<Id> StartResult::cids() const {
  std::vector<Id> ids;
  ids.reserve(started.size());
  for (const Started& child : started) ids.push_back(child.id);
  return ids;
}
std::string StartResult::format(std::size_t errors_max) const {
  std::string line = fmt::format("{} started", started.size());
  if (rollback) line += " and stopped again";
  if (!errors.empty()) line += fmt::format(", {} not:", errors.size());
  return with_errors(std::move(line), errors, errors_max);
}

const ChildError* StopResult::error_of(const Id& id) const {
  return find_id(errors, id);
}
std::vector<NodeName> StopResult::nodes() const {
  std::set<NodeName> names;
  for (const Stopped& child : stopped) names.insert(child.nodes.begin(), child.nodes.end());
  return sorted(names);
}
std::vector<Id> StopResult::cids() const {
  std::vector<Id> ids;
  ids.reserve(stopped.size());
  for (const Stopped& child : stopped) ids.push_back(child.id);
  return ids;
}
std::string StopResult::format(std::size_t errors_max) const {
  std::string line = fmt::format("{} stopped", stopped.size());
  if (!errors.empty()) line += fmt::format(", {} not:", errors.size());
  return with_errors(std::move(line), errors, errors_max);
}

}  // namespace brood::inline v0
