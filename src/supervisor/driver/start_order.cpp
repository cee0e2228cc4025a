#include "supervisor/driver/start_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {

std::vector<ChildId> find_circle(const std::vector<ChildId>& from, const AfterOf& after_of) {
  struct Step {
    ChildId id;
    std::vector<ChildId> after;
    std::size_t next = 0;
  };
  enum class Seen : bool { on_the_way, done };
  std::map<ChildId, Seen> seen;
  for (const ChildId& start : from) {
    std::vector<Step> way;  // of its own, not the thread's stack: chains may be long
    const auto enter = [&](const ChildId& id) {
      if (seen.try_emplace(id, Seen::on_the_way).second) way.push_back({id, after_of(id)});
    };
    enter(start);
    while (!way.empty()) {
      Step& here = way.back();
      if (here.next == here.after.size()) {
        seen[here.id] = Seen::done;
        way.pop_back();
        continue;
      }
      const ChildId other = here.after[here.next++];
      const auto found = seen.find(other);
      if (found == seen.end()) {
        enter(other);
        continue;
      }
      if (found->second == Seen::done) continue;
      std::vector<ChildId> circle;
      const auto begin =
          std::find_if(way.begin(), way.end(), [&](const Step& step) { return step.id == other; });
      for (auto at = begin; at != way.end(); ++at) circle.push_back(at->id);
      circle.push_back(other);
      return circle;
    }
  }
  return {};
}

std::string circle_words(const std::vector<ChildId>& circle) {
  std::string out;
  for (const ChildId& id : circle) (out += out.empty() ? "" : " after ") += id.text();
  return out;
}

Result<void> check_order(const std::vector<core::NamedSpec>& specs, const Registry& registry) {
  // Mostly nobody waits for anybody, and there may be a million of them.
  std::vector<ChildId> from;
  for (const auto& [id, spec] : specs)
    if (!spec->extras->after.empty()) from.push_back(id);
  if (from.empty()) return {};
  std::map<ChildId, const core::Spec*> given;
  for (const auto& [id, spec] : specs) given[id] = spec.get();
  for (const auto& [id, spec] : specs)
    for (const ChildId& other : spec->extras->after)
      if (!given.contains(other) && !registry.find(other))
        return Error{Errc::invalid_argument,
                     fmt::format("`after`: '{}' is to start after '{}', and there is no such child",
                                 id.text(), other.text())};
  const auto circle = find_circle(from, [&](const ChildId& id) {
    if (const auto found = given.find(id); found != given.end()) return found->second->extras->after;
    const EntryPtr entry = registry.find(id);
    return entry && entry->spec && entry->wanted ? entry->spec->extras->after : std::vector<ChildId>{};
  });
  if (circle.empty()) return {};
  return Error{
      Errc::invalid_argument,
      fmt::format("`after`: a circle, so that none of them would ever start: {}", circle_words(circle))};
}

}  // namespace brood::supervisor
