// PgScope: what this node says to the scopes of OTP's `pg` that have the supervisor's name, so that Erlang
// and Elixir nodes see its children as group members: the group is the child's id, the member its pid.
//
// A node of the cluster, as this one sees it:
//
//   node_up --> looking: watched by name, {discover, Self} sent --its sync or discover--> known: has our
//   table
//                 ^  |  no such name: look again after a while                              |
//                 |  +--(look_again)                                                        |
//                 +-------------------- its scope ended, or could not be told ---------------+
//   node_down, or it turns out to be a brood node: forgotten (each brood node tells OTP itself)
//
// OTP's scopes find each other when a node comes up, but a hidden node is never told of a scope that starts
// later; that is why we watch the name and ask again.
//
// Only children that run on this node are told: a member belongs to the node that joins it, and goes with it.
// A scope that is known has exactly `told_`: it crashes when a group is left that it does not know.
//
// Thread rule: a pure state machine; whoever drives it carries out the effects in order.
//
// Source: pg.erl of OTP 25 to 28 (its messages are the protocol).
#pragma once

#include <map>
#include <optional>
#include <variant>
#include <vector>

#include "term/id_map.hpp"

namespace brood::supervisor {

/// Watch the scope's name on that node, and send `term` to it.
struct PgLook {
  NodeName node;
  EncodedTerm term;
};
/// Send `term` to scopes.
struct PgTell {
  std::vector<Pid> to;
  EncodedTerm term;
};
/// Call look_again() after a while; `is_soon`: after a short one, for a scope is likely to start.
struct PgWait {
  NodeName node;
  bool is_soon = false;
};
/// Watch the name there no more.
struct PgForget {
  NodeName node;
};
using PgEffect = std::variant<PgLook, PgTell, PgWait, PgForget>;
using PgEffects = std::vector<PgEffect>;

/// Where a child runs on this node now; none: it does not (any more).
struct PgChange {
  ChildId id;
  std::optional<Pid> pid;
};

class PgScope {
 public:
  explicit PgScope(Pid self) : self_(std::move(self)) {}

  /// Our own pid has another name; while no other node is known.
  void rename(Pid self) { self_ = std::move(self); }
  [[nodiscard]] PgEffects node_up(const NodeName& node);
  void node_down(const NodeName& node) { nodes_.erase(node); }
  [[nodiscard]] PgEffects is_brood(const NodeName& node);
  /// The watch on the name ended; `was_there`: somebody had it.
  [[nodiscard]] PgEffects scope_ended(const NodeName& node, bool was_there);
  [[nodiscard]] PgEffects look_again(const NodeName& node);
  /// {discover, Peer} and {discover, Peer, Version}.
  [[nodiscard]] PgEffects discovered_by(const Pid& scope);
  /// {sync, Peer, Groups}: what is in it does not concern us, but there is a scope.
  [[nodiscard]] PgEffects synced_by(const Pid& scope);
  /// Something could not be sent to it: it must not be told anything more before it has the whole table.
  [[nodiscard]] PgEffects not_told(const Pid& scope);
  [[nodiscard]] PgEffects changed(const std::vector<PgChange>& changes);

  [[nodiscard]] std::size_t group_count() const { return told_.size(); }

  /// From so many changes on, if they are a quarter of all, the whole table goes instead of single joins.
  static constexpr std::size_t bulk_min = 64;
  /// So often a node that has come up, or whose scope has ended, is asked soon again.
  static constexpr std::uint32_t soon_max = 200;

 private:
  struct Node {
    bool brood = false;
    bool watched = false;
    std::uint32_t misses = 0;  ///< Looks in a row that found no scope.
    std::optional<Pid> scope;  ///< Known: it has told_.
    /// It answered ours with a sync; its own discover needs no second answer.
    bool discover_follows = false;
  };
  [[nodiscard]] PgEffects look(const NodeName& node, Node& state);
  [[nodiscard]] std::vector<Pid> scopes() const;
  [[nodiscard]] EncodedTerm discover() const;
  [[nodiscard]] EncodedTerm sync() const;
  using LocalPid = std::pair<std::uint32_t, std::uint32_t>;  ///< Number and serial.
  [[nodiscard]] Pid full(LocalPid pid) const { return {self_.node, pid.first, pid.second, self_.creation}; }
  [[nodiscard]] EncodedTerm join(const ChildId& id, LocalPid pid) const;
  [[nodiscard]] EncodedTerm leave(const ChildId& id, LocalPid pid) const;

  Pid self_;
  std::map<NodeName, Node> nodes_;
  IdMap<LocalPid> told_;
};

}  // namespace brood::supervisor
