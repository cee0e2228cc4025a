// What the driver says of this node's instances, and rule 6: what follows when one ends by itself.
#include <fmt/format.h>

#include <algorithm>

#include "core/state.hpp"

namespace brood::core {

struct Machine::Failure {
  bool started = true;  ///< false: its start failed.
  bool normal = false;
  std::string reason;
  Bytes detail;
};

Child* Machine::own_child(const ChildId& id, const Epoch& epoch) {
  Child* child = table_.find(id);
  return child && child->own && child->own->alive && child->own->epoch == epoch ? child : nullptr;
}

void Machine::handle(const Started& event) {
  Child* child = own_child(event.id, event.epoch);
  if (!child) return;
  Instance& instance = child->at(self_index)->instance;
  child->own->ran = true;
  child->own->ran_at = now_.monotonic;
  instance.pid = event.pid;
  instance.os_pid = event.os_pid;
  if (instance.since == Hlc{}) instance.since = clock_.next(now_.wall);
  if (child->own->stopping == StopWhy::none) instance.phase = Phase::running;
  publish(event.id);
  touch(event.id);
}

void Machine::handle(const StartFailed& event) {
  Child* child = own_child(event.id, event.epoch);
  if (!child) return;
  child->own->alive = false;
  on_failure(event.id, *child, {false, false, event.reason, event.detail});
}

void Machine::handle(const Exited& event) {
  Child* child = own_child(event.id, event.epoch);
  if (!child) return;
  child->own->alive = false;
  on_failure(event.id, *child, {true, event.normal, event.reason, {}});
}

void Machine::handle(const StuckChanged& event) {
  Child* child = own_child(event.id, event.epoch);
  if (!child) return;
  // This node, which woke, does not wait for ever for a handler; but this one has returned, and the child
  // ends.
  if (!event.stuck && giving_up_.count(event.id) != 0)
    give_up_until_ = std::max(give_up_until_, now_.monotonic + settings_.tick_timeout);
  Instance& instance = child->at(self_index)->instance;
  if (instance.phase != Phase::running && instance.phase != Phase::stuck) return;
  instance.phase = event.stuck ? Phase::stuck : Phase::running;
  publish(event.id);
}

void Machine::handle(const Crashing& event) {
  Epoch epoch = event.epoch;
  // Started before this node had its name: the others know it by that epoch.
  if (Child* child = table_.find(event.id)) {
    const Hosted* hosted = child->at(self_index);
    if (hosted && hosted->instance.epoch.clock == epoch.clock) epoch = hosted->instance.epoch;
  }
  for (std::size_t index = 1; index < peers_.size(); ++index)
    if (peers_[index].hello_in) send(peers_[index], Obituary{event.id, epoch});
}

// Told to end or not, nothing of it runs any more.
void Machine::on_failure(const ChildId& id, Child& child, const Failure& failure) {
  Own& own = *child.own;
  if (own.stopping != StopWhy::none || !child.wanted()) return drop_own(id, child, failure.detail);
  const Restart restart = own.spec->restart;
  const bool over =
      failure.started && (restart == Restart::temporary || (restart == Restart::transient && failure.normal));
  if (over) return end_for_good(id, child);

  Instance& instance = child.at(self_index)->instance;
  instance.reason = failure.reason;
  const PeerIndex place = place_of(child);
  if (acting() && place != self_index && place != no_peer) return drop_own(id, child, failure.detail);

  if (own.ran && now_.monotonic - own.ran_at >= settings_.stable_after) own.failures = 0;
  ++own.failures;
  own.crashes.push_back(now_.monotonic);
  std::erase_if(own.crashes, [&](Duration at) { return at < now_.monotonic - settings_.max_seconds; });
  ++instance.restarts;
  if (own.crashes.size() > settings_.max_restarts || own.failures >= settings_.attempts_max)
    return move_away(id, child, failure.reason);

  // The first crash is made good at once; a start that failed would most likely fail again.
  const std::uint32_t doubled = own.failures - (failure.started ? 2 : 1);
  Duration pause = failure.started && own.failures == 1 ? Duration{} : settings_.backoff_first;
  if (pause != Duration{})
    for (std::uint32_t i = 0; i < doubled && pause < settings_.backoff_max; ++i) pause *= 2;
  pause = std::min(pause, settings_.backoff_max);
  own.restart_at = now_.monotonic + pause;
  instance.phase = Phase::restarting;
  instance.pid = {};
  instance.os_pid = 0;
  if (pause != Duration{} || !may_restart()) {
    if (!failure.detail.empty()) details_[id] = failure.detail;
    publish(id, failure.detail);
    wake(id, own.restart_at);
  }
  touch(id);
}

// The end is what was wanted. Only of what this node ran: a newer instance elsewhere keeps its row.
void Machine::end_for_good(const ChildId& id, Child& child) {
  const Epoch ended = child.at(self_index)->instance.epoch;
  const bool newest =
      child.hosted.size() == 1 && child.floor <= ended && child.own->birth == child.row->birth;
  const bool is_static = child.row->spec->is_static;
  SpecRow row = *child.row;
  drop_own(id, child);
  if (!newest) return;
  if (is_static) {
    row.wanted = false;
    write_row(id, std::move(row), false);
  } else {
    remove_row(id);
  }
}

// Past its intensity here: the next node of its order tries; failed on all of them, it is failed.
void Machine::move_away(const ChildId& id, Child& child, const std::string& reason) {
  SpecRow row = *child.row;
  const auto order = ring_.order(child.hash, row);
  if (std::find(row.avoid.begin(), row.avoid.end(), settings_.self) == row.avoid.end())
    row.avoid.push_back(settings_.self);
  row.failed = std::all_of(order.begin(), order.end(), [&](PeerIndex peer) {
    return std::find(row.avoid.begin(), row.avoid.end(), peers_[peer].name) != row.avoid.end();
  });
  if (row.failed)
    row.failure =
        fmt::format("failed on every node that may run it; last on {}: {}", settings_.self.value, reason);
  log(LogLevel::warning, fmt::format("{} failed too often here ({}): {}", id.text(), reason,
                                     row.failed ? "given up until retry" : "the next node tries"));
  drop_own(id, child);
  write_row(id, std::move(row), false);
}

}  // namespace brood::core
