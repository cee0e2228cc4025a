// Coordinator: the requests about those ids that this node decides about, one after the other, while it may
// act by its view (Views::acting()). What comes at other times waits in the inbox.
//
// Owns: the inbox, what is open for each id (Child::work_). Reads: views, instances, who holds what. Asks
// rows. Tells: outcome (for this node's own clients), touched. coordinator.cpp takes requests, starts.cpp,
// replacing.cpp, stops.cpp and moves.cpp act on them, waits.cpp answers them.
// Thread rule: none; owned by one core.
#pragma once

#include "core/balance/assignments.hpp"
#include "core/members/takeover.hpp"
#include "core/members/views.hpp"
#include "core/requests/inbox.hpp"
#include "core/requests/origins.hpp"
#include "core/requests/replay.hpp"
#include "core/rows/replication.hpp"

namespace brood::core {

class Coordinator final : public LocalCoordinator {
 public:
  struct Neighbours {
    ChildTable& children;
    const Instances& instances;
    Rows& rows;
    Assignments& assignments;
    Replication& replication;
    Replay& replay;
    const Origins& origins;
    const Views& views;
    const Sessions& sessions;
    const Links& links;
    const PeerTable& peers;
    Takeover& takeover;
    Sender& sender;
    Notes& notes;
  };
  explicit Coordinator(const Neighbours& neighbours) : with_(neighbours) {}

  [[nodiscard]] bool any() const { return !open_.empty() || !inbox_.empty(); }
  void enqueue(Step& s, Request request) override;
  bool keep(Step& s, const Asked& asked, const ChildId& id) override;
  [[nodiscard]] bool has_work() const { return !inbox_.empty() && with_.views.acting(); }
  /// How many children work() is about next, and which.
  [[nodiscard]] std::size_t next_size() const { return inbox_.next_size(); }
  void each_next(const std::function<void(const ChildId&)>& look) const { inbox_.each_next(look); }
  /// Takes one request from the inbox.
  void work(Step& s);

  /// An instance has changed, so that one that ran for a moment only is seen too.
  void note_instance(Child& child, const Bytes& detail);
  /// Something about the child has changed: what waits for that is answered.
  void look(Step& s, Child& child);
  /// A node asks again in each of its views.
  void forget_asked_before(const NodeName& node, std::uint64_t view);
  /// The children were given anew: whoever asked for that is told.
  void rebalanced(Step& s);
  /// The view is another, and with it what this node decides.
  void drop_others();
  /// This node's session is over: others have decided since, and whoever asked here asks again.
  void drop_all();
  void note_late(Step& s, const SpecChange& change);
  /// The table of a member was taken in, in place of what it has changed.
  void note_table(PeerIndex from);

  void on_time(Step& s);
  /// Looks once more at all that waits.
  void look_at_open(Step& s);
  [[nodiscard]] Duration deadline() const {
    return std::min(until_.empty() ? Duration::max() : until_.front().first,
                    soon_.empty() ? Duration::max() : soon_.front().first);
  }
  /// A child that is not started again was lost with its node: its row goes, and no other is written before
  /// those who may start it know.
  void remove(Step& s, Child& child);
  /// Sends the answers of this step.
  void flush();

 private:
  void coordinate(Step& s, StartRequest& request);
  void coordinate(Step& s, StopRequest& request);
  void coordinate(Step& s, RetryRequest& request);
  void coordinate(Step& s, LookupRequest& request);
  void coordinate(Step& s, MoveRequest& request);
  void pass_to_hosts(Step& s, const RetryRequest& request, const Child& child);
  template <typename R, typename Ids, typename Make>
  void forward(Step& s, const R& request, const Ids& ids, const Make& make);
  [[nodiscard]] bool is_mine(const ChildId& id) const {
    return with_.views.placement().coordinator(id) == self_index;
  }
  [[nodiscard]] bool is_mine(const Child& child) const {
    return with_.views.placement().coordinator(child.id) == self_index;
  }
  [[nodiscard]] bool is_asked_now(const Step& s, const Request& request) const;

  void answer(Step& s, const Asked& asked, Outcome outcome);
  void fail(Step& s, const Asked& asked, const ChildId& id, Errc code, std::string words);
  void fail(Step& s, const Asked& asked, const ChildId& id, Error error);
  [[nodiscard]] bool answered_before(Step& s, const Asked& asked, const ChildId& id);

  // starts.cpp
  void start(Step& s, const ChildId& id, const LaterStart& start);
  void start_known(Step& s, const LaterStart& start, Child& child);
  void start_fresh(Step& s, const LaterStart& start, Child& child);
  [[nodiscard]] std::optional<Error> cannot_start(const Settings& settings, const ChildId& id,
                                                  const LaterStart& start) const;
  void add(Step& s, Child& child, StartWait wait);

  // moves.cpp
  [[nodiscard]] std::optional<Error> move(const Child& child, SpecRow& row, const MoveRequest& request) const;
  [[nodiscard]] std::optional<Error> give_back(SpecRow& row) const;
  void rebalance(Step& s, const Asked& asked, const ChildId& id);

  // replacing.cpp
  void replace(Step& s, const LaterStart& start, Child& child);
  void follow(Step& s, const LaterStart& start, Child& child);
  [[nodiscard]] bool stays_on_its_node(const Child& child, const SpecRow& next) const;
  void go_on_replacing(Step& s, Child& child);
  void begin_replacement(Step& s, Child& child);

  // stops.cpp
  /// Who may run a child whose row ends: members, and lost ones that may still on the other side of a split.
  struct Starters {
    std::vector<PeerIndex> members;
    std::vector<SessionId> lost;
  };
  void stop(Step& s, Child& child, const Asked& asked);
  void fail_all(Step& s, Child& child);
  void end_row(Step& s, Child& child, const Asked& asked);
  void wait_for_starters(Step& s, Child& child, const Asked& asked, const Starters& starters);
  void add(Step& s, Child& child, StopWait wait);
  void add_starter(const Child& child, StopWait& wait, PeerIndex peer);
  [[nodiscard]] bool has_starter(const StopWait& wait, PeerIndex peer) const;
  [[nodiscard]] Starters starters_of(const Step& s, const Child& child, const SpecRow& row);

  // waits.cpp
  void look_at_starts(Step& s, Child& child, Work& work);
  [[nodiscard]] bool look_at_stops(Step& s, Child& child, Work& work);
  [[nodiscard]] bool starters_know(const StopWait& wait) const;
  [[nodiscard]] Outcome located(const Child& child, const Epoch& after, bool now) const;
  [[nodiscard]] Outcome located(const Child& child, const StartWait& wait) const;
  /// As far as this node holds what the hosts have changed. What is on its way may be its end.
  [[nodiscard]] Outcome located_now(const Child& child) const { return located(child, {}, true); }
  /// It waits to be started again where it ran.
  [[nodiscard]] static bool pauses(const Instance* instance) {
    return instance && instance->phase == Phase::restarting;
  }
  [[nodiscard]] bool pauses(const Child& child) const;  ///< An instance of it does.
  [[nodiscard]] const Instance* failed_start(const Child& child, const Epoch& after) const;
  /// It has run where it waits to be started again: the start was done, and may have been answered.
  [[nodiscard]] bool has_run(const Child& child) const;
  [[nodiscard]] bool have_come(const Child& child, const Epoch& after) const;
  [[nodiscard]] bool wait_for_others(const Step& s, const Child& child, StartWait& wait);
  /// Another member holds what the start has written, or does before it can tell its client of it.
  [[nodiscard]] bool is_safe(Child& child, StartWait& wait);
  [[nodiscard]] bool asker_holds(const StartWait& wait) const;
  void count_acks(Child& child, StartWait& wait);

  Work& work_of(Child& child);
  void close_if_done(Child& child);
  /// Until when something of that child waits that is heard of now.
  [[nodiscard]] Duration wait_until(const Step& s, const Child& child);

  Neighbours with_;
  Inbox inbox_;
  std::set<ChildRef> open_;        ///< Those with work.
  std::set<ChildRef> with_later_;  ///< Of them, those with starts for later.
  std::deque<std::pair<Duration, ChildRef>> until_;
  std::deque<std::pair<Duration, ChildRef>> soon_;  ///< Starts that wait for the other instances.
  std::vector<std::pair<Asked, ChildId>> rebalances_;
  std::map<std::pair<RequestKey, std::uint64_t>, std::vector<Outcome>> answers_;  ///< By request and view.
};

// Passes on what is another's to decide; `make` builds a request for some ids of this one.
template <typename R, typename Ids, typename Make>
void Coordinator::forward(Step& s, const R& request, const Ids& ids, const Make& make) {
  std::map<PeerIndex, std::vector<std::size_t>> others;
  for (std::size_t i = 0; i < ids.size(); ++i)
    others[with_.views.placement().coordinator(ids[i])].push_back(i);
  for (const auto& [peer, positions] : others) {
    if (peer == no_peer || request.forwards >= s.settings.forwards_max) {
      for (const std::size_t i : positions)
        fail(s, {request.request, request.view}, ids[i], Errc::busy,
             "no coordinator could be agreed on; try again");
      continue;
    }
    R passed = make(positions);
    ++passed.forwards;
    if constexpr (requires { passed.specs; })
      if (peer != self_index) s.effects.forwarded.push_back({with_.peers.name(peer), passed.specs});
    if (peer == self_index)
      enqueue(s, Request(std::move(passed)));
    else
      with_.sender.send(peer, std::move(passed));
  }
}

}  // namespace brood::core
