// SimNode: one node of the simulated cluster as its machine sees it: is it running, its clocks, its core, and
// what waits for it while it is stopped.
//
// Thread rule: plain data; changed by Driver.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <variant>
#include <vector>

#include "core/core.hpp"
#include "sim/timeline.hpp"

namespace brood::sim {

struct SimNode {
  enum class State : std::uint8_t { off, running, paused };

  NodeName name;
  State state = State::off;
  std::uint64_t incarnation = 0;  ///< Rises with each start; jobs of an older one are void.
  std::uint32_t creation = 0;
  std::unique_ptr<core::Core> core;
  bool fenced = false;
  bool draining = false;
  std::deque<Job> inbox;              ///< What came while it was paused or busy, in order.
  Duration slow_until{};              ///< Until then its steps take long.
  Duration busy_until{};              ///< Its last step takes until then.
  std::vector<core::Event> gathered;  ///< Events that wait to be passed as one step.
  bool gathering = false;
  std::size_t step_size = 0;      ///< Events of the last step, and of those before it at the same time.
  core::Duration stepped_at{};    ///< When that was.
  std::uint64_t tick_serial = 0;  ///< Only the newest timer counts.
  Duration tick_at = Duration::max();
  Duration paused_at{};
  Duration slept{};  ///< Not told to the core yet.
  std::uint64_t pauses = 0;
  Duration monotonic_origin{}, boot_origin{}, wall_skew{};
  std::uint32_t next_pid = 0;
  std::uint64_t sent = 0;      ///< Messages, to each receiver one.
  std::uint64_t received = 0;  ///< Likewise.
  std::uint64_t sent_bytes = 0;
  /// Of `sent`, by the index of the message's kind.
  std::array<std::uint64_t, std::variant_size_v<core::MessageBody::Alternatives>> sent_kinds{};
  core::Stats marked;  ///< What of its core's counts is in the marks already.

  [[nodiscard]] bool running() const { return state == State::running; }
  /// Its children's handlers run: they count for overlap.
  [[nodiscard]] bool acts() const { return running() && !fenced; }
  [[nodiscard]] core::Now clocks(Duration now) const {
    return {now + monotonic_origin, now + boot_origin, now + wall_skew + std::chrono::hours(24 * 365 * 50),
            slept};
  }
};

}  // namespace brood::sim
