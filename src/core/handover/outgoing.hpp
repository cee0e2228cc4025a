// Outgoing: this node's half of the hand-overs by which children leave it with what they hold.
//
//     leave()          Frozen             OfferAnswer: ready
//   ---------> freezing -----> offered ------------------------> moved ---> (none)
//                 |               |         the commit             all members hold the new place's row
//                 |  fails, too slow, the other node is lost
//                 v               v
//               waits: the instance goes on, and is frozen again when its time has come
//
// With cold swap, where only the state goes along, the instance here ends between offered and moved
// (`ending`).
//
// A program that starts before it stops takes nothing along: it is offered at once (nothing is frozen), is
// ready when its successor says so, and then ends here likewise.
//
// The row that says `moved` stays until every member holds that of the new place: one that finds neither
// would start the child a second time.
//
// The commit is the step in which this node's row says `moved`: before it the instance can always go on here,
// after it never. What may be lost between two nodes is made up for: the new place says again that it is
// ready, this node says again that it has committed, and whoever finds the other's session over decides for
// itself. The other half is incoming.hpp; DESIGN's "Hot swap" has the order.
//
// Owns: what is leaving. Reads: links, sessions, instances. Asks the driver (effects), instances to publish.
// Tells: handed_over, touched. Thread rule: none; owned by one core.
#pragma once

#include "core/members/links.hpp"
#include "core/members/sessions.hpp"
#include "core/rows/instances.hpp"

namespace brood::core {

class Outgoing {
 public:
  Outgoing(ChildTable& children, Instances& instances, const Sessions& sessions, const Links& links,
           Sender& sender, Notes& notes)
      : children_(children),
        instances_(instances),
        sessions_(sessions),
        links_(links),
        sender_(sender),
        notes_(notes) {}

  /// The child belongs on that node. True: it is on its way, or will be tried again. False: it cannot be
  /// handed over, and has to end here.
  [[nodiscard]] bool leave(Step& s, Child& child, PeerIndex to);
  /// Before the commit, where to; no_peer: it is not leaving.
  [[nodiscard]] PeerIndex leaves_to(const Child& child) const;
  /// It stays, or is to end here. Before the commit.
  void take_back(Step& s, Child& child);
  /// Its process has ended. True: because it had to, before it runs elsewhere.
  [[nodiscard]] bool ended(Step& s, Child& child);

  void on_frozen(Step& s, Frozen& event);
  void on_freeze_failed(Step& s, const FreezeFailed& event);
  void on_answer(Step& s, PeerIndex from, const OfferAnswer& answer);

  /// It may run here again: that it has moved is not said any more.
  void instance_changed(const Child& child);
  void greeted(PeerIndex peer);
  void session_ended(Step& s, PeerIndex peer);
  /// This node's session is over, or its part of the cluster may not run children: all stay, to end here.
  void take_back_all(Step& s);
  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const {
    return timers_.empty() ? Duration::max() : timers_.begin()->first;
  }

  /// Any, also of those that have moved and are not seen at their new place yet.
  [[nodiscard]] bool any() const { return !leaving_.empty(); }

 private:
  enum class State : std::uint8_t { waits, freezing, offered, ending, moved };
  struct Leaving {
    State state = State::waits;
    PeerIndex to = no_peer;
    Epoch epoch;
    std::uint64_t attempt = 0;
    Duration until = Duration::max();
    Duration pause{};  ///< Before the next attempt.
    std::uint32_t failures = 0;
  };
  using Entry = std::map<ChildRef, Leaving>::iterator;

  [[nodiscard]] Entry find(const ChildId& id, const Epoch& epoch, std::uint64_t attempt);
  void set_time(Entry entry, Duration until);
  [[nodiscard]] bool can_leave(const Step& s, const Own& own) const;
  [[nodiscard]] bool gives_up(const Child& child, const Leaving& leaving) const;
  void begin(Step& s, Child& child, Entry entry, PeerIndex to);
  void freeze(Step& s, Child& child, Entry entry);
  void offer(Child& child, Entry entry, const Instance& here, Bytes parcel);
  /// The instance goes on here, and is tried again. `counts`: something is wrong, so that it is said.
  void put_off(Step& s, Entry entry, bool counts, const std::string& why);
  void undo(Step& s, const Child& child, const Leaving& leaving);
  void ready(Step& s, Child& child, Entry entry, const ProcessId& pid);
  /// `passes_on`: the old pid does, so it may still be told to callers.
  void commit(Step& s, Child& child, Entry entry, bool passes_on);
  /// The row that says `moved` has served its purpose.
  void settle(Step& s, Entry entry);
  /// Its other node, or this one, has a new session: nothing more comes of the hand-over.
  void let_go(Step& s, Entry entry);
  void erase(Entry entry);

  ChildTable& children_;
  Instances& instances_;
  const Sessions& sessions_;
  const Links& links_;
  Sender& sender_;
  Notes& notes_;
  std::map<ChildRef, Leaving> leaving_;
  std::set<std::pair<Duration, ChildRef>> timers_;
  std::uint64_t last_attempt_ = 0;
  Duration next_line_{};
};

}  // namespace brood::core
