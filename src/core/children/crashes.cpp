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
Duration restart_pause(const Settings& settings, std::uint32_t failures, bool started) {
  if (started && failures == 1) return Duration{};
  return doubled(settings.backoff_first, failures - (started ? 2 : 1), settings.backoff_max);
}

Duration round_pause(const Settings& settings, std::uint32_t rounds) {
  return doubled(settings.round_pause, rounds - 1, settings.round_pause_max);
}

bool Crashes::may_restart() const {
  const MemberState state = sessions_.self().state;
  return !fence_.is_fenced() && state != MemberState::joining && state != MemberState::left;
}

// Told to end or not, nothing of it runs any more.
Duration Crashes::on_failure(Step& s, Child& child, const Failure& failure) {
  locals_.ended(child);
  const Own& own = *child.own();
  if (own.stopping != StopWhy::none || !child.wanted()) {
    locals_.drop(s, child, failure.detail);
    return Duration::max();
  }
  const Restart restart = own.spec->restart;
  const bool over =
      failure.started && (restart == Restart::temporary || (restart == Restart::transient && failure.normal));
  if (over) {
    end_for_good(s, child);
    return Duration::max();
  }
  const PeerIndex place = views_.placement().first(child.hash, *child.row());
  if (views_.acting() && place != self_index && place != no_peer) {
    locals_.drop(s, child, failure.detail);
    return Duration::max();
  }
  const bool too_many = locals_.count_failure(s, child);
  // After a round of all nodes one try on each is enough to see that nothing has changed.
  const std::uint32_t attempts =
      child.row()->rounds > 0 && s.settings.attempts_max > 0 ? 1 : s.settings.attempts_max;
  if (too_many || (attempts > 0 && own.failures >= attempts)) {
    move_away(s, child, failure.reason);
    return Duration::max();
  }
  const Duration pause = restart_pause(s.settings, own.failures, failure.started);
  const Duration at = s.time() + pause;
  const bool waits = pause != Duration{} || !may_restart();
  locals_.wait_to_restart(s, child, at, waits, failure.reason, failure.detail);
  return waits ? at : Duration::max();
}

// The end is what was wanted. Only of what this node ran: a newer instance elsewhere keeps its row.
void Crashes::end_for_good(Step& s, Child& child) {
  const Epoch ended = instances_.here(child)->epoch;
  const bool newest =
      instances_.count(child) == 1 && child.floor() <= ended && child.own()->birth == child.row()->birth;
  locals_.drop(s, child);
  if (!newest) return;
  if (!child.row()->spec->is_static) return rows_.remove(s, child);
  SpecRow row = *child.row();
  row.wanted = false;
  rows_.write(s, child, std::move(row), false);
}

bool Crashes::avoids_all(const Child& child, const SpecRow& row) const {
  const auto order = views_.placement().order(child.hash, row);
  return std::all_of(order.begin(), order.end(), [&](PeerIndex peer) {
    return std::find(row.avoid.begin(), row.avoid.end(), peers_.name(peer)) != row.avoid.end();
  });
}

void Crashes::move_away(Step& s, Child& child, const std::string& reason) {
  SpecRow row = *child.row();
  if (std::find(row.avoid.begin(), row.avoid.end(), s.settings.self) == row.avoid.end())
    row.avoid.push_back(s.settings.self);
  std::string next = "the next node tries";
  if (avoids_all(child, row)) {
    ++row.rounds;
    row.failure =
        fmt::format("failed on every node that may run it; last on {}: {}", s.settings.self.value, reason);
    row.failed = s.settings.rounds_max > 0 && row.rounds >= s.settings.rounds_max;
    if (row.failed) {
      next = "given up until retry";
    } else {
      const Duration pause = round_pause(s.settings, row.rounds);
      row.avoid.clear();
      row.not_before = hlc_at(s.now.wall + pause);
      next =
          fmt::format("tried again in {} s", std::chrono::duration_cast<std::chrono::seconds>(pause).count());
    }
  }
  s.log(LogLevel::warning, fmt::format("{} failed too often here ({}): {}", child.id.text(), reason, next));
  locals_.drop(s, child);
  rows_.write(s, child, std::move(row), false);
}

void Crashes::look_at_failed(Step& s, Child& child) {
  const SpecRow* row = child.row();
  if (!row || !row->failed || row->avoid.empty() || !views_.acting()) return;
  if (views_.placement().coordinator(child.id, child.hash) != self_index || avoids_all(child, *row)) return;
  SpecRow next = *row;
  next.failed = false;
  next.failure.clear();
  rows_.write(s, child, std::move(next), false);
}

}  // namespace brood::core
