// What `after` says in a supervisor's file must be there, and must not go in a circle.
#include "supervisor/driver/start_order.hpp"

#include <fmt/format.h>

#include <map>

#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/sections.hpp"

namespace brood::app::fleet {
namespace {

ChildId id_of(const Id& id) {
  return ChildId::of(id).value();
}

}  // namespace

void check_order(const std::vector<ChildSpec>& specs, const std::map<Term, int>& lines,
                 const std::string& path, Problems& problems) {
  std::map<ChildId, const ChildSpec*> known;
  std::vector<ChildId> from;
  for (const auto& spec : specs) {
    if (!spec.id || !ChildId::from_term(spec.id->term())) continue;
    known[id_of(*spec.id)] = &spec;
    if (!spec.after.empty()) from.push_back(id_of(*spec.id));
  }
  const auto line_of = [&](const ChildId& id) {
    const auto found = lines.find(id.to_term());
    return found == lines.end() ? 0 : found->second;
  };
  std::vector<std::string> names;
  for (const auto& [id, spec] : known) names.push_back(id_text(id.to_term()));
  for (const auto& id : from) {
    for (const auto& other : known[id]->after) {
      if (known.contains(id_of(other))) continue;
      const auto word = id_text(other.term());
      problems.add(line_of(id), path,
                   fmt::format("\"{}\" starts after \"{}\", which is no child of this supervisor{}",
                               id_text(id.to_term()), word, did_you_mean(word, names)));
    }
  }
  const auto circle = supervisor::find_circle(from, [&](const ChildId& id) {
    std::vector<ChildId> after;
    if (const auto found = known.find(id); found != known.end())
      for (const auto& other : found->second->after) after.push_back(id_of(other));
    return after;
  });
  if (!circle.empty())
    problems.add(line_of(circle.front()), path,
                 fmt::format("`after` goes in a circle, so that none of them would ever start: {}",
                             supervisor::circle_words(circle)));
}

}  // namespace brood::app::fleet
