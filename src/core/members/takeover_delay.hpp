// How long the two sides of a split may both run a child, and how long a side that has the quorum waits so
// that they do not. docs/guide/strategies.md has the same in words for users.
//
// A node of one side declares one of the other lost, at a time that is 0 here; the others of its side do so
// at most 5/16 of the tick time-out later, as ticks come four times in it and are looked at sixteen times.
// Each closes the connection then. The other side sees that and tries to connect for the tick time-out; or it
// sees nothing, hears nothing from that moment on, and declares the loss as late. With the last such loss it
// is locked, and its children have LockTimes::stop_max to end.
//
// Thread rule: pure functions.
#pragma once

#include "core/base/settings.hpp"

namespace brood::core {

/// What the other side may need to see that it is locked.
[[nodiscard]] inline Duration lock_within(const Settings& settings) {
  return settings.tick_timeout + settings.tick_timeout / 2;
}

/// What its children get to end then.
[[nodiscard]] inline Duration stop_within(const Settings& settings) {
  return settings.strategies.partition->times().stop_max;
}

/// What is waited for before children of a node are started that was lost without proof.
[[nodiscard]] inline Duration takeover_delay(const Settings& settings) {
  return settings.strategies.partition->times().takeover_delay.value_or(lock_within(settings) +
                                                                        stop_within(settings));
}

/// For so long at most a child may run on both sides. What machines need to do what is due, a thread that is
/// not scheduled or a program that does not end at once when it is killed, comes on top.
[[nodiscard]] inline Duration overlap_bound(const Settings& settings) {
  const Duration most = lock_within(settings) + stop_within(settings);
  return most - std::min(most, takeover_delay(settings));
}

}  // namespace brood::core
