// Machine: one core, put together from its parts. It owns them and their order; it decides nothing.
//
//            events                                   effects
//              |                                         ^
//   +----------v-----------------------------------------|---------+
//   | members/   links greeting sessions detector joining rejoin    |
//   |            fence roster forgotten reachability quorum views   |
//   |            takeover                                           |
//   | rows/      child_table spec_table rows instances replication  |
//   | balance/   scoreboard assignments                             |
//   | requests/  origins inbox coordinator replay                   |
//   | children/  reconciler locals lockdown crashes losses moves    |
//   |            roles standby drain                                |
//   | handover/  outgoing incoming                                  |
//   | history/   history turnover                                   |
//   | placement/ placement strategies rendezvous                    |
//   +---------------------------------------------------------------+
//
// A step: each event is handled by the part that it concerns (machine_events.cpp), and what a part tells of
// itself is passed on at once (machine_notes.cpp). After each event the agenda is worked through (work(), in
// machine.cpp) for as long as the step's budget lasts; what is left is done in the next step, which
// next_deadline() asks for at once. At the end of the step what the parts have to say leaves (flush()).
//
// Thread rule: none; one thread at a time.
#pragma once

#include <span>

#include "core/balance/assignments.hpp"
#include "core/children/drain.hpp"
#include "core/children/lockdown.hpp"
#include "core/children/order.hpp"
#include "core/children/reconciler.hpp"
#include "core/core.hpp"
#include "core/history/history.hpp"
#include "core/history/turnover.hpp"
#include "core/members/greeting.hpp"
#include "core/members/rejoin.hpp"
#include "core/members/roster.hpp"
#include "core/requests/coordinator.hpp"

namespace brood::core {

class Machine final : public Notes {
 public:
  explicit Machine(Settings settings);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  const Effects& step(std::span<Event> events, const Now& now);
  [[nodiscard]] Duration next_deadline() const;

  // Reading (machine_reading.cpp).
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const Member& self() const { return sessions_.self(); }
  [[nodiscard]] std::vector<Member> members() const;
  [[nodiscard]] const Member* member(const NodeName& node) const;
  [[nodiscard]] std::vector<NodeName> up_nodes() const;
  [[nodiscard]] std::vector<NodeName> ring_nodes() const;
  [[nodiscard]] bool view_confirmed() const { return views_.confirmed(); }
  [[nodiscard]] bool fenced() const { return fence_.is_fenced(); }
  [[nodiscard]] bool partitioned() const { return quorum_.is_locked(); }
  [[nodiscard]] bool rebalancing() const { return assignments_.rebalancing(); }
  [[nodiscard]] PartitionStatus partition() const;
  [[nodiscard]] std::uint64_t view_hash() const { return views_.hash(); }
  [[nodiscard]] const SpecRow* spec(const ChildId& id) const;
  [[nodiscard]] std::vector<Located> instances(const ChildId& id) const;
  void look_up(const ChildId& id, Known& into) const;
  [[nodiscard]] std::vector<ChildId> ids() const;
  [[nodiscard]] std::size_t size() const { return rows_.wanted(); }
  [[nodiscard]] std::optional<NodeName> node_for(const ChildId& key) const;
  [[nodiscard]] std::vector<NodeName> placement(const ChildId& id) const;
  [[nodiscard]] std::vector<ScoreLine> scoreboard() const;
  [[nodiscard]] std::optional<NodeName> leader() const;
  [[nodiscard]] const Stats& stats() const { return stats_; }
  /// Nodes that anything is kept of.
  [[nodiscard]] std::size_t peers() const { return peers_.size(); }
  [[nodiscard]] Footprint footprint() const;
  [[nodiscard]] std::uint64_t table_digest() const;
  [[nodiscard]] HistoryPage history(const HistoryQuery& query) const { return history_.read(query); }
  [[nodiscard]] std::size_t states_not_followed() const { return standby_.not_followed(); }

 private:
  // Events (machine_events.cpp).
  void handle(Step& s, Boot&);
  void handle(Step&, Tick&) {}
  void handle(Step& s, PeerUp& event);
  void handle(Step& s, PeerDown& event);
  void handle(Step& s, ConnectFailed& event);
  void handle(Step& s, PeerMessage& event);
  void handle(Step& s, Started& event);
  void handle(Step& s, StartFailed& event);
  void handle(Step& s, Exited& event);
  void handle(Step& s, RoleTaken& event);
  void handle(Step& s, StuckChanged& event);
  void handle(Step& s, HealthChanged& event);
  void handle(Step& s, Crashing& event);
  void handle(Step& s, Frozen& event) { outgoing_.on_frozen(s, event); }
  void handle(Step& s, FreezeFailed& event) { outgoing_.on_freeze_failed(s, event); }
  void handle(Step& s, Prepared& event) { incoming_.on_prepared(s, event); }
  void handle(Step& s, PrepareFailed& event) { incoming_.on_prepare_failed(s, event); }
  void handle(Step& s, StateSaved& event) { standby_.on_saved(s, event); }
  void handle(Step& s, ClientStart& event) { origins_.start(s, event); }
  void handle(Step& s, ClientStop& event) { origins_.stop(s, event); }
  void handle(Step& s, ClientRetry& event) { origins_.retry(s, event); }
  void handle(Step& s, ClientLookup& event) { origins_.lookup(s, event); }
  void handle(Step& s, ClientGone& event);
  void handle(Step& s, ClientDrain& event) { drain_.ask(s, event, rejoin_.pending()); }
  void handle(Step& s, ClientRoster& event);
  void handle(Step& s, SettingsChanged& event);
  void handle(Step& s, Renamed& event);
  void handle(Step& s, ClientReset& event);
  void handle(Step& s, ClientMove& event) { origins_.move(s, event); }
  void handle(Step& s, ClientForget& event);
  void handle(Step&, LoadMeasured& event) { scoreboard_.measured(event.load); }
  void only_refuse(Step& s, Event& event);

  void take(Step& s, PeerIndex from, Hello& hello) { greeting_.on_hello(s, from, hello, fence_.is_fenced()); }
  void take(Step& s, PeerIndex from, Refusal& refusal) { greeting_.on_refusal(s, from, refusal); }
  void take(Step& s, PeerIndex from, SyncRequest& request) { replication_.on_sync_request(s, from, request); }
  void take(Step& s, PeerIndex from, Sync& portion) { replication_.on_sync(s, from, portion); }
  void take(Step& s, PeerIndex from, SyncAck& ack) { replication_.on_sync_ack(s, from, ack); }
  void take(Step& s, PeerIndex from, Behind&) { replication_.on_behind(s, from); }
  void take(Step& s, PeerIndex from, Delta& delta) { replication_.on_delta(s, from, delta); }
  void take(Step& s, PeerIndex from, DeltaAck& ack) { replication_.on_ack(s, from, ack); }
  void take(Step& s, PeerIndex from, View& view) { views_.on_view(s, from, view); }
  void take(Step&, PeerIndex from, Probe& probe) { fence_.on_probe(from, probe); }
  void take(Step& s, PeerIndex from, Through& through) { replication_.on_through(s, from, through); }
  void take(Step& s, PeerIndex from, Taken& taken);
  void take(Step& s, PeerIndex from, Have& have) { replication_.on_have(s, from, have); }
  void take(Step& s, PeerIndex from, Want& want) { replication_.on_want(s, from, want); }
  void take(Step& s, PeerIndex from, ProbeAck& ack);
  void take(Step&, PeerIndex from, Obituary& obituary) { detector_.on_obituary(from, obituary); }
  void take(Step& s, PeerIndex from, Goodbye&);
  void take(Step& s, PeerIndex from, CensusNews& news);
  void take(Step& s, PeerIndex, StartRequest& request) { coordinator_.enqueue(s, std::move(request)); }
  void take(Step& s, PeerIndex, StopRequest& request) { coordinator_.enqueue(s, std::move(request)); }
  void take(Step& s, PeerIndex, RetryRequest& request) { coordinator_.enqueue(s, std::move(request)); }
  void take(Step& s, PeerIndex, LookupRequest& request) { coordinator_.enqueue(s, std::move(request)); }
  void take(Step& s, PeerIndex, MoveRequest& request) { coordinator_.enqueue(s, std::move(request)); }
  void take(Step&, PeerIndex from, LoadReport& report) { scoreboard_.told(from, report.load); }
  void take(Step& s, PeerIndex, Answer& answer);
  void take(Step& s, PeerIndex from, Handovers& handovers);
  void take(Step& s, PeerIndex from, Offer& offer) { incoming_.on_offer(s, from, offer); }
  void take(Step& s, PeerIndex from, OfferAnswer& answer) { outgoing_.on_answer(s, from, answer); }
  void take(Step& s, PeerIndex from, Commit& commit) { incoming_.on_commit(s, from, commit); }
  void take(Step& s, PeerIndex from, Withdrawal& withdrawal) { incoming_.on_withdrawal(s, from, withdrawal); }

  void take(Step& s, PeerIndex from, Follow& follow) { standby_.on_follow(s, from, follow); }
  void take(Step& s, PeerIndex from, FollowAnswer& answer) { standby_.on_answer(s, from, answer); }
  void take(Step& s, PeerIndex from, StateAsk& ask) { standby_.on_ask(s, from, ask); }
  void take(Step& s, PeerIndex from, StateTell& tell) { standby_.on_tell(s, from, tell); }

  // The step (machine.cpp).
  void keep_time(Step& s);
  void on_time(Step& s);
  void work(Step& s);
  [[nodiscard]] bool work_in_turn(Step& s);
  void become_up_if_ready(Step& s);
  void take_or_keep(Step& s, PeerIndex from, MessageBody& body);
  void take_late(Step& s);
  void take_kept(Step& s);
  /// Those that are to start after the child, and wait for it.
  void look_at_those_after(const Child& child);
  void look_for_cuts(Step& s);
  void look_at_view(Step& s);
  void learn_from_obituary(Step& s, PeerIndex peer, const Loss& loss);
  void look_at_next(Step& s);
  void look_at(Step& s, Child& child);
  /// Those of them that are touched, ahead of all others.
  void look_first(Step& s, const std::vector<ChildId>& ids);
  /// One request of each kind, where it is their turn. False: it is not.
  bool serve_request(Step& s);
  void tell_origins(Step& s);
  void work_on_drain(Step& s);
  /// This node rejoins, or is in a part that may not run children: these end behind the fence.
  [[nodiscard]] bool holds_fence() const;
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] bool is_moving_on() const;
  void flush(Step& s);
  void reap();

  // Notes (machine_notes.cpp).
  void channel_changed(Step& s, PeerIndex peer) override;
  void greeted(Step& s, PeerIndex peer, const Hello& hello, bool fresh) override;
  void session_began(Step& s, PeerIndex peer) override;
  void session_ended(Step& s, PeerIndex peer, const Loss& loss) override;
  void own_session_ended(Step& s, bool keeps, const std::string& words) override;
  void member_changed(Step& s, PeerIndex peer) override;
  void meeting_failed(Step& s, const NodeName& node, bool may_be_there) override;
  void stays_out(Step& s) override;
  void forgotten(Step& s, const NodeName& node) override;
  void fenced(Step& s, const std::string& words) override;
  void unfenced(Step& s) override;
  void lock_changed(Step& s) override;
  void view_changed(Step& s) override;
  void view_said(Step& s, PeerIndex peer, std::uint64_t hash) override;
  void may_act(Step& s, bool anew) override;
  void touched(Step& s, Child& child) override;
  void row_begins(const Child& child) override;
  void row_ends(const Child& child, const SpecRow& row) override { takeover_.row_ends(child, row); }
  void row_changed(Step& s, const Child& child, const SpecChange& change) override;
  void instance_told(Step& s, Child& child, const InstanceNews& news) override;
  void instance_changed(Step& s, Child& child, const Bytes& detail) override;
  void instance_lost(Step& s, Child& child, const Instance& instance, const Loss& loss) override;
  void handed_over(Step& s, Child& child) override;
  void must_end(Step& s, Child& child) override;
  void arrived(Step& s, Child& child, const Arrival& arrival) override;
  void request_finished(Step& s, const RequestKey& request, const ChildId& id, const Epoch& floor) override;
  void caught_up(Step& s, PeerIndex peer) override;
  void retried(Step& s, Child& child) override;
  void lost_for_good(Step& s, Child& child) override;
  [[nodiscard]] bool has_not_seen(const Step& s, const Member& other, const Loss& loss) const;
  void late_change(Step& s, const SpecChange& change) override;
  void outcome(Step& s, const RequestKey& request, std::uint64_t view, Outcome outcome) override;

  Settings settings_;
  Now now_;
  Clock clock_;
  Effects effects_;
  Stats stats_;
  struct Told {
    RequestKey request;
    std::uint64_t view;
    Outcome outcome;
  };
  std::vector<Told> told_;    ///< What this node's coordinator has to tell this node's own clients.
  std::set<PeerIndex> reap_;  ///< Nodes to look at when the step ends: perhaps nothing of them must be kept.
  std::size_t turn_ = 0;      ///< Of the part of the agenda that is served in turn.
  std::size_t looked_ = 0;    ///< Children looked at since a request had its turn.
  bool congested_ = false;    ///< A member has much to take in; see Replication::is_congested.
  bool timed_ = false;        ///< Time has been looked after in this step.

  // The parts, each after those that it is built on.
  PeerTable peers_;
  Links links_;
  ChildTable children_;
  Replay replay_;
  Barrier barrier_;
  Replication replication_;
  Sessions sessions_;
  Rows rows_;
  Instances instances_;
  Fence fence_;
  Joining joining_;
  Detector detector_;
  Greeting greeting_;
  Roster roster_;
  Forgotten forgotten_;
  Reachability reachability_;
  Quorum quorum_;
  Views views_;
  Takeover takeover_;
  HeldStates held_states_;
  Scoreboard scoreboard_;
  Assignments assignments_;
  Locals locals_;
  Lockdown lockdown_;
  Rejoin rejoin_;
  Crashes crashes_;
  Losses losses_;
  Moves moves_;
  Standby standby_;
  Partners partners_;
  Order order_;
  Roles roles_;
  Outgoing outgoing_;
  Incoming incoming_;
  Reconciler reconciler_;
  Drain drain_;
  Origins origins_;
  Coordinator coordinator_;
  History history_;
  Turnover turnover_;
};

/// All of Core's state; the extra name keeps the machine out of the public header.
struct Core::State {
  explicit State(Settings settings) : machine(std::move(settings)) {}
  Machine machine;
};

}  // namespace brood::core
