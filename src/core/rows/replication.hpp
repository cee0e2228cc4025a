// Replication: how the changes of this node reach the others, and theirs this one.
//
// Each step's changes leave as one Delta, the same body for all. A peer that has missed one, or that is new,
// gets the differences of the tables instead (exchange.cpp): its digests say which buckets differ, and these
// travel in portions, the next when the one before has been taken in. Deltas that come meanwhile are kept
// until the last portion is there.
//
//   to a peer:   nothing -> exchange (portions, then Deltas) -> Deltas -> too far behind -> nothing
//   from a peer: nothing -> exchange (Deltas are kept) -> Deltas -> a gap: table asked for -> nothing
//
// Owns: the numbers of Deltas, how far each peer holds them, who waits for that. Reads: links, sessions,
// instances, finished requests. Asks rows and instances to take in what came, sessions to update. Tells:
// touched (to those who wait until others hold a change), request_finished.
// Thread rule: none; owned by one core.
#pragma once

#include "core/members/joining.hpp"
#include "core/requests/replay.hpp"
#include "core/rows/instances.hpp"
#include "core/rows/rows.hpp"

namespace brood::core {

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
    Sender& sender;
    Notes& notes;
  };
  explicit Replication(const Neighbours& neighbours) : with_(neighbours) {}

  // ---- Outbox
  void add(SpecChange change) override;
  void add(InstanceChange change) override;
  void set_member(const Member& self) override;
  [[nodiscard]] std::uint64_t newest() const override;

  // ---- TableProgress
  [[nodiscard]] bool holds_table_of(PeerIndex peer) const override { return peers_[peer].in.whole; }
  [[nodiscard]] bool has_sent_table_to(PeerIndex peer) const override;
  [[nodiscard]] bool is_small() const override;

  // ---- who holds what
  /// Whether another member holds the changes up to this Delta, or there is no other.
  [[nodiscard]] bool is_replicated(std::uint64_t number) const;
  /// Another member that does take in what it gets has half of lag_max to take in still: what can wait
  /// should.
  [[nodiscard]] bool is_congested(const Step& s) const;
  [[nodiscard]] std::uint64_t acknowledged_by(PeerIndex peer) const { return peers_[peer].acknowledged; }
  /// Touches the child once the changes up to this Delta are replicated.
  void wait(std::uint64_t number, const Child& child) { waits_.emplace(number, child.ref); }
  /// Touches the child once that peer holds them, or is no member any more.
  void wait_for(PeerIndex peer, std::uint64_t number, const Child& child) {
    waits_for_.insert({peer, number, child.ref});
  }
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
  void on_delta(Step& s, PeerIndex from, const Delta& delta);
  void on_ack(Step& s, PeerIndex from, const DeltaAck& ack);

  /// Sends what the step has changed.
  void flush(Step& s);
  [[nodiscard]] Duration deadline() const { return next_check_; }
  void boot(Step& s) { next_check_ = s.time() + s.settings.sync_interval; }
  void reset(PeerIndex peer);

 private:
  struct In {
    bool whole = false;            ///< Its table was taken in.
    bool receiving = false;        ///< One is coming: Deltas are kept until it is whole.
    std::uint64_t expected = 0;    ///< Number of its next Delta; 0: only a table is of use.
    std::uint64_t next_delta = 0;  ///< The first that was expected behind the table.
    std::uint32_t next = 0;        ///< Bucket of the next portion.
    bool again = false;            ///< A bucket that was to be the same was not.
    std::deque<Delta> kept;
    std::optional<std::uint64_t> ack;  ///< To be said at the end of the step.
    std::optional<std::uint32_t> portion_ack;
    bool ask = false;  ///< For its table.
  };
  struct Out {
    bool begun = false;  ///< Its table is on the way or there: it gets Deltas.
    bool due = false;    ///< A table has to be sent, from the start.
    bool sending = false;
    std::uint32_t next = 0;
    std::uint32_t in_flight = 0;
    bool behind = false;                 ///< It gets no Deltas until it has asked for the table.
    std::uint64_t base = 0;              ///< The Deltas after this one are sent.
    std::vector<std::uint64_t> digests;  ///< Theirs, as they said last.
  };
  struct Peer {
    In in;
    Out out;
    std::uint64_t acknowledged = 0;
    Duration acknowledged_at{};
    /// Changes of that peer that some members may not have had from it. With unstable_lost there were too
    /// many to keep.
    std::deque<std::pair<std::uint64_t, SpecChange>> unstable;
    bool unstable_lost = false;
    std::uint64_t unstable_from = 0;  ///< Once all hold the Deltas up to this one, none is missing any more.
    bool may_lack = false;  ///< Our table has grown by another node's table since it went to this peer.
  };
  struct Changes {
    std::vector<SpecChange> specs;
    std::vector<InstanceChange> instances;
    std::optional<Member> member;
    [[nodiscard]] bool empty() const { return specs.empty() && instances.empty() && !member; }
  };

  void check_waits_for(Step& s, PeerIndex peer);
  void take_in(Step& s, PeerIndex from, const Delta& delta);
  void relay_unstable(PeerIndex peer);
  void want_table(PeerIndex peer);
  void offer_table(PeerIndex peer);
  void flush_deltas(Step& s);
  void flush_tables(Step& s);
  void send_portion(Step& s, PeerIndex peer);
  [[nodiscard]] Sync make_portion(Step& s, Peer& peer);
  void fill_bucket(Sync& portion, std::uint32_t bucket) const;
  void flush_acks();
  void compare(PeerIndex peer, const Hello& hello);
  [[nodiscard]] std::uint64_t lag_of(const Peer& peer) const;

  Neighbours with_;
  PeerMap<Peer> peers_;
  std::set<PeerIndex> due_;   ///< Peers with something to be sent at the end of the step, besides the Delta.
  std::uint64_t number_ = 0;  ///< Of the last Delta.
  Changes out_;
  std::deque<std::pair<std::uint64_t, std::uint64_t>> weights_;  ///< Delta number, changes up to and with it.
  std::uint64_t weight_ = 0;
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

}  // namespace brood::core
