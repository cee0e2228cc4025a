#include "core/children/moves.hpp"

namespace brood::core {

bool Moves::may_leave(Step& s, const Child& child) {
  if (!moving_.contains(child.ref) && child.own()->alive) {
    if (moving_.size() >= most(s.settings)) {
      queue_.insert(child.ref);
      return false;
    }
    moving_.emplace(child.ref, Move{s.time(), Duration::max()});
    ++s.stats.moves;
  }
  queue_.erase(child.ref);
  return true;
}

void Moves::end(std::map<ChildRef, Move>::iterator move) {
  const Move& over = move->second;
  if (over.until != Duration::max()) until_.erase({over.until, move->first});
  moving_.erase(move);
}

void Moves::look(const Step& s, const Child& child, bool leaving) {
  if (moving_.empty()) return;
  const auto move = moving_.find(child.ref);
  if (move == moving_.end()) return;
  if (child.own()) {
    if (child.own()->stopping == StopWhy::none && !leaving) end(move);  // it stays
    return;
  }
  bool over = !child.wanted();
  instances_.each(child,
                  [&](const Hosted& hosted) { over = over || hosted.instance.phase != Phase::starting; });
  if (over) {
    window_.done(s.settings.moves_in_flight, s.time(), s.time() - move->second.begun);
    return end(move);
  }
  if (move->second.until != Duration::max()) return;
  move->second.until = s.time() + 5s;
  until_.emplace(move->second.until, move->first);
}

void Moves::work(Step& s, Notes& notes) {
  while (!until_.empty() && until_.begin()->first <= s.time()) {
    moving_.erase(until_.begin()->second);
    until_.erase(until_.begin());
  }
  std::size_t room = most(s.settings) - std::min(most(s.settings), moving_.size());
  for (; !queue_.empty() && room > 0; --room) {
    const ChildRef ref = *queue_.begin();
    queue_.erase(queue_.begin());
    if (Child* child = children_.get(ref)) notes.touched(s, *child);
  }
}

}  // namespace brood::core
