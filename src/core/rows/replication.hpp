// Replication: how the changes of this node reach the others, and theirs this one.
//
// Each step's changes leave as one Delta, the same body for all. A peer that has missed one, or that is new,
// gets the differences of the tables instead (exchange.cpp): its digests say which buckets differ, and these
// travel in portions, the next when the one before has been taken in. Deltas that come meanwhile are kept
// until the last portion is there, and then taken in one by one; only then the table counts as held.
//
//   to a peer:   nothing -> exchange (portions, then Deltas) -> Deltas -> too far behind -> nothing
//   from a peer: nothing -> exchange (Deltas are kept) -> Deltas -> a gap: table asked for -> nothing
//
// Where members pass on each other's changes (Synchronisation::passes_on(), relay.cpp) a Delta goes to a few
// and comes by any member, early or twice. They are taken in by their numbers; one that is missing is asked
// for by its number first.
//
// Owns: the numbers of Deltas, how far each peer holds them, who waits for that; the ways of Deltas
// (spread.hpp). Reads: links, sessions, instances, finished requests. Tells the barrier how far it holds each
// peer's changes. Asks rows and instances to take in what came, sessions to update. Tells: touched (to those
// who wait until others hold a change), request_finished. Thread rule: none; owned by one core.
#pragma once

#include <list>

#include "core/members/joining.hpp"
#include "core/requests/replay.hpp"
#include "core/rows/barrier.hpp"
#include "core/rows/instances.hpp"
#include "core/rows/rows.hpp"
#include "core/rows/spread.hpp"
#include "term/id_map.hpp"

namespace brood::core {

/// How long a change waits for the next one at most; see Replication::may_wait().
inline constexpr Duration wait_most = std::chrono::microseconds(300);

class Replication final : public Outbox, public TableProgress {
 public:
  struct Neighbours {
    ChildTable& children;
    const Links& links;
    Sessions& sessions;
    Rows& rows;
    Instances& instances;
    const Replay& replay;
    const Settings& settings;
    Barrier& barrier;
    Sender& sender;
    Notes& notes;
  };
  explicit Replication(const Neighbours& neighbours)
      : with_(neighbours), spread_(neighbours.settings, neighbours.links, neighbours.sessions) {}

  // ---- Outbox
  void add(SpecChange change) override;
  void add(InstanceChange change) override;
  void set_member(const Member& self) override;
  [[nodiscard]] std::uint64_t newest() const override;

  // ---- TableProgress
  [[nodiscard]] bool holds_table_of(PeerIndex peer) const override;
  [[nodiscard]] bool has_sent_table_to(PeerIndex peer) const override;
  [[nodiscard]] bool misses_changes_of(PeerIndex peer) const override { return peers_[peer].in.leaps; }
  [[nodiscard]] std::optional<Duration> taking_table_of(PeerIndex peer) const override;
  [[nodiscard]] bool is_small() const override;

  // ---- who holds what
  /// Whether another member holds the changes up to this Delta, or there is no other.
  [[nodiscard]] bool is_replicated(std::uint64_t number) const;
  /// Whether that member gets this node's changes one by one, so that they come before whatever is said to it
  /// from now on.
  [[nodiscard]] bool tells_first(PeerIndex peer) const;
  /// Another member that does take in what it gets has half of lag_max to take in still: what can wait
  /// should.
  [[nodiscard]] bool is_congested(const Step& s) const;
  /// That member has changed more than is held here, and its table is on its way or asked for.
  [[nodiscard]] bool is_behind(PeerIndex peer) const;
  [[nodiscard]] std::uint64_t acknowledged_by(PeerIndex peer) const { return peers_[peer].acknowledged; }
  /// Touches the child once the changes up to this Delta are replicated; not where they are already.
  void wait(std::uint64_t number, const Child& child);
  /// That peer holds the changes up to this Delta, and what it did before it had them is known here. An
  /// acknowledgement alone does not say so: the peer's changes before it may be kept for a table that comes.
  [[nodiscard]] bool has_answered(PeerIndex peer, std::uint64_t number) const;
  /// Whether all members that are in the view have. Else the child is touched once some have that had not.
  [[nodiscard]] bool have_all_answered(std::uint64_t number, const Child& child);
  /// Touches the child once that peer has answered, or is no member any more; not where it has already.
  void wait_for(PeerIndex peer, std::uint64_t number, const Child& child);
  /// A lone node hears no acknowledgement: looks after what waits.
  void check_waits(Step& s);

  // ---- peers
  void greeted(Step& s, PeerIndex peer, const Hello& hello, bool fresh);
  void channel_changed(PeerIndex peer);
  void session_ended(Step& s, PeerIndex peer);
  /// This node has a new session: everything is exchanged anew.
  void own_session_ended(Step& s);
  /// This node joins, and goes on without a member that it never met. What that member has changed it knows
  /// from the others' tables alone, and only up to the moment in which each was sent: all tables are asked
  /// for again.
  void ask_all(Step& s);
  /// The periodic comparison with one peer in turn, whom this node says Hello to; no_peer: not now.
  [[nodiscard]] PeerIndex take_turn(Step& s);

  // ---- messages
  void on_sync_request(Step& s, PeerIndex from, const SyncRequest& request);
  void on_sync(Step& s, PeerIndex from, const Sync& portion);
  void on_sync_ack(Step& s, PeerIndex from, const SyncAck& ack);
  void on_behind(Step& s, PeerIndex from);
  /// Takes what it keeps out of it.
  void on_delta(Step& s, PeerIndex from, Delta& delta);
  void on_ack(Step& s, PeerIndex from, const DeltaAck& ack);
  void on_through(Step& s, PeerIndex from, const Through& through);
  /// How many Deltas of this node the peer has taken; its word on how far it holds them is for on_ack().
  void on_taken(Step& s, PeerIndex from, const Taken& taken);
  void on_have(Step& s, PeerIndex from, const Have& have);
  void on_want(Step& s, PeerIndex from, const Want& want);

  /// Deltas that were kept while a table came are to be taken in.
  [[nodiscard]] bool has_late() const { return !late_.empty(); }
  void take_late(Step& s);

  void on_time(Step& s);
  /// Whether what the step has changed may be sent with the next one: it has started something, which may run
  /// in a moment, and then one Delta says both. For a fraction of a millisecond, and only where nothing else
  /// is sent, for whoever gets a message of this node holds what it changed before.
  [[nodiscard]] bool may_wait(const Step& s) const;
  /// It waits.
  void wait(const Step& s) { waits_since_ = std::min(waits_since_, s.time()); }
  /// Sends what the step has changed.
  void flush(Step& s);
  /// Tells those to whom something else is sent in this step how far this node's changes go.
  void say_through(const std::vector<PeerIndex>& to);
  [[nodiscard]] Duration deadline() const;
  void boot(Step& s) { next_check_ = s.time() + spread_.sync_interval(); }
  void reset(PeerIndex peer);

  /// What is kept for a while only, in changes: for peers that are late, and of those that are.
  [[nodiscard]] std::size_t kept_weight() const;
  [[nodiscard]] std::size_t waiting() const { return waits_.size() + waits_for_.size(); }

 private:
  struct In {
    bool whole = false;            ///< Its table was taken in.
    bool receiving = false;        ///< One is coming: Deltas are kept until its last portion is there.
    bool leaps = false;            ///< It is to bring what Deltas that have not come said.
    bool behind = false;           ///< The peer has said so: another table is to follow.
    Duration portion_at{};         ///< When the last portion of it came.
    std::uint64_t expected = 0;    ///< Number of its next Delta; 0: only a table is of use.
    std::uint64_t next_delta = 0;  ///< The first that was expected behind the table.
    std::uint32_t next = 0;        ///< Bucket of the next portion.
    std::uint64_t through = 0;     ///< The last of its Deltas that left before the last portion.
    bool again = false;            ///< A bucket that was to be the same was not.
    /// Of the portions that have come: where each ends, and the first Delta that it does not hold.
    std::vector<std::pair<std::uint32_t, std::uint64_t>> covered;
    std::list<Delta> kept;  ///< Lists here and below: an empty deque takes half a KiB, of each peer.
    std::optional<std::uint64_t> ack;  ///< To be said at the end of the step.
    std::optional<std::uint32_t> portion_ack;
    bool ask = false;  ///< For its table.

    // Where members pass changes on.
    std::map<std::uint64_t, Spread::Batch> early;  ///< Those before them are not here yet.
    std::size_t early_weight = 0;
    bool blocked = false;        ///< The next one is here, and what a third node did before it is not.
    std::uint64_t known = 0;     ///< So far they are known to go.
    PeerIndex source = no_peer;  ///< Who has them, as it says.
    Duration missing_at = Duration::max();  ///< Then the next one is asked for.
    std::uint32_t asked = 0;                ///< So often it was, in vain.
    std::uint64_t taken = 0;                ///< Deltas that have come on its channel, and it was not told.
    std::uint64_t direct = 0;               ///< The newest of its own that came from itself.
    std::uint64_t said = 0;                 ///< What it was told last that this node holds.
  };
  struct Out {
    bool begun = false;  ///< Its table is on the way or there: it gets Deltas.
    bool due = false;    ///< A table has to be sent, from the start.
    bool sending = false;
    std::uint32_t next = 0;
    std::uint32_t in_flight = 0;
    bool behind = false;  ///< It gets no Deltas until it has asked for the table.
    /// What was held of its changes when all that is changed here was on its way to it last.
    std::optional<std::uint64_t> ack;
    std::uint64_t base = 0;              ///< The Deltas after this one are sent.
    std::vector<std::uint64_t> digests;  ///< Theirs, as they said last.
    // Where members pass changes on: the weights of Deltas that were sent to it and that it has not taken.
    std::list<std::uint32_t> untaken;
    std::uint64_t untaken_weight = 0;
  };
  struct Unstable {
    std::uint64_t number = 0;
    SpecChange change;
    Duration at{};
  };
  struct Peer {
    In in;
    Out out;
    std::uint64_t acknowledged = 0;
    Duration acknowledged_at{};
    /// Changes of that peer that some members may not have had from it. With unstable_lost there were too
    /// many to keep.
    std::list<Unstable> unstable;
    bool unstable_lost = false;
    std::uint64_t unstable_from = 0;  ///< Once all hold the Deltas up to this one, none is missing any more.
    Duration unstable_lost_at{};
    bool may_lack = false;    ///< Our table has grown by another node's table since it went to this peer.
    std::uint64_t round = 0;  ///< The last comparison that it began and that came here.
  };
  /// What will be one Delta.
  struct Changes {
    std::vector<SpecChange> specs;
    std::vector<InstanceChange> instances;
    std::optional<Member> member;
    IdMap<std::uint32_t> starting = {};  ///< Of `instances`, those that say so.
    [[nodiscard]] std::size_t size() const { return specs.size() + instances.size(); }
  };

  void check_waits_for(Step& s, PeerIndex peer);
  bool take_in(Step& s, PeerIndex from, const Delta& delta);
  void keep_unstable(Step& s, Peer& peer, const Delta& delta);
  [[nodiscard]] static bool holds(const In& in, const ChildId& id, std::uint64_t delta);
  void take_in_instances(Step& s, PeerIndex from, const Delta& delta);
  void relay_unstable(PeerIndex peer);
  void want_table(PeerIndex peer);
  void offer_table(PeerIndex peer);
  Changes& out();
  void flush_deltas(Step& s);
  void flush_tables(Step& s);
  void send_portion(Step& s, PeerIndex peer);
  [[nodiscard]] Sync make_portion(Step& s, Peer& peer);
  void fill_bucket(Sync& portion, std::uint32_t bucket) const;
  void flush_acks();
  void ack_behind_table(PeerIndex peer);
  void compare(PeerIndex peer, const Hello& hello);
  [[nodiscard]] std::uint64_t lag_of(const Peer& peer) const;
  [[nodiscard]] std::uint64_t lag_most() const;
  void forget_untaken(Out& out);
  void forget_acknowledged();
  void table_taken(Step& s, PeerIndex from);
  void forget_kept(PeerIndex from);
  void ask_for_table(PeerIndex peer);
  bool is_too_far_behind(Step& s, PeerIndex peer);

  // relay.cpp
  void on_batch(Step& s, PeerIndex from, PeerIndex origin, Delta& delta);
  void give_up_early(Step& s, PeerIndex origin);
  void salvage(Step& s, PeerIndex gone);
  [[nodiscard]] std::uint64_t held(PeerIndex origin) const;
  bool advance(Step& s, PeerIndex origin);
  void advance_all(Step& s, PeerIndex first);
  void watch(Step& s, PeerIndex origin, bool anew);
  void unwatch(PeerIndex origin);
  void ask_for_missing(Step& s, PeerIndex origin);
  void send_batch(Step& s, PeerIndex origin, PeerIndex from, const Spread::Batch& batch);
  [[nodiscard]] Spread::Way way_to(Step& s, PeerIndex peer, PeerIndex origin);
  void send_to(Step& s, const std::vector<PeerIndex>& to, const Spread::Batch& batch);
  void say_have(Step& s);
  void compare_whole(PeerIndex from, const Have& have);
  void begin_comparison(Step& s);
  [[nodiscard]] Have whole_have() const;
  void pass_on_comparison(Step& s, PeerIndex starter, std::uint64_t round);
  void drop_old_unstable(Step& s);

  Neighbours with_;
  Spread spread_;
  struct Relay {
    PeerIndex origin = no_peer;
    PeerIndex from = no_peer;
    Spread::Batch batch;
  };
  std::vector<Relay> relays_;                         ///< To be passed on at the end of the step.
  std::set<std::pair<Duration, PeerIndex>> missing_;  ///< Origins of which a batch is missing.
  std::set<PeerIndex> blocked_;                       ///< See In::blocked.
  std::uint64_t round_ = 0;                           ///< Of the comparisons that this node began.
  PeerMap<Peer> peers_;
  std::set<PeerIndex> late_;  ///< Whose table is there, and Deltas are kept.
  std::set<PeerIndex> due_;   ///< Peers with something to be sent at the end of the step, besides the Delta.
  std::uint64_t number_ = 0;  ///< Of the last Delta.
  std::vector<Changes> out_;  ///< What the next flush sends.
  Duration waits_since_ = Duration::max();                       ///< Since then something of `out_` waits.
  std::deque<std::pair<std::uint64_t, std::uint64_t>> weights_;  ///< Delta number, changes up to and with it.
  std::uint64_t weight_ = 0;
  PeerIndex slowest_ = no_peer;  ///< Whose acknowledgements were the furthest behind when last looked for.
  std::uint64_t untaken_weight_ = 0;  ///< Of all peers together.
  std::multimap<std::uint64_t, ChildRef> waits_;
  std::set<std::tuple<PeerIndex, std::uint64_t, ChildRef>> waits_for_;
  Duration next_check_ = Duration::max();
  std::size_t turn_ = 0;
};

/// More unacknowledged changes of one peer than this are not kept one by one; its loss then costs an exchange
/// of tables.
inline constexpr std::size_t unstable_max = 4096;
/// Portions of a table that are under way to one peer.
inline constexpr std::uint32_t portions_in_flight = 4;
/// A portion ends where so many times table_portion children were looked at for it, though it names few of
/// them.
inline constexpr std::size_t looked_at_for_each = 16;

}  // namespace brood::core
