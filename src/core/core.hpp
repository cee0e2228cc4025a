// Core: every decision of one supervisor on one node, and nothing else. Events and the time go in, effects
// come out; the same events at the same times give the same effects on every machine.
//
// Invariants (the simulator checks them): in a confirmed view at most one node starts a child; a start is
// acknowledged only when the child runs and its spec is on another member (where there is one); what was
// stopped and acknowledged stays stopped; a session that was declared down is never taken back.
//
// Thread rule: none; one thread at a time. All tables are this node's view of the cluster.
#pragma once

#include <memory>
#include <span>

#include "core/base/effects.hpp"
#include "core/base/settings.hpp"
#include "core/base/stats.hpp"

namespace brood::core {

// ---- the core ----------------------------------------------------------------------------------------

/// What a node that has left its cluster answers: `not_member`.
[[nodiscard]] Error has_left(const NodeName& self);

/// How much a core keeps, in pieces: what must not grow without bound.
struct Footprint {
  std::size_t children = 0;   ///< Ids of which anything is known.
  std::size_t peers = 0;      ///< Nodes of which anything is known.
  std::size_t changes = 0;    ///< Kept for a while, for peers that are late.
  std::size_t waits = 0;      ///< For others to hold a change.
  std::size_t kept_back = 0;  ///< Messages that wait for what their sender changed before.
  std::size_t origins = 0;    ///< Starts of nodes in the version vector.
};

/// A live instance and where it is.
struct Located {
  SessionId host;
  Instance instance;
};

/// What is known of a child, in the core's own memory: good until its next step.
struct Known {
  struct Seen {
    const SessionId* host;
    const Instance* instance;
  };
  const SpecRow* row = nullptr;
  std::vector<Seen> instances;  ///< The live ones, in the order of Core::instances().
};

/// What this node's part of the cluster may do, and why.
struct PartitionStatus {
  bool partitioned =
      false;             ///< Locked by the partition strategy: its children have ended, clients are refused.
  bool acting = false;   ///< Starts, stops and moves are decided right now.
  std::string why;       ///< Why not, in words; empty: it acts.
  std::string strategy;  ///< Its name with its settings.
  std::string count;     ///< Who is here, who is missing and what is needed, in words.
  Tally tally;
  Duration takeover_delay{};  ///< See members/takeover_delay.hpp; zero where the strategy never locks.
  Duration overlap_bound{};
};

/// A node as a distribution that balances sees it.
struct ScoreLine {
  NodeName node;
  std::uint32_t weight = 0;
  Load load;                    ///< What it told last.
  std::uint32_t told = 0;       ///< How often, as far as that still counts; 0: not yet.
  std::uint32_t score_ppm = 0;  ///< Of its last ones; where it has told nothing, the others' mean.
  double share = 0;             ///< Its part of the children, of 1.
  std::uint64_t given = 0;      ///< The children that it was given.
};

class Core {
 public:
  explicit Core(Settings settings);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  /// Total: never fails, never throws; what it refuses it counts and, where there is a caller, answers.
  /// The reference is valid until the next step.
  const Effects& step(Event event, const Now& now) { return step_all({&event, 1}, now); }
  /// The same for events that came together: their changes leave in one Delta, so a driver that drains its
  /// queue into one call sends far fewer messages. The events are moved from. All of them are handled; what
  /// they bring about is worked off as far as step_budget allows, and the rest in the next step, which
  /// next_deadline() then asks for at once: give a Tick, behind whatever else is waiting.
  const Effects& step_all(std::span<Event> events, const Now& now);
  /// The monotonic time at which a Tick is due; a time that is past when the last step has left work; max()
  /// when nothing is waited for. Read it anew after every step.
  [[nodiscard]] Duration next_deadline() const;

  // Reading; valid until the next step.
  [[nodiscard]] const Settings& settings() const;
  [[nodiscard]] const Member& self() const;
  [[nodiscard]] std::vector<Member> members() const;  ///< All known and not down or left, self included.
  /// The row of that node; nullptr when it is no member (any more).
  [[nodiscard]] const Member* member(const NodeName& node) const;
  [[nodiscard]] std::vector<NodeName> up_nodes() const;  ///< In name order.
  /// Those of them that may get children, as far as the list of nodes says it (members/roster.hpp).
  [[nodiscard]] std::vector<NodeName> ring_nodes() const;
  [[nodiscard]] bool view_confirmed() const;
  [[nodiscard]] bool fenced() const;
  [[nodiscard]] std::uint64_t view_hash() const;
  /// This part of the cluster may not run children.
  [[nodiscard]] bool partitioned() const;
  [[nodiscard]] PartitionStatus partition() const;
  [[nodiscard]] const SpecRow* spec(const ChildId& id) const;
  /// Live instances, the one in the placement first, then by epoch (newest first).
  [[nodiscard]] std::vector<Located> instances(const ChildId& id) const;
  /// Both at once, without a copy.
  void look_up(const ChildId& id, Known& into) const;
  [[nodiscard]] std::vector<ChildId> ids() const;  ///< All ids with a row, in order.
  [[nodiscard]] std::size_t size() const;          ///< Wanted children.
  /// First node of the hash order of any key over the up members; nullopt when there are none.
  [[nodiscard]] std::optional<NodeName> node_for(const ChildId& key) const;
  /// The placement of a child by its row; empty when it may run nowhere.
  [[nodiscard]] std::vector<NodeName> placement(const ChildId& id) const;

  /// What children are given by; only the leader's is complete. Empty under a distribution that does not
  /// balance.
  [[nodiscard]] std::vector<ScoreLine> scoreboard() const;
  /// Who gives them; nullopt: nobody is up, or the distribution does not balance.
  [[nodiscard]] std::optional<NodeName> leader() const;
  /// This node is the leader, and has not gone over all children since somebody came or asked for it.
  [[nodiscard]] bool rebalancing() const;

  /// What has happened, as this node has learned it. O(what is kept): some hundred microseconds.
  [[nodiscard]] HistoryPage history(const HistoryQuery& query) const;

  using Stats = core::Stats;
  /// Nodes that anything is kept of, clients among them.
  [[nodiscard]] std::size_t peers() const;
  [[nodiscard]] Footprint footprint() const;
  /// Of all rows, concurrent ones too, and of the version vector.
  [[nodiscard]] std::uint64_t table_digest() const;
  /// Active instances here, of those that are to be followed, of which no other node holds a state.
  /// O(of these).
  [[nodiscard]] std::size_t states_not_followed() const;
  [[nodiscard]] const Stats& stats() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace brood::core
