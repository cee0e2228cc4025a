// Incoming: this node's half of the hand-overs by which children come to it with what they hold.
//
//      Offer             Prepared               Commit
//   ---------> preparing -------> ready ------------------> (runs here: arrived)
//                  |                |    the source's session is over: the same     `seen` to the source,
//                  once |                |                                              all members hold the
//                  row |                |  Withdrawal, the process has ended, this node's own session is over
//                  v                v
//               (none: the source goes on, or the child starts anew)
//
// What is ready never runs while the source may: it waits for its Commit, and asks for it. Only when the
// source's session has ended it runs without one, and, where its end is not proven, only when the other side
// of a split must have ended it. The other half is outgoing.hpp.
//
// Owns: what is being taken over. Reads: views (placement), sessions, links. Asks the driver (effects).
// Tells: arrived, touched. Thread rule: none; owned by one core.
#pragma once

#include "core/members/views.hpp"
#include "core/rows/instances.hpp"
#include "core/rows/replication.hpp"
#include "core/rows/rows.hpp"

namespace brood::core {

class Incoming {
 public:
  struct Neighbours {
    ChildTable& children;
    Instances& instances;
    const Rows& rows;
    Replication& replication;
    const Views& views;
    const Sessions& sessions;
    const Links& links;
    Sender& sender;
    Notes& notes;
  };
  explicit Incoming(const Neighbours& neighbours) : with_(neighbours) {}

  void on_offer(Step& s, PeerIndex from, Offer& offer);
  void on_commit(Step& s, PeerIndex from, const Commit& commit);
  void on_withdrawal(Step& s, PeerIndex from, const Withdrawal& withdrawal);
  void on_prepared(Step& s, const Prepared& event);
  void on_prepare_failed(Step& s, const PrepareFailed& event);

  /// The child is being taken over: nobody may start it here.
  [[nodiscard]] bool expects(const Child& child) const {
    return !coming_.empty() && coming_.find(child.ref) != coming_.end();
  }
  /// The child's row has changed, or more members hold what this node said of it.
  void look(Step& s, const Child& child);
  [[nodiscard]] bool any() const { return !coming_.empty(); }

  void session_began(Step& s, PeerIndex peer);
  /// `hold`: how long the source may still run it, as far as anybody knows (takeover_delay()).
  void session_ended(Step& s, PeerIndex peer, bool goes_on, Duration hold);
  /// This node's session is over, or its part of the cluster may not run children.
  void discard_all(Step& s);
  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const {
    return timers_.empty() ? Duration::max() : timers_.begin()->first;
  }

 private:
  struct Coming {
    PeerIndex from = no_peer;
    bool orphan = false;  ///< The source's session is over.
    Epoch source;         ///< Of the instance that leaves.
    std::uint64_t attempt = 0;
    bool ready = false;
    Duration until = Duration::max();  ///< The next time to ask for the Commit.
    Duration open_at{};                ///< Without one, once the source's session is over.
    Arrival arrival;
  };
  /// It runs here, and the source still says that it has moved.
  struct Arrived {
    PeerIndex from = no_peer;
    Epoch source;
    std::uint64_t attempt = 0;
    std::uint64_t number = 0;  ///< Of the Delta that says that it runs here.
  };
  using Entry = std::map<ChildRef, Coming>::iterator;

  /// Why the child cannot come here now; nullopt: it can.
  [[nodiscard]] std::optional<OfferAnswer> objection(const Child* child, const Offer& offer) const;
  [[nodiscard]] Entry find(const ChildId& id, const Epoch& epoch);
  [[nodiscard]] bool is_needed(const Child& child) const;
  void say_ready(Step& s, Entry entry);
  void open(Step& s, Entry entry);
  void discard(Step& s, Entry entry);
  void erase(Entry entry);
  void say_seen(const Child& child);

  Neighbours with_;
  std::map<ChildRef, Coming> coming_;
  std::map<ChildRef, Arrived> arrived_;
  std::set<std::pair<Duration, ChildRef>> timers_;
};

}  // namespace brood::core
