// The strategies of a supervisor: what is decided by a rule that could be another. One interface a kind, and
// how one is chosen: by name with its settings, or an object of the program's own class.
//
// A strategy is a pure function of its arguments: all nodes must decide the same from the same view, so it
// must not look at a clock, a random device or anything of its node. Its name() tells strategies and their
// settings apart; it is part of the fingerprint that nodes compare before they take each other for members.
//
// Thread rule: const and stateless; one object may serve several supervisors, on their threads.
#pragma once

#include <brood/id.hpp>
#include <brood/result.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

class Strategy {
 public:
  Strategy() = default;
  Strategy(const Strategy&) = delete;
  Strategy& operator=(const Strategy&) = delete;
  virtual ~Strategy() = default;
  /// "name/version", with the settings that all nodes must share: "replication/1 factor=3".
  [[nodiscard]] virtual std::string name() const = 0;
};

/// A node that may run some child, as distribution sees it.
struct RingNode {
  NodeName name;
  std::uint64_t hash = 0;    ///< strategy_hash() of its name.
  std::uint32_t weight = 0;  ///< Its share relative to the others', at least 1.
};

/// What a distribution is asked about: a child, or an id alone, whose requests some node has to coordinate.
/// What it points to lives as long as the call.
struct RingKey {
  std::string_view id;              ///< The bytes of the binary, the name of the atom, or the encoded term.
  IdKind id_kind = IdKind::binary;  ///< An atom and a binary of the same text are two ids.
  std::uint64_t hash = 0;           ///< Of the id and its kind.
  std::string_view tag;  ///< Of the child's metadata; empty where there is none, and of an id alone.
  std::span<const NodeName> mapping;  ///< ChildSpec::mapping, likewise.
};

/// A distribution made ready for some nodes: what is worth to be computed once for all children is computed
/// when it is made.
class Ring {
 public:
  /// No index: none of the nodes may run the child.
  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  virtual ~Ring() = default;
  /// The index of the node on which the key belongs. Called for every child at every view change, and several
  /// times for each child that is looked at.
  [[nodiscard]] virtual std::size_t first(const RingKey& key) const = 0;
  /// The indices of all nodes that may run it, best first, each once: order()[0] == first(). A child that
  /// does not come to run on one is tried on the next.
  [[nodiscard]] virtual std::vector<std::size_t> order(const RingKey& key) const = 0;
};

/// How a distribution balances: how a node's load makes its score, from 0 (idle) to 1, and how the scores
/// count. What a node gets is in proportion to its weight and to what it has to spare, 1 - score, but at
/// least 0.1.
struct BalancingSettings {
  std::uint32_t history = 30;         ///< How many of a node's last scores count.
  std::uint32_t decay_ppm = 900'000;  ///< Each counts that much of what the one after it does, in millionths.
  std::chrono::milliseconds push_interval{10'000};  ///< How often a node measures its load and tells it.
  bool redistributes = false;  ///< When a node joins, it gets its share of what runs already.
  // The parts of a score, in percent: processors in use, processes that wait for one, processes, memory.
  std::uint32_t scheduler_weight = 40;
  std::uint32_t run_queue_weight = 30;
  std::uint32_t process_weight = 20;
  std::uint32_t memory_weight = 10;
};

/// Which node a child belongs on.
class Distribution : public Strategy {
 public:
  /// The ring of these nodes, at least one, in the order of their names. Made once in a view for each set of
  /// nodes that some child may run on (not all nodes know each worker, or have a weight); indices are places
  /// in `nodes`.
  [[nodiscard]] virtual std::shared_ptr<const Ring> prepare(std::vector<RingNode> nodes) const = 0;
  /// Whether such a child can be placed at all, asked before it is started. `instances` is how many of it
  /// there are to be. Where it is not said otherwise: a child without a mapping can. Errors:
  /// invalid_argument, in words.
  [[nodiscard]] virtual Result<void> accepts(const RingKey& child, std::size_t instances) const;
  /// Not null: the distribution is centralised. The node that has been up for longest, the leader, gives each
  /// child to one of the nodes of order(), by their loads, and there it stays until that node is gone;
  /// order() counts where it does not come to run there. Lives as long as the distribution.
  [[nodiscard]] virtual const BalancingSettings* balancing() const { return nullptr; }
};

/// A hash of bytes that is the same on every node, compiler and release, for distributions of one's own.
[[nodiscard]] std::uint64_t strategy_hash(std::string_view bytes) noexcept;
/// Of two hashes, such as those of a key and a node.
[[nodiscard]] std::uint64_t strategy_hash(std::uint64_t first, std::uint64_t second) noexcept;

/// What redundancy sees of a child.
struct RedundantChild {
  std::string_view worker;  ///< "exec" for an ordinary program.
  std::string_view tag;     ///< ChildSpec::tag; empty: none.
};

/// How the nodes of passive instances follow the state of the active one, as its save() gives it.
struct Following {
  /// Nothing: the reply of each call waits until another node holds the state after it, so that what was
  /// answered outlives the loss of any one node. Else the state is sent that often, if it has changed, and no
  /// reply waits: what was answered since is lost with the node.
  std::optional<std::chrono::milliseconds> every = std::nullopt;
  /// How long replies wait for a node that does not take the state, or for one to come. From then on they
  /// leave at once, and are counted, until one holds the state again. Too small: a node that is slow for a
  /// moment costs the promise. Too large: callers wait as long when a node is lost without a word.
  std::chrono::milliseconds wait{2000};
  /// They wait for as long as it takes: where no other node can follow, callers run into their time-outs.
  bool strict = false;
};

/// How many instances a child has, each on a node of its own, and whether they have roles.
class Redundancy : public Strategy {
 public:
  /// Of the `eligible` nodes in the order of a child, how many from the front run an instance. At least one
  /// does in any case. What is said for very many nodes must be the most that it ever is: where that is one,
  /// an instance ends before another starts. Called several times for each child that is looked at.
  [[nodiscard]] virtual std::size_t instances(std::size_t eligible) const = 0;
  /// The same for that child, where not all children are alike.
  [[nodiscard]] virtual std::size_t instances_of(const RedundantChild& child, std::size_t eligible) const {
    (void)child;
    return instances(eligible);
  }
  /// Of several instances one is active and the others are passive, as each is told (Worker::on_role); false:
  /// all of them are active.
  [[nodiscard]] virtual bool one_is_active() const { return false; }
  /// Whether an instance of several is told when it is active (true) or passive (false) from now on.
  [[nodiscard]] virtual bool tells(bool is_active) const {
    (void)is_active;
    return true;
  }
  /// Where one is active: whether the others' nodes follow the state of its worker, so that the next active
  /// one goes on with it. Nothing: it begins anew.
  [[nodiscard]] virtual std::optional<Following> follows() const { return std::nullopt; }
};

/// The times of a hand-over.
struct HandoverTimes {
  std::chrono::milliseconds data_wait{3000};  ///< For the running handler to end. save() has no bound.
  std::chrono::milliseconds timeout{10'000};  ///< Of the whole; then the child stays, and it is tried again.
  std::chrono::milliseconds retention{5000};  ///< So long the old pid passes on what comes, at least.
};

/// How an instance leaves a node on which it does not belong any more.
class Migration : public Strategy {
 public:
  /// Whether a worker moves with what it holds: it is frozen, made ready at its new place, and only then runs
  /// there. nullopt: it ends here. Programs always end.
  [[nodiscard]] virtual std::optional<HandoverTimes> hands_over() const { return std::nullopt; }
  /// Where it does not: whether the state of a worker that can save() goes with the child all the same. It
  /// ends here first, and what waits for it ends with it.
  [[nodiscard]] virtual bool keeps_state() const { return false; }
  /// Whether the instance here must have ended before another node may start one.
  [[nodiscard]] virtual bool stops_before_start() const = 0;
};

/// A batch of changes on its way through the members, as one of them sees it. Places are those in the list of
/// members in the order of their names, this node among them.
struct Spreading {
  std::size_t members = 0;
  std::size_t self = 0;
  std::size_t origin = 0;    ///< Whose changes they are.
  std::uint64_t number = 0;  ///< Its origin counts its batches.
};

/// Which members a change is sent to, and how often members compare what they have.
class Synchronisation : public Strategy {
 public:
  /// Whether members pass on what others have changed. If not, the origin of a batch sends it to every
  /// member, and recipients() is not asked.
  [[nodiscard]] virtual bool passes_on() const = 0;
  /// Appends the places of those to whom this node sends the batch: as its origin, or as a member that has
  /// got it for the first time. All members together should reach each of them. Whom they do not reach finds
  /// out by comparison, so a bad answer costs time, never agreement. Called for each batch.
  virtual void recipients(const Spreading& batch, std::vector<std::size_t>& to) const = 0;
  /// How many members each one tells now and then how far it has got, while something changes.
  [[nodiscard]] virtual std::size_t partners() const { return 3; }
  /// How often whole tables are compared, by their digests.
  [[nodiscard]] virtual std::chrono::milliseconds sync_interval() const { return std::chrono::seconds(15); }
  /// With passes_on(): true: the first member alone begins such a comparison, and it goes through the members
  /// as a batch does. False: each member compares itself with one other in turn.
  [[nodiscard]] virtual bool one_begins() const { return false; }
};

/// The cluster as one node sees it, counted for the partition strategy. Nodes are names, in order.
struct Tally {
  std::vector<NodeName> members;  ///< Of the view: all that this node works with, itself among them.
  /// What follows is of strategies that keep a census (PartitionTolerance::census()).
  std::size_t size = 0;           ///< Seats.
  std::size_t here = 0;           ///< Of them, those whose nodes are in the view.
  std::vector<NodeName> missing;  ///< Of them, those whose nodes are known and not in the view.
};

/// How the census of a strategy grows and shrinks. It also shrinks by each node that leaves in good order,
/// and it is what reset_cluster_size() sets.
struct CensusRule {
  std::size_t first_size = 1;  ///< Before anything is known.
  bool grows = true;           ///< With each node that joins; false: it stays as it began.
  /// A node that has been away that long loses its seat, but only where the rest has the quorum without it.
  std::chrono::nanoseconds keeps_lost = std::chrono::nanoseconds::max();
};

/// The times of a strategy that locks.
struct LockTimes {
  /// A child of a node that was lost without proof of its death is started elsewhere this long after the
  /// loss; nothing: as long as the other side may take to see that it is locked and to end its children. Too
  /// small: both sides run a child for a moment. Too large: a late takeover.
  std::optional<std::chrono::nanoseconds> takeover_delay;
  /// What children get to end in a part that is locked, whatever their specs say. Too small: they are cut
  /// off. Too large: takeover_delay grows by as much.
  std::chrono::nanoseconds stop_max = std::chrono::seconds(5);
};

/// What a part of the cluster may do when it does not reach the rest.
class PartitionTolerance : public Strategy {
 public:
  /// Whether this part may run children. Asked whenever the view or the census changes, before anything is
  /// started. Where the answer is no, the part is locked: its children are ended, and clients are told
  /// `partitioned`.
  [[nodiscard]] virtual bool may_run(const Tally& tally) const = 0;
  /// Whether it ever says no. If so, children of a node that was lost without proof of its death are started
  /// elsewhere only after takeover_delay, and nothing is decided in a view that not all have confirmed.
  [[nodiscard]] virtual bool locks() const { return true; }
  [[nodiscard]] virtual LockTimes times() const { return {}; }
  /// Until it first said yes to this node, the node may run children all the same.
  [[nodiscard]] virtual bool free_at_first() const { return false; }
  /// Nothing: it counts only who is there.
  [[nodiscard]] virtual std::optional<CensusRule> census() const { return std::nullopt; }
  /// What is needed, in words that follow on who is there: "3 of 5 are needed".
  [[nodiscard]] virtual std::string needs(const Tally& tally) const = 0;
};

/// One setting of a strategy that is chosen by name. Lengths of time are whole milliseconds.
using Setting = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;
using StrategySettings = std::map<std::string, Setting, std::less<>>;

/// A built-in strategy: docs/guide/strategies.md lists the names and settings of each kind.
struct StrategyChoice {
  std::string name;
  StrategySettings settings = {};
};

/// What decides one kind: a built-in strategy or an object of the program's own. Never empty.
template <typename Kind>
class Chosen {
 public:
  Chosen(const char* name) : what_(StrategyChoice{name}) {}             // NOLINT(*-explicit-*)
  Chosen(std::string name) : what_(StrategyChoice{std::move(name)}) {}  // NOLINT(*-explicit-*)
  Chosen(StrategyChoice choice) : what_(std::move(choice)) {}           // NOLINT(*-explicit-*)
  /// An object of the program's own; every node of the supervisor must have been given one of the same
  /// name().
  template <std::derived_from<Kind> Own>
  Chosen(std::shared_ptr<Own> own)
      : what_(std::shared_ptr<const Kind>(std::move(own))) {}  // NOLINT(*-explicit-*)

  [[nodiscard]] const StrategyChoice* choice() const { return std::get_if<StrategyChoice>(&what_); }
  /// Null: chosen by name, or an empty pointer was given, which no supervisor takes.
  [[nodiscard]] std::shared_ptr<const Kind> own() const {
    const auto* own = std::get_if<std::shared_ptr<const Kind>>(&what_);
    return own == nullptr ? nullptr : *own;
  }

 private:
  std::variant<StrategyChoice, std::shared_ptr<const Kind>> what_;
};

/// The rules of a supervisor.
struct Strategies {
  Chosen<Distribution> distribution = "weighted_rendezvous";  ///< Which node a child belongs on.
  Chosen<Redundancy> redundancy = "singularity";              ///< How many instances it has.
  Chosen<Migration> migration = "cold_swap";  ///< How it leaves a node where it does not belong any more.
  Chosen<Synchronisation> synchronisation = "pubsub";   ///< Which members a change is sent to.
  Chosen<PartitionTolerance> partition = "divergence";  ///< What a part of the cluster may do alone.
};

/// Whether there is such a built-in strategy of that kind ("distribution", "redundancy", "migration",
/// "synchronisation", "partition"), with such settings. Any thread. Errors: invalid_argument, in words.
[[nodiscard]] Result<void> check_strategy(std::string_view kind, const StrategyChoice& choice);

}  // namespace brood::inline v0

#pragma GCC visibility pop
