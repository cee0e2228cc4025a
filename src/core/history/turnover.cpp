#include "core/history/turnover.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace brood::core {

NodeName announcer_of(const NodeName& node, const std::vector<NodeName>& up) {
  const NodeName* best = nullptr;
  std::uint64_t greatest = 0;
  for (const NodeName& name : up) {
    if (name == node && up.size() > 1) continue;
    const std::uint64_t score = combine64(stable_hash64(name.text()), stable_hash64(node.text()));
    if (best && score <= greatest) continue;
    best = &name;
    greatest = score;
  }
  return best ? *best : NodeName();
}

void Turnover::tell(Step& s, Turn::Kind kind, const NodeName& node, bool up, bool is_mine) {
  s.effects.turns.push_back({kind, node, up, is_mine});
}

void Turnover::hold(Step& s) {
  if (!std::exchange(holds_, true)) tell(s, Turn::Kind::held);
}

void Turnover::may_act(Step& s, const std::vector<NodeName>& up) {
  const auto has = [](const std::vector<NodeName>& list, const NodeName& name) {
    return std::binary_search(list.begin(), list.end(), name);
  };
  const auto is_mine = [&](const NodeName& node) { return announcer_of(node, up) == s.settings.self; };
  std::vector<Way> ways;
  for (const NodeName& name : up)
    if (!has(up_, name) && name != s.settings.self) ways.push_back({name, true});
  for (const NodeName& name : up_)
    if (!has(up, name) && name != s.settings.self) ways.push_back({name, false});
  for (const Way& way : ways)
    if (way.up) tell(s, Turn::Kind::came, way.node, true, is_mine(way.node));
  for (const NodeName& node : std::exchange(gone_, {})) {
    tell(s, Turn::Kind::went, node, false, is_mine(node));
    leaves_.push_back(node);
  }
  if (std::exchange(holds_, false)) tell(s, Turn::Kind::resumed);
  for (const Way& way : ways) tell(s, Turn::Kind::begins, way.node, way.up);
  under_way_.insert(under_way_.end(), ways.begin(), ways.end());
  up_ = up;
}

void Turnover::flush(Step& s, bool is_quiet, bool is_dropping) {
  if (holds_) return;
  if (is_quiet)
    for (const Way& way : std::exchange(under_way_, {})) tell(s, Turn::Kind::over, way.node, way.up);
  if (leaves_.empty() || is_dropping || !under_way_.empty()) return;
  for (const NodeName& node : std::exchange(leaves_, {})) tell(s, Turn::Kind::settled, node);
}

}  // namespace brood::core
