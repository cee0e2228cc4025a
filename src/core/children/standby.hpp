// Standby: the nodes of passive instances follow the state of the active one, so that the next active one
// goes on with it, where the redundancy wants that (Redundancy::follows()).
//
//   active instance's node                      nodes with a passive instance
//   StateSaved -> (kept here too) -- Follow --> held <- kept; stale <- of a former active one
//   Followed   <------------- FollowAnswer ---'
//
//   who claims the role                         every other member
//   claim, nobody is active
//         -> StateAsk ------------------------> takes nothing below the fence any more
//   granted when all have answered <- StateTell-' what it has that is newer
//
// Why nothing that was answered is lost with one node: a reply leaves when the node of another instance holds
// the state after it. Whoever becomes active has asked every member of its view, that one among them, and
// goes on with the newest. Why a former active one cannot answer: a member that was asked takes no more of
// its states, so no reply of it is held from then on, and one that was not held leaves only where this node
// may act. A planned change of the role waits until the next one holds what the former one saved last.
//
// What changes is sent as changes to those that hold what they follow on, as a whole to those that do not: a
// new instance, a new channel, a gap.
//
// Owns: who holds what of the active instances here, and who was asked. Writes held states. Reads: instances,
// views, sessions, links. Asks locals to raise an epoch. Tells: touched.
// Thread rule: none; owned by one core.
#pragma once

#include "core/children/held_states.hpp"
#include "core/children/locals.hpp"
#include "core/members/fence.hpp"
#include "core/members/views.hpp"
#include "core/rows/rows.hpp"

namespace brood::core {

class Standby {
 public:
  struct Neighbours {
    ChildTable& children;
    HeldStates& states;
    Locals& locals;
    Instances& instances;
    const Rows& rows;
    const Views& views;
    const Sessions& sessions;
    const Links& links;
    const Fence& fence;
    Sender& sender;
    Notes& notes;
  };
  explicit Standby(const Neighbours& neighbours) : with_(neighbours) {}

  // ---- the active instance's node
  void on_saved(Step& s, StateSaved& event);
  void on_answer(Step& s, PeerIndex from, const FollowAnswer& answer);
  /// Whether that node holds what the active instance here has saved last. False: the child is touched when
  /// it does, or when it is not waited for any more.
  [[nodiscard]] bool has_given(Step& s, const Child& child, PeerIndex to);

  // ---- a passive one's
  void on_follow(Step& s, PeerIndex from, const Follow& follow);
  void on_ask(Step& s, PeerIndex from, const StateAsk& ask);

  // ---- who claims the role
  void on_tell(Step& s, PeerIndex from, StateTell& tell);
  /// Every member was asked, and all that are members still have answered: nobody else is active, and the
  /// role is to be this node's. Asks them, the first time that it is called for a claim. False: the child is
  /// touched when all have.
  [[nodiscard]] bool has_heard(Step& s, Child& child);

  /// The child, or what is known of its instances, has changed.
  void look(Step& s, Child& child);
  /// What is sent to that peer from now on goes on a new channel.
  void greeted(PeerIndex peer) { ++channels_[peer]; }
  /// This node's session is over.
  void own_session_ended() { asking_.clear(); }
  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const {
    return timers_.empty() ? Duration::max() : timers_.begin()->first;
  }
  /// Active instances here of which no other node is known to hold a state; what is under way to one that
  /// does counts as held.
  [[nodiscard]] std::size_t not_followed() const;

 private:
  struct Follower {
    PeerIndex peer = no_peer;
    Epoch instance;             ///< Of the instance there.
    std::uint64_t channel = 0;  ///< On which it was sent; what was sent on a former one may be lost.
    StateMark sent, holds;
  };
  /// An active instance of this node.
  struct Lead {
    Epoch process;           ///< Its process's.
    std::uint64_t open = 0;  ///< The state that callers wait for; 0: none.
    Duration wait_until{};   ///< So long they do.
    bool alone = false;      ///< No node took the last one in time: nobody is waited for until one does.
    bool stale = false;      ///< Another may be active, so it answers nobody.
    bool giving = false;     ///< The role waits for a node to hold the newest.
    Duration timer = Duration::max();
    std::vector<Follower> followers;
  };
  struct Asking {
    std::uint64_t attempt = 0;
    Epoch fence;
    Duration timer = Duration::max();
    std::vector<PeerIndex> open;
  };
  using Leads = std::map<ChildRef, Lead>;

  [[nodiscard]] static std::optional<Following> following(const Step& s) {
    return s.settings.strategies.redundancy->follows();
  }
  void update_followers(const Child& child, Lead& lead);
  void send(const Step& s, const Child& child, Lead& lead);
  /// This node's session is not over, as far as it knows: what is held by another counts.
  [[nodiscard]] bool may_answer() const;
  void release(Step& s, const Child& child, Lead& lead, Followed::How how);
  void look_at_wait(Step& s, Child& child, Lead& lead);
  void say_alone(Step& s, const Child& child);
  void look_at_stale(Step& s, Child& child, Lead& lead);
  /// Releases what another node holds. False: none does, or this node may not answer.
  bool release_held(Step& s, const Child& child, Lead& lead);
  [[nodiscard]] static bool is_too_large(const Step& s, const HeldState& held);
  void say_too_large(Step& s, const Child& child, const HeldState& held);
  bool release_too_large(Step& s, const Child& child, Lead& lead);
  [[nodiscard]] bool is_only_active(const Child& child) const;
  void drop_if_useless(Step& s, const Child& child);
  void ask(Step& s, Child& child);
  void send_ask(const Child& child, Asking& asking, PeerIndex to);
  void wake(Duration at, const Child& child) { timers_.emplace(at, child.ref); }
  [[nodiscard]] bool is_to_answer(PeerIndex peer) const;

  Neighbours with_;
  Leads leads_;
  std::map<ChildRef, Asking> asking_;
  std::map<PeerIndex, std::uint64_t> channels_;  ///< Counts those of each peer.
  /// States of children that have no instance here any more: when to see whether they are still of use.
  std::map<ChildRef, Duration> kept_;
  std::set<std::pair<Duration, ChildRef>> timers_;
  std::uint64_t attempts_ = 0;
  Duration next_line_{};
};

}  // namespace brood::core
