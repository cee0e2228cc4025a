// When a coordinator's open starts and stops of one id are done, and how they are answered.
#include <algorithm>
#include <utility>

#include "core/requests/coordinator.hpp"
#include "core/requests/refusals.hpp"

namespace brood::core {

namespace {

bool is_running(const Instance& instance) {
  return instance.phase == Phase::running || instance.phase == Phase::stuck;
}

}  // namespace

// The instance that runs, later than `after`: of several the active one, or the newest; no host where there
// is none.
Outcome Coordinator::located(const Child& child, const Epoch& after, bool now) const {
  Outcome outcome;
  outcome.id = child.id;
  bool is_active = false;
  with_.instances.each(child, [&](const Hosted& hosted) {
    const Instance& instance = hosted.instance;
    if (!is_running(instance) || instance.epoch <= after) return;
    if (now && with_.replication.is_behind(with_.instances.peer(hosted))) return;
    const bool active = instance.role == Role::active;
    if (outcome.host && (active != is_active ? is_active : instance.epoch < outcome.epoch)) return;
    is_active = active;
    outcome.host = with_.instances.session(hosted);
    outcome.pid = instance.pid;
    outcome.epoch = instance.epoch;
  });
  return outcome;
}

// What a start has brought about has run since it was asked for. Whoever meets one that runs already is told
// of that one, and it must be there still.
Outcome Coordinator::located(const Child& child, const StartWait& wait) const {
  return wait.fresh ? located(child, wait.after, false) : located_now(child);
}

bool Coordinator::pauses(const Child& child) const {
  bool found = false;
  with_.instances.each(child, [&](const Hosted& hosted) { found = found || pauses(&hosted.instance); });
  return found;
}

// Of several instances one that failed while no other may still come to run.
const Instance* Coordinator::failed_start(const Child& child, const Epoch& after) const {
  const Instance* failed = nullptr;
  with_.instances.each(child, [&](const Hosted& hosted) {
    if (!failed && hosted.instance.phase == Phase::restarting && hosted.instance.epoch > after)
      failed = &hosted.instance;
  });
  if (!failed || !child.row() || !with_.views.replicas().several(*child.row())) return failed;
  for (const PeerIndex peer : with_.views.replicas().nodes(child.id, *child.row())) {
    const Instance* instance = with_.instances.on(child, peer);
    if (!instance || instance->epoch <= after || instance->phase != Phase::restarting) return nullptr;
  }
  return failed;
}

bool Coordinator::has_run(const Child& child) const {
  bool has = false;
  with_.instances.each(child, [&](const Hosted& hosted) { has = has || hosted.instance.since != Hlc{}; });
  return has;
}

// Of several instances all that belong to it have come to run, or could not, and one has the role.
bool Coordinator::have_come(const Child& child, const Epoch& after) const {
  if (!child.row() || !with_.views.replicas().several(*child.row())) return true;
  bool active = !with_.views.replicas().has_roles(*child.row());
  for (const PeerIndex peer : with_.views.replicas().nodes(child.id, *child.row())) {
    const Instance* instance = with_.instances.on(child, peer);
    if (!instance || instance->epoch <= after ||
        !(is_running(*instance) || instance->phase == Phase::restarting))
      return false;
    active = active || instance->role == Role::active;
  }
  return active;
}

// The node that asked is the other member that has the row: its channel brings it that before the answer, and
// it tells its client of no instance that its own table does not show (Origins::take). Only the first
// instance of a new row says to it that the row is there; what ran before may show while the row has yet to
// be taken in.
bool Coordinator::asker_holds(const StartWait& wait) const {
  if (!wait.fresh || wait.again || wait.mode == StartMode::ensure) return false;
  const PeerIndex peer = with_.peers.find(wait.asked.request.node);
  return peer != no_peer && peer != self_index && with_.links[peer].creation == wait.asked.request.creation &&
         with_.replication.tells_first(peer);
}

void Coordinator::count_acks(Child& child, StartWait& wait) {
  if (std::exchange(wait.counts_acks, true)) return;
  with_.replication.wait(wait.number, child);
}

bool Coordinator::is_safe(Child& child, StartWait& wait) {
  if (with_.replication.is_replicated(wait.number) || asker_holds(wait)) return true;
  count_acks(child, wait);
  return false;
}

bool Coordinator::wait_for_others(const Step& s, const Child& child, StartWait& wait) {
  if (have_come(child, wait.after)) return false;
  if (wait.ran_at == Duration{}) {
    wait.ran_at = s.time();
    soon_.emplace_back(s.time() + s.settings.replicas_wait, child.ref);
  }
  return s.time() < wait.ran_at + s.settings.replicas_wait;
}

void Coordinator::note_instance(Child& child, const Bytes& detail) {
  if (!child.work()) return;
  Work& work = *child.work_.value_;
  if (!detail.empty()) work.detail = detail;
  for (StartWait& wait : work.starts) {
    Outcome now = located(child, wait);
    if (now.host) wait.ran = std::move(now);
  }
}

void Coordinator::look(Step& s, Child& child) {
  go_on_replacing(s, child);
  if (!child.work()) return;
  Work& work = work_of(child);
  look_at_starts(s, child, work);
  if (look_at_stops(s, child, work)) begin_replacement(s, child);
  if (work.stops.empty() && !work.later.empty()) {
    const auto later = std::move(work.later);
    work.later.clear();
    with_later_.erase(child.ref);
    // In another view they are another's to decide about, and their origins ask again.
    if (with_.views.acting() && is_mine(child))
      for (const LaterStart& one : later) start(s, child.id, one);
  }
  if (child.work() && child.work()->empty()) {
    child.work_.value_.reset();
    open_.erase(child.ref);
  }
}

void Coordinator::look_at_starts(Step& s, Child& child, Work& work) {
  if (work.starts.empty()) return;
  const SpecRow* row = child.row();
  bool remove = false;
  const auto done = [&](const StartWait& wait, std::optional<Error> error) {
    Outcome outcome = wait.ran ? *wait.ran : Outcome{child.id, {}, {}, {}, {}};
    outcome.error = std::move(error);
    answer(s, wait.asked, std::move(outcome));
    return true;
  };
  const auto start_failed = [&](const std::string& reason) {
    return Error{Errc::start_failed, reason, EncodedTerm(work.detail)};
  };
  std::erase_if(work.starts, [&](StartWait& wait) {
    if (s.time() >= wait.until) return true;  // its client has been told so
    if (wait.mode == StartMode::ensure) return is_safe(child, wait) && done(wait, {});
    if (wait.ran) {
      if (wait_for_others(s, child, wait)) return false;
      if (!wait.fresh && wait.mode == StartMode::start) return done(wait, runs_already(child.id));
      return is_safe(child, wait) && done(wait, {});
    }
    if (!row || !row->wanted) return done(wait, start_failed("it ended while it started"));
    if (row->trouble->failed) return done(wait, start_failed(row->trouble->failure));
    const Instance* failed = failed_start(child, wait.after);
    if (!failed || (wait.again && has_run(child))) return false;
    remove = remove || (wait.fresh && wait.mode == StartMode::start && !row->spec->is_static);
    return done(wait, start_failed(*failed->reason));
  });
  if (remove && child.row()) end_row(s, child, {});
}

void Coordinator::look_at_open(Step& s) {
  for (const ChildRef& ref : open_) {
    Child* child = with_.children.get(ref);
    if (!child) continue;
    note_instance(*child, {});
    with_.notes.touched(s, *child);
  }
}

// One that was lost without proof may have begun it and be cut off: it has its time to end it.
bool Coordinator::starters_know(const StopWait& wait) const {
  for (const SessionId& session : wait.starters) {
    if (with_.takeover.holds(session)) return false;
    const PeerIndex peer = with_.peers.find(session.node);
    const Member* member = peer == no_peer ? nullptr : with_.sessions.member(peer);
    if (!member || member->session != session) continue;
    if (!with_.replication.has_answered(peer, wait.number)) return false;
  }
  return true;
}

// True: nothing is left of what a replacement waits for.
bool Coordinator::look_at_stops(Step& s, Child& child, Work& work) {
  bool replaces = false;
  std::erase_if(work.stops, [&](StopWait& wait) {
    const bool is_any_old = !child.wanted() || child.row()->held;
    if (is_any_old && !wait.past) wait.last = std::max(wait.last, child.floor());
    bool lives = false;
    with_.instances.each(child, [&](const Hosted& hosted) {
      lives = lives || hosted.instance.epoch <= wait.last ||
              (wait.past && hosted.instance.phase == Phase::stopping);
    });
    if (s.time() >= wait.until) return true;
    if (lives || !with_.replication.is_replicated(wait.number) || !starters_know(wait)) return false;
    Outcome outcome{child.id, {}, {}, {}, wait.last};
    if (wait.late) outcome.error = no_such_child(s.settings, child.id);
    answer(s, wait.asked, std::move(outcome));
    replaces = replaces || (child.being_replaced() && wait.replaces == child.row()->birth);
    return true;
  });
  return replaces;
}

void Coordinator::on_time(Step& s) {
  while (!soon_.empty() && soon_.front().first <= s.time()) {
    if (Child* child = with_.children.get(soon_.front().second); child && child->work())
      with_.notes.touched(s, *child);
    soon_.pop_front();
  }
  while (!until_.empty() && until_.front().first <= s.time()) {
    if (Child* child = with_.children.get(until_.front().second); child && child->work())
      with_.notes.touched(s, *child);
    until_.pop_front();
  }
}

}  // namespace brood::core
