// What is open of clients' requests: at the node that the client asked (Origin), and at the coordinator of
// each id (Work).
//
// Thread rule: plain data of one core.
#pragma once

#include <deque>

#include "core/core.hpp"

namespace brood::core {

enum class RequestKind : std::uint8_t { start, stop, retry, lookup };

/// A client's request at the node it came to. Kept until each id is answered, or its time is over.
struct Origin {
  struct Item {
    SpecPtr spec;                    ///< For starts.
    std::optional<SessionId> asked;  ///< The coordinator that has been asked,
    std::uint64_t view = 0;          ///< and in which view.
    std::optional<Outcome> held;     ///< Good, but our own tables do not show it yet.
  };
  RequestKey request;
  RequestKind kind = RequestKind::start;
  std::optional<ClientId> client;
  StartMode mode = StartMode::start;
  std::optional<NodeName> on;
  Duration deadline{};
  Duration repeat_every{};  ///< Doubles: an answer or a question may have been lost on the way.
  std::map<ChildId, Item> open;
};

/// Somebody waits for a child to run.
struct StartWait {
  RequestKey request;
  StartMode mode = StartMode::start;
  bool fresh = false;          ///< This request wrote the row; if the start fails the row goes again.
  Epoch after;                 ///< Only an instance newer than this is the one that was asked for.
  std::uint64_t number = 0;    ///< The Delta with the row.
  std::optional<Outcome> ran;  ///< It was seen running.
  Duration until{};            ///< Nobody waits any longer than that.
};
/// Somebody waits for a child to be gone. `starters`: nodes on which the row may have just been started; an
/// acknowledgement of one of them comes after what it said of that.
struct StopWait {
  RequestKey request;
  std::uint64_t number = 0;
  Duration until{};
  Epoch last;         ///< All instances up to this one have to be gone.
  bool past = false;  ///< Done before, and started anew: what still stops has to be gone.
  std::vector<SessionId> starters;
};
/// A start that came while a stop is under way.
struct LaterStart {
  RequestKey request;
  StartMode mode = StartMode::start;
  std::optional<NodeName> on;
  SpecPtr spec;
  bool replaces = false;  ///< It has ended the former row itself: to others there still is such a child.
};
/// All that a coordinator has open for one id.
struct Work {
  std::vector<StartWait> starts;
  std::vector<StopWait> stops;
  std::vector<LaterStart> later;
  [[nodiscard]] bool being_replaced() const {
    for (const LaterStart& start : later)
      if (start.replaces) return true;
    return false;
  }
  [[nodiscard]] bool empty() const { return starts.empty() && stops.empty() && later.empty(); }
};

using Request = std::variant<StartRequest, StopRequest, RetryRequest, LookupRequest>;

}  // namespace brood::core
