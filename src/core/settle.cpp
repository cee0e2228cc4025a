// When a coordinator's open starts and stops of one id are done, and how they are answered.
#include <algorithm>

#include "core/state.hpp"

namespace brood::core {

// The newest instance that runs, later than `after`; no host where there is none.
Outcome Machine::located(const ChildId& id, const Epoch& after) const {
  Outcome outcome;
  outcome.id = id;
  const Child* child = table_.find(id);
  if (!child) return outcome;
  for (const Hosted& hosted : child->hosted) {
    const Instance& instance = hosted.instance;
    const bool runs = instance.phase == Phase::running || instance.phase == Phase::stuck;
    if (!runs || instance.epoch <= after || (outcome.host && instance.epoch < outcome.epoch)) continue;
    outcome.host = peers_[hosted.peer].member->session;
    outcome.pid = instance.pid;
    outcome.epoch = instance.epoch;
  }
  return outcome;
}

const Instance* Machine::failed_start(const ChildId& id, const Epoch& after) const {
  const Child* child = table_.find(id);
  if (!child) return nullptr;
  for (const Hosted& hosted : child->hosted)
    if (hosted.instance.phase == Phase::restarting && hosted.instance.epoch > after) return &hosted.instance;
  return nullptr;
}

// Called at each change of an instance, so that one that ran for a moment only is seen too.
void Machine::note_running(const ChildId& id) {
  if (works_.empty()) return;
  const auto found = works_.find(id);
  if (found == works_.end()) return;
  for (StartWait& wait : found->second.starts) {
    Outcome now = located(id, wait.after);
    if (now.host) wait.ran = std::move(now);
  }
}

void Machine::settle(const ChildId& id) {
  if (works_.empty()) return;
  const auto found = works_.find(id);
  if (found == works_.end()) return;
  Work& work = found->second;
  settle_starts(id, work);
  settle_stops(id, work);
  if (work.stops.empty() && !work.later.empty()) {
    const auto later = std::move(work.later);
    work.later.clear();
    with_later_.erase(id);
    // In another view they are another's to decide about, and their origins ask again.
    if (acting() && is_coordinator(id))
      for (const LaterStart& start : later) start_one(start);
  }
  if (work.empty()) works_.erase(id);
}

void Machine::settle_starts(const ChildId& id, Work& work) {
  const SpecRow* row = table_.row(id);
  bool remove = false;
  const auto done = [&](const StartWait& wait, std::optional<Error> error) {
    Outcome outcome = wait.ran ? *wait.ran : Outcome{id, {}, {}, {}, {}};
    outcome.error = std::move(error);
    answer(wait.request, std::move(outcome));
    return true;
  };
  const auto start_failed = [&](const std::string& reason) {
    const auto detail = details_.find(id);
    return Error{Errc::start_failed, reason, detail == details_.end() ? Bytes() : detail->second};
  };
  std::erase_if(work.starts, [&](const StartWait& wait) {
    if (now_.monotonic >= wait.until) return true;  // its client has been told so
    if (wait.mode == StartMode::ensure) return replicated(wait.number) && done(wait, {});
    if (wait.ran) {
      if (!wait.fresh && wait.mode == StartMode::start)
        return done(wait, Error{Errc::already_started, "a child of that id runs"});
      return replicated(wait.number) && done(wait, {});
    }
    if (!row || !row->wanted) return done(wait, start_failed("it ended while it started"));
    if (row->failed) return done(wait, start_failed(row->failure));
    const Instance* failed = failed_start(id, wait.after);
    if (!failed) return false;
    remove = remove || (wait.fresh && wait.mode == StartMode::start && !row->spec->is_static);
    return done(wait, start_failed(failed->reason));
  });
  if (remove && table_.row(id)) end_row(id, work, {});
}

bool Machine::starters_know(const StopWait& wait) const {
  for (const SessionId& session : wait.starters) {
    const PeerIndex index = find_peer(session.node);
    if (index == no_peer || !peers_[index].member || peers_[index].member->session != session) continue;
    if (peers_[index].acked < wait.number) return false;
  }
  return true;
}

void Machine::settle_stops(const ChildId& id, Work& work) {
  const Child* child = table_.find(id);
  std::erase_if(work.stops, [&](StopWait& wait) {
    if (child && !child->wanted() && !wait.past) wait.last = std::max(wait.last, child->floor);
    const bool lives =
        child && std::any_of(child->hosted.begin(), child->hosted.end(), [&](const Hosted& hosted) {
          return hosted.instance.epoch <= wait.last ||
                 (wait.past && hosted.instance.phase == Phase::stopping);
        });
    if (now_.monotonic >= wait.until) return true;
    if (lives || !replicated(wait.number) || !starters_know(wait)) return false;
    answer(wait.request, Outcome{id, {}, {}, {}, wait.last});
    return true;
  });
}

}  // namespace brood::core
