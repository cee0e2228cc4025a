#include "core/children/crashes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::core {
namespace {

Duration doubled(Duration first, std::uint32_t times, Duration most) {
  Duration pause = first;
  for (; times > 0 && pause < most; --times) pause *= 2;
  return std::min(pause, most);
}

}  // namespace

// The first crash is made good at once; a start that failed would most likely fail again.
Duration restart_pause(const Settings& settings, const Pace& pace, std::uint32_t failures, bool started) {
  if (started && failures == 1) return Duration{};
  const Duration most = longest_pause(settings, pace);
  const Duration first =
      pace.backoff_first ? Duration(*pace.backoff_first) : std::min(settings.backoff_first, most);
  return doubled(first, failures - (started ? 2 : 1), most);
}

Duration longest_pause(const Settings& settings, const Pace& pace) {
  if (pace.backoff_max) return *pace.backoff_max;
  return pace.backoff_first ? std::max<Duration>(settings.backoff_max, *pace.backoff_first)
                            : settings.backoff_max;
}

Duration round_pause(const Settings& settings, std::uint32_t rounds) {
  return doubled(settings.round_pause, rounds - 1, settings.round_pause_max);
}

bool Crashes::may_restart() const {
  const MemberState state = sessions_.self().state;
  return !fence_.is_fenced() && !views_.quorum().is_locked() && state != MemberState::joining &&
         state != MemberState::left;
}

// Told to end or not, nothing of it runs any more.
Duration Crashes::on_failure(Step& s, Child& child, const Failure& failure) {
  locals_.ended(child);
  const Own& own = *child.own();
  if (own.stopping == StopWhy::role && child.wanted()) {
    locals_.restart_in_role(s, child);
    return s.time();
  }
  if (own.stopping != StopWhy::none || !child.wanted()) {
    locals_.drop(s, child, failure.detail, own.stopping == StopWhy::none ? Why::stopped : Why::unknown,
                 failure.reason);
    return Duration::max();
  }
  const bool started = has_started(s, child, failure);
  if (ends_the_child(child, failure, started)) {
    end_for_good(s, child, failure.reason);
    return Duration::max();
  }
  const Why why = started ? Why::crashed : Why::start_failed;
  if (views_.acting() && !belongs_here(child, *child.row())) {
    locals_.drop(s, child, failure.detail, why, failure.reason);
    return Duration::max();
  }
  const bool too_many = locals_.count_failure(s, child);
  // After a round of all nodes one try on each is enough to see that nothing has changed.
  const std::uint32_t attempts =
      child.row()->trouble->rounds > 0 && s.settings.attempts_max > 0 ? 1 : s.settings.attempts_max;
  const bool gives_up = too_many || (attempts > 0 && own.failures >= attempts);
  if (gives_up && !stays_here(s, child)) {
    move_away(s, child, failure.reason);
    return Duration::max();
  }
  const Duration pause = gives_up ? longest_pause(s.settings, own.spec->extras->pace)
                                  : restart_pause(s.settings, own.spec->extras->pace, own.failures, started);
  const Duration at = s.time() + pause;
  const bool waits = pause != Duration{} || !may_restart();
  locals_.wait_to_restart(s, child, {at, waits, why}, failure.reason, failure.detail);
  return waits ? at : Duration::max();
}

// A temporary one ends by its end, whenever that is: it was to run once.
bool Crashes::has_started(const Step& s, const Child& child, const Failure& failure) const {
  const Own& own = *child.own();
  const Pace& pace = own.spec->extras->pace;
  if (!failure.started || own.spec->restart == Restart::temporary) return failure.started;
  return !own.ran || s.time() - own.ran_at >= pace.start_period;
}

// Of several instances the end of any of them is the child's, but where there are roles, only that of the
// active one.
bool Crashes::ends_the_child(const Child& child, const Failure& failure, bool started) const {
  const Restart restart = child.own()->spec->restart;
  const bool over =
      started && (restart == Restart::temporary || (restart == Restart::transient && failure.normal));
  return over && (!views_.replicas().has_roles(*child.row()) || instances_.here(child)->role == Role::active);
}

bool Crashes::belongs_here(const Child& child, const SpecRow& row) const {
  const Replicas& replicas = views_.replicas();
  if (replicas.several(row)) {
    const auto nodes = replicas.nodes(child.id, row);
    return nodes.empty() || place_in(nodes, self_index) < nodes.size();
  }
  const PeerIndex place = views_.placement().first(child.id, row);
  return place == self_index || place == no_peer;
}

// There is no other node that could run this one of several: it is tried on, with the longest pause. The
// others of its instances are not concerned.
bool Crashes::stays_here(const Step& s, const Child& child) const {
  if (!views_.replicas().several(*child.row()) || instances_.count(child) < 2) return false;
  SpecRow row = *child.row();
  row.trouble.change().avoid.push_back(s.settings.self);
  return belongs_here(child, row);
}

// The end is what was wanted. Only of what this node ran: a newer instance elsewhere keeps its row.
void Crashes::end_for_good(Step& s, Child& child, const std::string& reason) {
  const Epoch ended = instances_.here(child)->epoch;
  const bool alone = instances_.count(child) == 1 && child.floor() <= ended;
  const bool newest =
      (alone || views_.replicas().several(*child.row())) && child.own()->birth == child.row()->birth;
  locals_.drop(s, child, {}, Why::finished, reason);
  if (!newest) return;
  if (!child.row()->spec->is_static) return rows_.remove(s, child);
  SpecRow row = *child.row();
  row.wanted = false;
  rows_.write(s, child, std::move(row), false);
}

bool Crashes::avoids_all(const Child& child, const SpecRow& row) const {
  const auto order = views_.placement().eligible(child.id, row);
  return std::all_of(order.begin(), order.end(), [&](PeerIndex peer) {
    return std::find(row.trouble->avoid.begin(), row.trouble->avoid.end(), peers_.name(peer)) !=
           row.trouble->avoid.end();
  });
}

void Crashes::move_away(Step& s, Child& child, const std::string& reason) {
  SpecRow row = *child.row();
  Trouble& trouble = row.trouble.change();
  if (std::find(trouble.avoid.begin(), trouble.avoid.end(), s.settings.self) == trouble.avoid.end())
    trouble.avoid.push_back(s.settings.self);
  std::string next = "the next node tries";
  const bool others_go_on = views_.replicas().several(row) && instances_.count(child) > 1;
  if (others_go_on && avoids_all(child, row)) {
    trouble.avoid = {s.settings.self};
  } else if (avoids_all(child, row)) {
    ++trouble.rounds;
    trouble.failure =
        fmt::format("failed on every node that may run it; last on {}: {}", s.settings.self.text(), reason);
    const std::uint32_t rounds_max = row.spec->extras->pace.rounds_max.value_or(s.settings.rounds_max);
    trouble.failed = rounds_max > 0 && trouble.rounds >= rounds_max;
    if (trouble.failed) {
      next = "given up until retry";
    } else {
      const Duration pause = round_pause(s.settings, trouble.rounds);
      trouble.avoid.clear();
      trouble.not_before = hlc_at(s.now.wall + pause);
      next =
          fmt::format("tried again in {} s", std::chrono::duration_cast<std::chrono::seconds>(pause).count());
    }
  }
  give_to_next(s, child, row);
  s.log(LogLevel::warning, fmt::format("{} failed too often here ({}): {}", child.id.text(), reason, next));
  locals_.drop(s, child, {}, Why::gave_up, reason);
  if (!views_.replicas().several(row)) given_up_[child.ref] = {row.birth, 0};
  rows_.write(s, child, std::move(row), false);
}

bool Crashes::may_run_at_the_next(Step& s, Child& child) {
  const auto found = given_up_.find(child.ref);
  if (found == given_up_.end()) return false;
  GivenUp& given_up = found->second;
  if (given_up.birth != child.row()->birth) {
    if (given_up.asked == 0) {
      rows_.remark(s, child, SpecRow(*child.row()));
      given_up.asked = replication_.newest();
    }
    if (!replication_.have_all_answered(given_up.asked, child)) return true;
  }
  given_up_.erase(found);
  return false;
}

// What was given to this node by load is given to the next one. The same row says so: whoever wrote that
// later might write over what the next one says as it gives it up too, and so send it back there while the
// one after that runs it.
void Crashes::give_to_next(const Step& s, const Child& child, SpecRow& row) const {
  if (!row.assigned || row.assigned->by != AssignedBy::load || !row.assigned->counts()) return;
  const PeerIndex next = views_.placement().first(child.id, row);
  if (next == no_peer || peers_.name(next) == row.assigned->node) return;
  row.assigned->node = peers_.name(next);
  row.assigned->decider = s.settings.self;
}

void Crashes::look_at_failed(Step& s, Child& child) {
  const SpecRow* row = child.row();
  if (!row || !row->trouble->failed || row->trouble->avoid.empty() || !views_.acting()) return;
  if (views_.placement().coordinator(child.id) != self_index || avoids_all(child, *row)) return;
  SpecRow next = *row;
  Trouble& trouble = next.trouble.change();
  trouble.failed = false;
  trouble.failure.clear();
  rows_.write(s, child, std::move(next), false);
}

}  // namespace brood::core
