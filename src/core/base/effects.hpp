// What a core asks for: the effects of one step, and the contract between a core and whoever drives it.
//
// Thread rule: none.
#pragma once

#include "core/base/events.hpp"

namespace brood::core {

/// Why an effect came about: the number of the step and what it was.
struct Cause {
  std::uint64_t step = 0;
  std::string_view event;  ///< A literal: "node_lost", "client_start", "crash", "release", ...
};
struct Send {
  std::vector<NodeName> to;  ///< The same body for all of them: encode once.
  MessageBody body;
};
/// One connection attempt; ends in PeerUp or ConnectFailed. `last_known`: at the address it last had.
struct Connect {
  NodeName node;
  std::string address;  ///< host:port as the peer's row says; may be empty.
  bool last_known = false;
};
struct Disconnect {
  NodeName node;
};
/// Run the child under this epoch; answer Started or StartFailed, and later Exited.
struct Start {
  SpecPtr spec;
  Epoch epoch;
  Cause cause;
};
/// End the instance of this epoch; answer Exited. Repeated with kill when it does not end.
struct Stop {
  ChildId id;
  Epoch epoch;
  Shutdown shutdown;
  Cause cause;
};
/// The answer to a client; each id of a request once, possibly over several replies; `last` with the final
/// one.
struct Reply {
  ClientId client;
  std::vector<Outcome> outcomes;
  bool last = false;
};
struct MemberEvent {
  SessionId session;
  MemberState state = MemberState::up;
  std::string words;
};
enum class LogLevel : std::uint8_t { debug, info, warning, error };
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;
};

/// All that one step asks for, in the order in which each list is to be carried out. The driver carries out
/// `changed` (its read-side registry) first, then starts and stops, then sends, then replies: so whoever gets
/// a reply can read what it says.
struct Effects {
  std::vector<ChildId> changed;  ///< Rows or instances of these ids changed; read them from the core.
  std::vector<Start> starts;
  std::vector<Stop> stops;
  std::vector<Send> sends;
  std::vector<Connect> connects;
  std::vector<Disconnect> disconnects;
  std::vector<Reply> replies;
  std::vector<MemberEvent> members;
  std::vector<LogLine> log;
  std::optional<bool> fence;  ///< Hold back (true) or release (false) all handlers of this supervisor.
  bool left = false;          ///< The drain is over and Goodbye is sent: the node may end.
  std::optional<std::string> refused;  ///< A peer refused us, or we it, for good: what differs, in words.
};

}  // namespace brood::core
