// Machine: the tables of one core and everything it does with them. core.cpp dispatches to it; each concern
// has a file of its own (named beside its functions below).
//
// One step: each event is handled (which touches ids), then time and membership are looked after, then the
// touched ids are reconciled; at the end of the step flush() turns what was noted into effects, in this order
// per peer: Hello, Delta, Sync, DeltaAck, View, the rest. That order carries the promise that whoever holds a
// View of a node holds every row the node wrote before.
//
//   member state:  joining -> up -> draining -> left
//                    ^________|________|          a session that others declared over: join anew, fenced
//
// Thread rule: none; one thread at a time.
#pragma once

#include <deque>
#include <span>

#include "core/core.hpp"
#include "core/hlc.hpp"
#include "core/inbox.hpp"
#include "core/peer.hpp"
#include "core/placement.hpp"
#include "core/requests.hpp"
#include "core/spec_table.hpp"
#include "core/strategies.hpp"

namespace brood::core {

/// A loss that concerns a child, until its row shows what follows from it.
struct LossMark {
  Dot birth;  ///< The row as it was; any other ends the mark.
  Blame before;
  NodeName node;
  bool temporary = false;  ///< Not started again: its coordinator removes the row.
  Blame added;             ///< What the loss adds to it.
  bool counted = false;    ///< This node, its coordinator, has written the loss.
  Duration start_at{};
};

/// How another node's session ended.
enum class Ending : std::uint8_t {
  left,    ///< In good order.
  died,    ///< It is proven that the node's process ended, or that it began anew.
  silent,  ///< Nothing came from it for the tick time-out.
};

class Machine {
 public:
  explicit Machine(Settings settings);
  const Effects& step(std::span<const Event> events, const Now& now);
  [[nodiscard]] Duration next_deadline() const;

  // Reading (reading.cpp).
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const Member& self() const { return *peers_[self_index].member; }
  [[nodiscard]] std::vector<Member> members() const;
  [[nodiscard]] const Member* member(const NodeName& node) const;
  [[nodiscard]] std::vector<NodeName> up_nodes() const;
  [[nodiscard]] bool view_confirmed() const { return confirmed_; }
  [[nodiscard]] bool fenced() const { return fenced_; }
  [[nodiscard]] std::uint64_t view_hash() const { return view_hash_; }
  [[nodiscard]] const SpecRow* spec(const ChildId& id) const { return table_.row(id); }
  [[nodiscard]] std::vector<Located> instances(const ChildId& id) const;
  [[nodiscard]] std::vector<ChildId> ids() const;
  [[nodiscard]] std::size_t size() const { return table_.wanted(); }
  [[nodiscard]] std::optional<NodeName> node_for(const ChildId& key) const;
  [[nodiscard]] std::vector<NodeName> placement(const ChildId& id) const;
  [[nodiscard]] const Core::Stats& stats() const { return stats_; }

 private:
  // Events and time (machine.cpp).
  void keep_time(const Now& now);
  void only_refuse(const Event& event);
  void after_event();
  void on_timers();
  void handle(const Boot&);
  void handle(const Tick&) {}
  void handle(const SettingsChanged& event);
  void handle(const PeerMessage& event);
  void join_seeds();
  void wake(const ChildId& id, Duration at);
  void log(LogLevel level, std::string text);
  [[nodiscard]] Cause cause() const { return {stats_.steps, event_}; }

  // A new name for this node (rename.cpp).
  void handle(const Renamed& event);
  /// A request of this node, also one from before it had its name.
  [[nodiscard]] bool is_own(const RequestKey& request) const;

  // Channels and members (members.cpp, hello.cpp, sessions.cpp).
  void handle(const PeerUp& event);
  void handle(const PeerDown& event);
  void handle(const ConnectFailed& event);
  PeerIndex peer_index(const NodeName& node);
  [[nodiscard]] PeerIndex find_peer(const NodeName& node) const;
  static void reset_channel(Peer& peer);
  void connect(Peer& peer);
  void tend_peers();
  void judge(Peer& peer);
  void join_anew();
  void give_up_meeting(Peer& peer);
  void ask_all_for_rows();
  void maybe_become_up();
  [[nodiscard]] bool may_become_up() const;
  void become_up();
  void self_changed();  ///< Our own member row changed: a new version, to all.
  void on_message(PeerIndex from, const Hello& hello);
  void on_message(PeerIndex from, const Refusal& refusal);
  [[nodiscard]] Hello make_hello(const Peer& to) const;
  [[nodiscard]] std::string difference(const Member& other) const;
  void refuse(Peer& peer, const std::string& why);
  void accept(PeerIndex from, const Hello& hello);
  void introduce(Peer& newcomer);
  void learn(const SessionId& session, const std::string& address);
  void check_digest(Peer& peer, const Hello& hello);
  void on_message(PeerIndex from, const Goodbye& goodbye);
  void end_session(PeerIndex index, Ending how, const std::string& words);
  void relay_unstable(Peer& peer);
  void drop_instances(PeerIndex index, std::vector<std::pair<ChildId, Instance>>* dropped);
  void update_member(Peer& peer, const Member& row);
  void ask_anew(Peer& peer);
  void session_over(bool keep_children, const std::string& words);

  // Fencing (fence.cpp).
  void check_gap(Duration gap);
  void forgive(Duration gap);
  void tend_fence();
  void fence(const std::string& words);
  void send_probes(bool all);
  void maybe_unfence();
  void unfence();
  bool gave_up();
  void on_message(PeerIndex from, const Probe& probe);
  void on_message(PeerIndex from, const ProbeAck& ack);
  [[nodiscard]] bool has_members() const;

  // Views (views.cpp).
  void tend_view();
  void refresh_view();
  void set_ring();
  void check_confirmed();
  [[nodiscard]] std::string unconfirmed_names() const;
  void reconcile_view();
  void on_message(PeerIndex from, const View& view);
  /// Whether this node may act on the present view.
  [[nodiscard]] bool acting() const;

  // Rows (sync.cpp).
  void on_message(PeerIndex from, const SyncRequest& request);
  void on_message(PeerIndex from, const Sync& sync);
  void on_message(PeerIndex from, const Delta& delta);
  void on_message(PeerIndex from, const DeltaAck& ack);
  void replace_instances(PeerIndex from, const Sync& sync);
  void apply_instance(PeerIndex from, const InstanceChange& change);
  void publish(const ChildId& id, Bytes detail = {});
  void write_row(const ChildId& id, SpecRow row, bool new_birth);
  void remove_row(const ChildId& id, const RequestKey& request = {});
  [[nodiscard]] bool replicated(std::uint64_t number) const;
  /// The number of the Delta that has all changes up to now.
  [[nodiscard]] std::uint64_t newest_change() const { return delta_number_ + (out_dirty_ ? 1 : 0); }
  void settle_replicated();
  void touch_stops(const Peer& peer);
  void witness(Hlc clock);
  [[nodiscard]] Epoch new_epoch(const Child& child);
  void touch(const ChildId& id) { touched_.push_back(id); }
  void changed(const ChildId& id) { effects_.changed.push_back(id); }

  // The end of a step (flush.cpp).
  void flush();
  void flush_delta();
  void flush_answers();
  void send(Peer& peer, MessageBody body);
  void send_members(const MessageBody& body);
  [[nodiscard]] std::shared_ptr<Sync> make_sync(bool with_rows) const;

  // Requests at the client's node (origin.cpp).
  void handle(const ClientStart& event);
  void handle(const ClientStop& event);
  void handle(const ClientRetry& event);
  void handle(const ClientLookup& event);
  void handle(const ClientGone& event);
  Origin& new_origin(RequestKind kind, ClientId client);
  void open_origin(Origin& origin);
  void dispatch(Origin& origin, PeerIndex again);
  void dispatch_all(PeerIndex again);
  void ask(Origin& origin, PeerIndex coordinator, const std::vector<ChildId>& ids);
  void pass_on(PeerIndex to, Request request);
  void on_message(PeerIndex from, const Answer& answer);
  void take_outcome(const RequestKey& request, std::uint64_t view, Outcome outcome);
  void settle_outcomes();
  [[nodiscard]] bool shows(RequestKind kind, const Outcome& outcome) const;
  void release_held(const ChildId& id);
  void forget_held(const ChildId& id, std::uint64_t number);
  void reply(Origin& origin, Outcome outcome);
  void tend_origins();
  void end_origins();
  void end_origin(Origin& origin, const Error& error);

  // Requests at the coordinator (coordinator.cpp, settle.cpp).
  void on_message(PeerIndex from, const StartRequest& request);
  void on_message(PeerIndex from, const StopRequest& request);
  void on_message(PeerIndex from, const RetryRequest& request);
  void on_message(PeerIndex from, const LookupRequest& request);
  void on_message(PeerIndex from, const Obituary& obituary);
  void enqueue(Request request);
  [[nodiscard]] static std::vector<ChildId> ids_of(const Request& request);
  template <typename R, typename Ids, typename Make>
  void forward(const R& request, const Ids& ids, const Make& make);
  [[nodiscard]] bool answered(const RequestKey& request, const ChildId& id);
  void tend_works();
  void drain_inbox();
  void coordinate(StartRequest& request);
  void coordinate(StopRequest& request);
  void coordinate(RetryRequest& request);
  void coordinate(LookupRequest& request);
  [[nodiscard]] bool is_coordinator(const ChildId& id) const;
  void start_one(const LaterStart& start);
  void start_known(const LaterStart& start, const SpecRow& row, Work& work);
  void start_fresh(const LaterStart& start, Work& work);
  void replace(const LaterStart& start, const SpecRow& row, Work& work);
  [[nodiscard]] bool being_replaced(const ChildId& id) const;
  void stop_replacement(const ChildId& id, Work& work, const RequestKey& request);
  void stop_one(const ChildId& id, const RequestKey& request);
  void end_row(const ChildId& id, Work& work, const RequestKey& request);
  [[nodiscard]] bool asked_now(const Request& request) const;
  void forget_asked_before(const NodeName& node, std::uint64_t view);
  void note_asked(const Request& request);
  bool remember_finished(const RequestKey& request, const ChildId& id);
  [[nodiscard]] bool is_finished(const RequestKey& request, const ChildId& id) const;
  [[nodiscard]] std::optional<Error> cannot_start(const LaterStart& start) const;
  void add_wait(const ChildId& id, Work& work, StartWait wait);
  void answer(const RequestKey& request, Outcome outcome);
  [[nodiscard]] Outcome located(const ChildId& id, const Epoch& after) const;
  void note_running(const ChildId& id);
  void settle(const ChildId& id);
  void settle_starts(const ChildId& id, Work& work);
  void settle_stops(const ChildId& id, Work& work);
  [[nodiscard]] const Instance* failed_start(const ChildId& id, const Epoch& after) const;
  void drop_works();
  void note_late_update(const SpecChange& change);
  void add_starter(const ChildId& id, StopWait& wait, PeerIndex index);
  [[nodiscard]] bool starters_know(const StopWait& wait) const;

  // Reconciling (reconcile.cpp), crashes (crash.cpp), losses (loss.cpp), draining (drain.cpp).
  void settle_touched();
  void reconcile(const ChildId& id);
  void tend_own(const ChildId& id, Child& child);
  void acquit(const ChildId& id, const SpecRow& row);
  void clear_suspicion(const ChildId& id, const Own& own, const SpecRow& row);
  void maybe_start(const ChildId& id, Child& child);
  [[nodiscard]] PeerIndex place_of(const Child& child) const;
  void start_here(const ChildId& id, Child& child);
  void start_again(const ChildId& id, Child& child);
  void end_own(const ChildId& id, Child& child, StopWhy why);
  void drop_own(const ChildId& id, Child& child, Bytes detail = {});
  void release(const ChildId& id, Child& child);
  void tend_moves();
  void moved(const ChildId& id);
  bool resolve_conflict(const ChildId& id, Child& child, PeerIndex place);
  [[nodiscard]] bool may_restart() const;
  void handle(const Started& event);
  void handle(const StartFailed& event);
  void handle(const Exited& event);
  void handle(const StuckChanged& event);
  void handle(const Crashing& event);
  [[nodiscard]] Child* own_child(const ChildId& id, const Epoch& epoch);
  struct Failure;
  void on_failure(const ChildId& id, Child& child, const Failure& failure);
  void end_for_good(const ChildId& id, Child& child);
  void move_away(const ChildId& id, Child& child, const std::string& reason);
  [[nodiscard]] std::map<ChildId, Blame> blame_for(
      const Peer& peer, Ending how, const std::vector<std::pair<ChildId, Instance>>& lost) const;
  void note_loss(const Peer& peer, Ending how, const SessionId& session,
                 const std::vector<std::pair<ChildId, Instance>>& lost);
  /// Writes what follows from a loss, if that is for this node to do. False: the child must not start now.
  bool tend_loss(const ChildId& id, Child& child);
  void handle(const ClientDrain& event);
  void begin_drain();
  void tend_drain();
  bool refuse_impossible_drain();
  [[nodiscard]] bool only_homeless_left() const;
  void leave();
  void refuse_drain(const std::string& why);

  Settings settings_;
  Strategies strategies_ = built_in_strategies();
  Now now_;
  Clock clock_;
  Effects effects_;
  Core::Stats stats_;
  std::string_view event_ = "boot";

  std::deque<Peer> peers_;  ///< 0 is this node; never shrinks, so that indices stay.
  std::map<NodeName, PeerIndex> peer_names_;
  bool booted_ = false;
  Duration form_at_{};
  bool refused_ = false;
  std::size_t check_turn_ = 0;
  Duration next_check_ = Duration::max();

  bool fenced_ = false;
  bool give_up_ = false;   ///< Woken after its session was over: gives up what runs elsewhere.
  bool given_up_ = false;  ///< It has told them to end.
  Duration give_up_until_{};
  std::set<ChildId> giving_up_;
  std::uint64_t nonce_ = 0;
  Duration heard_{};  ///< When anything last came from a member; monotonic.
  Duration next_probe_ = Duration::max();
  std::size_t probe_turn_ = 0;

  Placement ring_;
  bool view_dirty_ = true;
  std::uint64_t view_hash_ = 0;
  bool confirmed_ = false;
  bool forced_ = false;  ///< Not confirmed within view_wait: go on as if.
  Duration unconfirmed_since_{};
  std::uint64_t reconciled_view_ = 0;
  bool reconcile_all_ = false;
  std::vector<ChildId> waiting_;  ///< Touched while this node could not act.

  SpecTable table_;
  std::vector<ChildId> touched_;
  std::set<std::pair<Duration, ChildId>> timers_;
  std::uint64_t delta_number_ = 0;  ///< Of the last Delta.
  Delta out_;                       ///< The Delta of this step.
  bool out_dirty_ = false;
  std::map<ChildId, LossMark> losses_;
  std::map<ChildId, Duration> moving_;  ///< Released by us, and until when we wait to see it run again.
  std::set<ChildId> release_queue_;
  std::map<ChildId, Duration> handover_;  ///< We wait for its instance elsewhere, since.

  std::optional<std::pair<NodeName, std::uint32_t>> former_;  ///< Name and creation before Renamed.
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, Origin> origins_;
  struct Taken {
    RequestKey request;
    std::uint64_t view = 0;
    Outcome outcome;
  };
  std::vector<Taken> outcomes_;  ///< For requests of this node.
  std::map<ChildId, std::set<std::uint64_t>> held_;
  std::set<std::tuple<Duration, ChildId, std::uint64_t>> held_until_;
  std::set<std::pair<Duration, std::uint64_t>> repeats_;
  /// With the greatest epoch that was known when it was finished: what a stop has ended is not newer.
  std::map<std::pair<RequestKey, ChildId>, Epoch> finished_;
  std::deque<std::pair<Duration, std::pair<RequestKey, ChildId>>> finished_order_;
  std::map<RequestKey, std::uint64_t> asked_in_;  ///< The view in which a request was asked last.
  std::deque<std::pair<Duration, RequestKey>> asked_order_;
  Inbox inbox_;
  std::deque<std::pair<Duration, ChildId>> works_until_;
  std::map<std::pair<RequestKey, ChildId>, Outcome>
      done_;  ///< Answers of late, for requests that are repeated.
  std::deque<std::pair<Duration, std::pair<RequestKey, ChildId>>> done_order_;
  std::map<ChildId, Work> works_;
  std::set<ChildId> with_later_;  ///< Of works_, those that have starts for later.
  std::multimap<std::uint64_t, ChildId> unacked_;
  std::set<std::tuple<NodeName, std::uint64_t, ChildId>>
      stop_acks_;  ///< Stops that wait for that node's ack.
  std::map<RequestKey, std::vector<Outcome>> answers_;
  std::map<ChildId, Bytes> details_;  ///< Exit reasons of starts that failed in this step.
  std::vector<std::pair<PeerIndex, MessageBody>> out_messages_;
  std::map<ClientId, std::size_t> replies_;  ///< Index in effects_.replies.
  std::vector<ClientId> drainers_;
  std::size_t own_count_ = 0;
  Duration drain_at_{};
  bool drain_for_good_ = false;
  bool left_ = false;
};

/// All of Core's state; the extra name keeps the machine out of the public header.
struct Core::State {
  explicit State(Settings settings) : machine(std::move(settings)) {}
  Machine machine;
};

}  // namespace brood::core
