// Step: what the parts of a core share while one step is worked through: the time, the clock, and where they
// put what the step brings about. Handed to each function that needs it, never kept.
//
// Thread rule: none; lives on the stack of Machine::step().
#pragma once

#include "core/base/effects.hpp"
#include "core/base/hlc.hpp"
#include "core/base/settings.hpp"
#include "core/base/stats.hpp"

namespace brood::core {

struct Step {
  const Settings& settings;
  const Now now;
  Clock& clock;
  Effects& effects;
  Stats& stats;
  /// How much may still be done in this step, in units of one child looked at (Settings::step_budget). The
  /// agenda stops at 0, and what is left is done in the next step; what an event costs may be more than is
  /// left.
  std::size_t budget = 0;
  std::string_view event = "tick";  ///< name_of() the event that was handled last.

  [[nodiscard]] Duration time() const { return now.monotonic; }
  [[nodiscard]] Cause cause() const { return {stats.steps, event}; }

  void log(LogLevel level, std::string text) { effects.log.push_back({level, std::move(text)}); }
  void member(const SessionId& session, MemberState state, std::string words) {
    effects.members.push_back({session, state, std::move(words)});
  }
  /// The row or an instance of that child is another now: readers' copies must follow.
  void changed(const ChildId& id) {
    if (effects.changed.empty() || effects.changed.back() != id) effects.changed.push_back(id);
  }
  void spend(std::size_t units) { budget -= std::min(units, budget); }

  /// A clock value above all that this node gave or saw.
  [[nodiscard]] Hlc tick() { return clock.next(now.wall); }
  /// Follows a value of another node. False: its clock is too far ahead; it is counted, and not followed.
  bool witness(Hlc seen, const NodeName& from);
};

/// Each id once, in the order in which they came first. That is mostly the order in which their records lie
/// in memory, which a sort would lose, and to sort costs more than all else that is done at the end of a
/// step.
void keep_first_of_each(std::vector<ChildId>& ids);

}  // namespace brood::core
