// Reconciling: one child at a time, what should run here compared with what runs. Rules 1 to 4 of the design;
// 5 is loss.cpp, 6 is crash.cpp.
#include <fmt/format.h>

#include <algorithm>

#include "core/state.hpp"

namespace brood::core {

void Machine::settle_touched() {
  while (!touched_.empty()) {
    std::vector<ChildId> ids = std::move(touched_);
    touched_.clear();
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const ChildId& id : ids) {
      reconcile(id);
      settle(id);
      release_held(id);
      table_.erase_if_empty(id);
    }
  }
}

PeerIndex Machine::place_of(const Child& child) const {
  return ring_.first(child.hash, *child.row);
}

bool Machine::may_restart() const {
  return !fenced_ && !left_ && self().state != MemberState::joining;
}

void Machine::reconcile(const ChildId& id) {
  Child* child = table_.find(id);
  if (!child) {
    losses_.erase(id);
    return;
  }
  const bool may_start = tend_loss(id, *child);
  if (child->own) tend_own(id, *child);
  if (!child->own && may_start) maybe_start(id, *child);
  moved(id);
  if (acting()) {
    child->place = child->row ? place_of(*child) : no_peer;
  } else if (child->row || child->own) {
    child->place = no_peer;
    waiting_.push_back(id);
  }
}

void Machine::tend_own(const ChildId& id, Child& child) {
  if (!child.wanted()) return end_own(id, child, StopWhy::removed);  // rule 3
  const SpecRow& row = *child.row;
  if (child.own->spec != row.spec && !child.own->spec->same_as(*row.spec))
    return end_own(id, child, StopWhy::replaced);
  // Stopped and started again before this node learned of it: what runs is still the one that was stopped.
  if (child.own->birth != row.birth && !table_.find_birth(id, child.own->birth))
    return end_own(id, child, StopWhy::replaced);
  if (child.own->stopping != StopWhy::none) return;
  if (row.failed && !child.own->alive)
    return drop_own(id, child);  // given up while it waited to restart here
  if (acting()) {
    const PeerIndex place = place_of(child);
    if (child.hosted.size() > 1 && resolve_conflict(id, child, place)) return;
    if (place != self_index && place != no_peer) return release(id, child);
    if (row.failed && child.own->ran) return acquit(id, row);
    if (row.blame.suspected > 0 && child.own->ran) clear_suspicion(id, *child.own, row);
  }
  if (!child.own->alive && may_restart() && child.own->restart_at <= now_.monotonic) start_again(id, child);
}

// It runs, so it is not failed: it was blamed for the loss of this node, which only slept, or the other side
// of a split gave it up.
void Machine::acquit(const ChildId& id, const SpecRow& row) {
  SpecRow next = row;
  next.failed = false;
  next.failure.clear();
  next.blame = {};
  write_row(id, std::move(next), false);
}

// A child that runs well where it was started after a loss did not cause it, as far as one can tell.
void Machine::clear_suspicion(const ChildId& id, const Own& own, const SpecRow& row) {
  const Duration at = own.ran_at + settings_.stable_after;
  if (now_.monotonic < at) return wake(id, at);
  SpecRow next = row;
  next.blame.suspected = 0;
  write_row(id, std::move(next), false);
}

// Rule 1.
void Machine::maybe_start(const ChildId& id, Child& child) {
  const bool mine = child.wanted() && !child.row->failed && acting() && self().state == MemberState::up &&
                    place_of(child) == self_index;
  if (!mine) {
    handover_.erase(id);
    return;
  }
  if (child.hosted.empty()) {
    handover_.erase(id);
    return start_here(id, child);
  }
  // While that node's session lives, it is for that node to end it, however long that takes.
  const auto [since, added] = handover_.try_emplace(id, now_.monotonic);
  if (!added && now_.monotonic < since->second + settings_.handover_wait) return;
  if (!added) {
    since->second = now_.monotonic;
    log(LogLevel::warning, fmt::format("still waiting for {} to hand over {}",
                                       peers_[child.hosted.front().peer].name.value, id.text()));
  }
  wake(id, now_.monotonic + settings_.handover_wait);
}

void Machine::start_here(const ChildId& id, Child& child) {
  child.own = std::make_unique<Own>();
  ++own_count_;
  child.own->birth = child.row->birth;
  child.hosted.push_back({self_index, Instance{}});
  start_again(id, child);
}

void Machine::start_again(const ChildId& id, Child& child) {
  Own& own = *child.own;
  Instance& instance = child.at(self_index)->instance;
  own.spec = child.row->spec;
  own.epoch = new_epoch(child);
  own.alive = true;
  own.ran = false;
  own.restart_at = Duration::max();
  child.floor = own.epoch;
  instance.epoch = own.epoch;
  instance.phase = Phase::starting;
  instance.pid = {};
  instance.os_pid = 0;
  effects_.starts.push_back({own.spec, own.epoch, cause()});
  publish(id);
}

void Machine::end_own(const ChildId& id, Child& child, StopWhy why) {
  Own& own = *child.own;
  if (!own.alive) {
    drop_own(id, child);
    return;
  }
  const bool told = own.stopping != StopWhy::none;
  own.stopping = why;
  if (told) return;
  child.at(self_index)->instance.phase = Phase::stopping;
  effects_.stops.push_back({id, own.epoch, own.spec->shutdown, cause()});
  publish(id);
}

// Nothing of it runs here any more.
void Machine::drop_own(const ChildId& id, Child& child, Bytes detail) {
  std::erase_if(child.hosted, [](const Hosted& hosted) { return hosted.peer == self_index; });
  child.own.reset();
  --own_count_;
  publish(id, std::move(detail));
  touch(id);
}

// Rule 2, at most moves_in_flight at once.
void Machine::release(const ChildId& id, Child& child) {
  if (moving_.count(id) == 0 && child.own->alive) {
    if (moving_.size() >= settings_.moves_in_flight) {
      release_queue_.insert(id);
      return;
    }
    moving_.emplace(id, Duration::max());
    ++stats_.moves;
  }
  release_queue_.erase(id);
  end_own(id, child, StopWhy::released);
}

// Called whenever something about the id changed: a move is over when the child runs elsewhere or is gone.
void Machine::moved(const ChildId& id) {
  if (moving_.empty()) return;
  const auto move = moving_.find(id);
  if (move == moving_.end()) return;
  const Child* child = table_.find(id);
  if (child && child->own) {
    if (child->own->stopping == StopWhy::none) moving_.erase(move);
    return;
  }
  bool over = !child || !child->wanted();
  if (child)
    for (const Hosted& hosted : child->hosted) over = over || hosted.instance.phase != Phase::starting;
  if (over)
    moving_.erase(move);
  else if (move->second == Duration::max())
    move->second = now_.monotonic + 5s;
}

void Machine::tend_moves() {
  std::erase_if(moving_, [&](const auto& move) { return move.second <= now_.monotonic; });
  while (!release_queue_.empty() && moving_.size() < settings_.moves_in_flight) {
    const ChildId id = *release_queue_.begin();
    release_queue_.erase(release_queue_.begin());
    touch(id);
    settle_touched();
  }
}

// Rule 4. True: the instance here has to end.
bool Machine::resolve_conflict(const ChildId& id, Child& child, PeerIndex place) {
  ++stats_.conflicts;
  PeerIndex stays = no_peer;
  if (place != no_peer && child.at(place)) {
    stays = place;
  } else {
    const auto longer = [&](const Hosted& a, const Hosted& b) {
      const auto since = [](const Hosted& hosted) {
        return hosted.instance.since == Hlc{} ? hosted.instance.epoch.clock : hosted.instance.since;
      };
      return std::make_pair(since(a), peers_[a.peer].name) < std::make_pair(since(b), peers_[b.peer].name);
    };
    stays = std::min_element(child.hosted.begin(), child.hosted.end(), longer)->peer;
  }
  if (stays != self_index) {
    end_own(id, child, StopWhy::conflict);
    return true;
  }
  // The survivor's epoch is above all others'.
  Instance& mine = child.at(self_index)->instance;
  const bool greatest = std::all_of(child.hosted.begin(), child.hosted.end(), [&](const Hosted& hosted) {
    return hosted.instance.epoch <= mine.epoch;
  });
  if (!greatest) {
    child.floor = mine.epoch = new_epoch(child);
    publish(id);
  }
  return false;
}

}  // namespace brood::core
