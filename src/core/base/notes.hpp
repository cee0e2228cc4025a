// Notes: what the parts of a core tell of themselves. A part that has changed something calls the note; what
// follows from it in other parts, and in which order, is written in one place, machine_notes.cpp. So no part
// knows who listens, and a new listener (a hook, the history) is a line there.
//
// A note is delivered at once: when the call returns, its listeners have heard it. It may lead back into the
// part that tells it, so a part has its own state in order before it tells. Work that may be long is not done
// by a listener: it is put on the agenda of the step.
// Thread rule: none.
#pragma once

#include "core/base/step.hpp"
#include "core/rows/child.hpp"

namespace brood::core {

/// How another node's session ended.
enum class Ending : std::uint8_t {
  left,    ///< In good order.
  died,    ///< It is proven that the node's process ended, or that it began anew.
  silent,  ///< Nothing came from it for the tick time-out.
};

/// A session of another node that is over.
struct Loss {
  SessionId session;
  Ending how = Ending::left;
  Duration wall{};  ///< When it was lost, wall time.
  /// The last words of the node: the child in whose handler it crashed.
  std::optional<Obituary> obituary;
  /// The same start of the node goes on in a new session, with its children.
  bool goes_on = false;
  /// What the node was until then.
  std::shared_ptr<const Member> member;
};

/// What a node says of one of its instances.
struct InstanceNews {
  /// What was known of it before.
  struct Was {
    Phase phase = Phase::starting;
    Role role = Role::active;
    ProcessId pid;
  };
  const SessionId& host;
  std::optional<Was> was;  ///< Nothing: there was none.
  const Instance* now;     ///< Null: it is gone.
  const Gone* gone;        ///< How; null: that was not told.
};

/// What one node takes over from another.
struct Arrival {
  SpecPtr spec;
  Dot birth;
  Epoch epoch;  ///< Under which it runs here.
  ProcessId pid;
  std::int32_t os_pid = 0;
  Hlc since;
  std::uint32_t restarts = 0;
  bool keeps_state = false;
  std::optional<Role> role = std::nullopt;  ///< Of one of several instances.
  Why why = Why::unknown;                   ///< Why it moves.
};

class Notes {
 public:
  virtual ~Notes() = default;

  // ---- members
  /// A channel to the peer is open, or is no more; nothing has been said on it.
  virtual void channel_changed(Step& s, PeerIndex peer) = 0;
  /// A Hello of the peer has been accepted; `fresh`: the first on this channel, or of its session.
  virtual void greeted(Step& s, PeerIndex peer, const Hello& hello, bool fresh) = 0;
  /// A session of the peer that was not known has begun.
  virtual void session_began(Step& s, PeerIndex peer) = 0;
  virtual void session_ended(Step& s, PeerIndex peer, const Loss& loss) = 0;
  /// This node's own session is over and a new one has begun. `keeps`: its children go on.
  virtual void own_session_ended(Step& s, bool keeps, const std::string& words) = 0;
  /// The member row of a peer, or of this node, has changed: there may be another view.
  virtual void member_changed(Step& s, PeerIndex peer) = 0;
  /// This node, which joins, was to meet a peer before it is up, and will not: it has ended, or refuses, or
  /// does not answer, and then it may be there for others.
  virtual void meeting_failed(Step& s, const NodeName& node, bool may_be_there) = 0;
  /// This node, which joins, was refused: it stays out until it is started anew.
  virtual void stays_out(Step& s) = 0;
  /// A node that was lost will not come back, as somebody has said.
  virtual void forgotten(Step& s, const NodeName& node) = 0;
  virtual void fenced(Step& s, const std::string& words) = 0;
  virtual void unfenced(Step& s) = 0;
  /// This part of the cluster may not run children any more, or may again.
  virtual void lock_changed(Step& s) = 0;
  /// The view is another one; nothing is decided by it yet.
  virtual void view_changed(Step& s) = 0;
  /// A peer has said which view it has.
  virtual void view_said(Step& s, PeerIndex peer, std::uint64_t hash) = 0;
  /// This node may act by the present view: for the first time (`anew`), or again.
  virtual void may_act(Step& s, bool anew) = 0;

  // ---- rows and instances
  /// This node holds again what the peer has changed: its table has come.
  virtual void caught_up(Step& s, PeerIndex peer) = 0;
  /// Somebody asks to try the child now, whose instance here waits to be started again.
  virtual void retried(Step& s, Child& child) = 0;
  /// Something about the child has changed: it has to be looked at.
  virtual void touched(Step& s, Child& child) = 0;
  /// The child is started anew, by a row that was not known here: this node's, or another's.
  virtual void row_begins(const Child& child) = 0;
  /// A row of the child ends, or a newer one comes in its place: this node's doing, or another's.
  virtual void row_ends(const Child& child, const SpecRow& row) = 0;
  /// A change of the child's row has counted here: this node's, or another's.
  virtual void row_changed(Step& s, const Child& child, const SpecChange& change) = 0;
  /// What a node has said of its instance, before `instance_changed` is told.
  virtual void instance_told(Step& s, Child& child, const InstanceNews& news) = 0;
  /// An instance of the child has changed or is gone. `detail`: the exit reason of a start that failed.
  virtual void instance_changed(Step& s, Child& child, const Bytes& detail) = 0;
  /// An instance of the child is gone because the session of its node is over.
  virtual void instance_lost(Step& s, Child& child, const Instance& instance, const Loss& loss) = 0;
  /// A request has done all that it can do to this child: the row that it made is gone again, or it was a
  /// stop and the row has ended. `floor`: the greatest epoch of the child that was known then.
  virtual void request_finished(Step& s, const RequestKey& request, const ChildId& id,
                                const Epoch& floor) = 0;
  /// A child that is not started again was lost with its node, and this node is its coordinator: its row
  /// ends.
  virtual void lost_for_good(Step& s, Child& child) = 0;
  /// A change of a row came too late to change anything: what it changes has ended.
  virtual void late_change(Step& s, const SpecChange& change) = 0;

  // ---- hand-overs
  /// The child's instance here is another node's from now on; its row says `moved`.
  virtual void handed_over(Step& s, Child& child) = 0;
  /// Its state is at its new place; the instance here has to end before that one runs.
  virtual void must_end(Step& s, Child& child) = 0;
  /// An instance that another node has handed over runs here from now on.
  virtual void arrived(Step& s, Child& child, const Arrival& arrival) = 0;

  // ---- requests
  /// What became of one id of a request of this node's client.
  virtual void outcome(Step& s, const RequestKey& request, std::uint64_t view, Outcome outcome) = 0;
};

}  // namespace brood::core
