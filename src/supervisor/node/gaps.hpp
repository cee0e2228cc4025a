// Gaps: the times in which this program did not run (SIGSTOP, a suspended machine), as a thread that beats
// sees them: far longer than a beat between two of its own beats. How long other threads take for their work
// has no part in it.
//
// Owns: the last gaps. Calls nobody; the time is an argument, of a clock that goes on while the machine
// sleeps (CLOCK_BOOTTIME). Thread rule: every function from any thread.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "core/base/types.hpp"

namespace brood::supervisor {

class Gaps {
 public:
  /// What one reader has heard of. Each reader has its own, so that all of them hear of every gap.
  struct Cursor {
    std::uint64_t seen = 0;
    core::Duration open_since{-1};  ///< The beat whose gap was still open when the reader was told of it ...
    core::Duration open_told{0};    ///< ... and how long it was then.
  };

  /// Shorter ones are the scheduler's, and nobody is told. Too small: a loaded machine seems to sleep; too
  /// large: a short sleep is noticed by nobody.
  Gaps(core::Duration noticed_from, core::Duration now) : noticed_from_(noticed_from), last_beat_(now) {}

  /// The thread that beats is running at this moment.
  void beat(core::Duration now);
  /// For a reader that wants to hear of what comes, not of what was.
  [[nodiscard]] Cursor cursor() const;
  /// The longest gap since this reader last asked, one that has not ended included; zero: none.
  [[nodiscard]] core::Duration take_longest(Cursor& cursor, core::Duration now) const;

 private:
  struct Gap {
    core::Duration since{};
    core::Duration length{};
  };
  static constexpr std::size_t kept = 32;  ///< A reader that asks so rarely hears of the last ones only.

  const core::Duration noticed_from_;
  mutable std::mutex mutex_;
  core::Duration last_beat_;
  std::array<Gap, kept> gaps_{};
  std::uint64_t count_ = 0;  ///< Gaps ever; the last `kept` are in gaps_, by count modulo kept.
};

}  // namespace brood::supervisor
