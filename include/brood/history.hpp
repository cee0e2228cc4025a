// History: what has happened to a supervisor's children and members, and why, as one node remembers it. Each
// node remembers what it has learned since it is up, up to a bound (SupervisorOptions::history_events); what
// is asked is answered from there, without asking others. docs/guide/history.md has all events and causes.
//
// Thread rule: plain data.
#pragma once

#include <brood/id.hpp>
#include <brood/node_name.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// One thing that has happened.
struct HistoryEvent {
  std::uint64_t number = 0;  ///< In the history of the node that was asked: rises, with gaps.
  /// Of a start when it was decided, by the clock of its node; else when the asked node learned of it.
  std::chrono::system_clock::time_point time;
  std::optional<Id> id;     ///< None: it happened to a member, or to this part of the cluster.
  std::string event;        ///< "started", "ended", "member_up", ...
  std::string cause;        ///< "asked", "node_lost", "joined", ...; empty: none is known.
  NodeName node;            ///< Where, or which member.
  NodeName other;           ///< The node it came from or goes to, or that was asked; empty: none.
  std::uint64_t epoch = 0;  ///< Of an instance: that of its start.
  std::string reason;       ///< In the words of its source, of a crash for instance; may be empty.
  std::string text;         ///< All of it in one line.
};

struct EventQuery {
  std::uint64_t after = 0;   ///< Only what is newer than that number (EventPage::next); 0: all that is kept.
  std::size_t limit = 1000;  ///< At most so many: the newest, or with `after` the first that follow.
  std::optional<std::string> prefix = std::nullopt;  ///< Only of children whose ids begin with it.
};

struct EventPage {
  std::vector<HistoryEvent> events;  ///< The oldest first.
  std::uint64_t next = 0;            ///< For EventQuery::after.
  std::uint64_t lost = 0;            ///< So many after `after` are not kept any more.
};

/// Why a child is where it is.
struct ChildHistory {
  struct Here {
    NodeName node;
    std::string phase;       ///< "running", "restarting", ...
    std::string cause;       ///< Why it came to that node.
    std::string last_cause;  ///< Why it was started there the last time, or is to end.
    std::string text;
  };
  Id id;
  std::string state;       ///< In words: that it runs, or why it does not.
  std::vector<Here> here;  ///< Its instances, the active one first. Known also where its history is lost.
  std::vector<HistoryEvent> events;  ///< What is kept of it, the oldest first.
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
