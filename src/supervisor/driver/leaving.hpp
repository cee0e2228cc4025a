// Leaving: how a supervisor ends on this node, in what order and by when.
//
//   here --begin()--> handing_over --handed over, or its time is over--> ending --nothing runs--> over
//                       (none where nothing can be handed over)            `--its time is over--^
//
// Handing over: the core drains, so each child's end is published as it happens, and others take the child
// over then; one that does not end holds up nobody else's. Ending: what is still here ends for good, each
// child with the patience of its spec. Over: Goodbye is said, and the core is not asked any more.
//
// A child that was killed `kill_grace` ago and still runs (a handler that does not return) is not waited for.
//
// Owns: the stage and its deadline. Calls nobody; the time is an argument. Thread rule: control thread only.
#pragma once

#include <cstdint>
#include <optional>

#include "supervisor/driver/deadlines.hpp"

namespace brood::supervisor {

/// From a kill to the end of what can be killed; what a busy machine takes for it.
constexpr std::chrono::milliseconds kill_grace(2000);

class Leaving {
 public:
  enum class Stage : std::uint8_t { here, handing_over, ending, over };
  struct Facts {
    bool handed_over = false;      ///< The core has nothing (more) that it could hand over.
    std::size_t running = 0;       ///< Children of this node that have not ended ...
    bool only_unkillable = false;  ///< ... all of them killed kill_grace ago.
  };

  [[nodiscard]] Stage stage() const { return stage_; }
  /// Zero: nothing is handed over. Only from `here`.
  void begin(SteadyTime now, std::chrono::milliseconds hand_over);
  /// Goes on by one stage, if it is time: the new one. On `ending` the owner tells what still runs to end,
  /// and then says until when that may take.
  [[nodiscard]] std::optional<Stage> next(SteadyTime now, const Facts& facts);
  /// When the last child has been killed.
  void ends_by(SteadyTime killed) { deadline_ = killed + kill_grace; }
  /// When to look again, if nothing happens before.
  [[nodiscard]] std::optional<SteadyTime> deadline() const;

 private:
  Stage stage_ = Stage::here;
  SteadyTime deadline_{};
};

}  // namespace brood::supervisor
