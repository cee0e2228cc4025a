// Happening: one thing that has happened to a child or a member, as one node has learned it. What the history
// keeps, and what hooks and listeners are told of (Effects::happened).
//
// Thread rule: plain data.
#pragma once

#include "core/base/types.hpp"

namespace brood::core {

enum class What : std::uint8_t {
  // of a child
  started,  ///< It runs on `node`. `other`: where it ran before; of one that was asked for, who was asked.
  crashed,  ///< It does not run, and is tried again later. `words`: the reason.
  ended,    ///< It is gone from `node`. `other`: where it goes on, if that is why.
  became_active,  ///< Of several instances, that on `node`.
  became_passive,
  stop_asked,  ///< `node` was asked to stop it.
  given_up,    ///< Nobody starts it until `retry`; or not for a while. `words`: why.
  // of a member
  member_joins,
  member_up,
  member_drains,
  member_left,
  member_lost,
  // of this part of the cluster
  locked,  ///< It may not run children. `words`: why.
  unlocked,
};

struct Happening {
  std::uint64_t number = 0;  ///< In this node's history, from 1; 0: it is not kept.
  Duration wall{};  ///< Of a start when it was decided, by the clock of its node; else by this one's.
  What what = What::started;
  Why why = Why::unknown;
  bool restart = false;  ///< started: on the node on which it ran before.
  bool is_mine = false;  ///< ended with its node: it belongs here now.
  ChildId id;            ///< Empty: of a member, or of the cluster.
  NodeName node;
  NodeName other;
  std::uint32_t creation = 0;  ///< Of `node`, of an instance.
  Hlc epoch;                   ///< Of an instance.
  ProcessId pid;               ///< Of it; zero where it did not run.
  std::string words;           ///< A reason, as its source gave it; may be empty.

  [[nodiscard]] bool is_of_child() const { return !id.empty(); }
};

/// It goes on elsewhere, or has come from elsewhere, as somebody planned.
[[nodiscard]] bool is_move(Why why) noexcept;

/// What is read of a history.
struct HistoryQuery {
  std::uint64_t after = 0;            ///< Only what has a greater number.
  std::size_t limit = 1000;           ///< The first so many behind `after`; without one, the newest.
  std::optional<ChildId> id;          ///< Only of that child.
  std::optional<std::string> prefix;  ///< Only of children whose ids begin with these bytes.
};
struct HistoryPage {
  std::vector<Happening> happenings;  ///< In the order of their numbers.
  std::uint64_t next = 0;             ///< For HistoryQuery::after, to go on.
  std::uint64_t lost = 0;             ///< Between `after` and the first: so many were not kept.
};

/// Which nodes get children: what becomes of a node that came or went, as one member sees it.
struct Turn {
  enum class Kind : std::uint8_t {
    held,     ///< This node decides nothing, until it knows that all others see the same members.
    resumed,  ///< It decides again.
    came,     ///< All members know that `node` is up.
    went,     ///< All members know that `node` is gone.
    begins,   ///< Children go where they belong with `node`, or without it.
    over,     ///< Of this node's children none is on its way any more for that.
    settled,  ///< `node` is gone, and so is all that is known of what it ran.
  };
  Kind kind = Kind::held;
  NodeName node;
  bool up = false;       ///< begins, over: it came.
  bool is_mine = false;  ///< came, went: this member is the one that speaks of that node for all.
};

}  // namespace brood::core
