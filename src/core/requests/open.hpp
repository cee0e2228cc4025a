// What is open of clients' requests at the coordinator of an id: who waits there, and for what.
//
// Thread rule: plain data of one core.
#pragma once

#include "core/base/messages.hpp"

namespace brood::core {

using Request = std::variant<StartRequest, StopRequest, RetryRequest, LookupRequest, MoveRequest>;

/// A request as its coordinator knows it, and the view in which it was asked last: an answer says so.
struct Asked {
  RequestKey request;
  std::uint64_t view = 0;
};

/// Somebody waits for a child to run.
struct StartWait {
  Asked asked;
  StartMode mode = StartMode::start;
  bool fresh = false;          ///< This request wrote the row; if the start fails the row goes again.
  Epoch after;                 ///< Only an instance newer than this is the one that was asked for.
  std::uint64_t number = 0;    ///< The Delta with the row.
  std::optional<Outcome> ran;  ///< It was seen running.
  Duration ran_at{};           ///< Since when, as it was looked at.
  Duration until{};            ///< Nobody waits any longer than that; later each time it is asked again.
  bool again = false;          ///< The row was there: this start may have been answered before.
  bool counts_acks = false;    ///< It is told when another member has that Delta.
};
/// Somebody waits for a child to be gone. `starters`: nodes on which the row may have just been started; an
/// acknowledgement of one of them comes after what it said of that.
struct StopWait {
  Asked asked;
  std::uint64_t number = 0;
  Duration until{};  ///< As of StartWait.
  Epoch last;        ///< All instances up to this one have to be gone.
  bool past =
      false;  ///< The stop was done before, and the child was started anew: only what still stops counts.
  /// It was stopped before anybody asked for this, and what is left of it is on its way out: there is no such
  /// child.
  bool late = false;
  std::vector<SessionId> starters;
  bool all_start = false;  ///< All members are among them.
  Dot replaces;            ///< The birth of the row that is held until then (SpecRow::held).
};
/// A start that came while a stop is under way.
struct LaterStart {
  Asked asked;
  StartMode mode = StartMode::start;
  std::optional<NodeName> on;
  SpecPtr spec;
  Boxed<Assignment> assigned = {};  ///< Of the child that it replaces.
  bool goes_on = false;             ///< Its own row has ended; it waits on for what came in its place.
};
/// All that a coordinator has open for one id.
struct Work {
  std::vector<StartWait> starts;
  std::vector<StopWait> stops;
  std::vector<LaterStart> later;
  Bytes detail;  ///< Exit reason of the last start that failed.
  /// It waits for the end of what runs, to begin the row of that birth.
  [[nodiscard]] bool replaces(const Dot& birth) const {
    for (const StopWait& stop : stops)
      if (stop.replaces == birth) return true;
    return false;
  }
  [[nodiscard]] bool empty() const { return starts.empty() && stops.empty() && later.empty(); }
};

}  // namespace brood::core
