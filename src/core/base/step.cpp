#include "core/base/step.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>

namespace brood::core {

bool Step::witness(Hlc seen, const NodeName& from) {
  if (clock.witness(seen, now.wall, settings.clock_skew_max)) return true;
  if (stats.clock_refusals++ % 1000 == 0)
    log(LogLevel::error,
        fmt::format(
            "the clock of {} is {} s ahead of ours, more than clock_skew_max ({} s): set the clocks right",
            from.text(), std::chrono::duration_cast<std::chrono::seconds>(wall_of(seen) - now.wall).count(),
            std::chrono::duration_cast<std::chrono::seconds>(settings.clock_skew_max).count()));
  return false;
}

void keep_first_of_each(std::vector<ChildId>& ids) {
  constexpr std::size_t few = 8;
  const auto begin = ids.begin();
  auto end = begin;
  // By hash, the place of the first that has it; of a few it is quicker to look at all.
  boost::unordered_flat_map<std::uint64_t, std::ptrdiff_t> first;
  if (ids.size() > few) first.reserve(ids.size());
  for (auto next = begin; next != ids.end(); ++next) {
    bool is_new = true;
    if (ids.size() <= few) {
      is_new = std::find(begin, end, *next) == end;
    } else if (const auto [same, added] = first.try_emplace(next->hash(), end - begin); !added) {
      // Where two ids have one hash, all that came before are compared.
      is_new = begin[same->second] != *next && std::find(begin, end, *next) == end;
    }
    if (!is_new) continue;
    if (end != next) *end = std::move(*next);
    ++end;
  }
  ids.erase(end, ids.end());
}

}  // namespace brood::core
