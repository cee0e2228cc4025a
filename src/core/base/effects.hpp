// What a core asks for: the effects of one step, and the contract between a core and whoever drives it.
//
// The driver takes one step, carries out all of its effects in the order below, and only then takes the next:
//
//   fence -> roles -> changed (publish) -> lock -> handovers -> starts -> stops -> sends -> connects
//   -> disconnects -> left -> replies
//         -> log, members, refused, happened, turns, forwarded
//
// The order of the fields in Effects is not that order; each field says what has to be done before it and
// after it. supervisor/driver/effects.cpp is the one place in a node that carries them out. The simulator has
// its own (sim/driver.cpp), in which handlers that are released run only after the replies: a node may be
// that slow.
//
// What is common to all fields:
//
// Carrying out an effect never steps the core. What comes of it is given to the core later, as an event.
//
// Nothing is taken back. An effect that cannot be carried out is reported by the event that its type names,
// or needs no report, as its type says. No effect waits for another one to succeed. A driver may be slow, but
// a later step's effects must not pass an earlier step's.
//
// A core keeps nothing on disk, and neither does its driver. When the driver dies between two effects, its
// process has died: the whole step is lost with the node, whatever part of it was carried out. The other
// members hear of the end of the channels, end this node's session, and start elsewhere what ran here. So no
// node ever goes on with half a step, and a driver that cannot carry out a step to its end (there is no
// memory) has to end the process.
//
// Thread rule: none.
#pragma once

#include "core/base/events.hpp"
#include "core/base/happening.hpp"

namespace brood::core {

/// Why a Start or a Stop came about, for logs and traces. Nothing depends on it.
struct Cause {
  std::uint64_t step = 0;  ///< The number of the step, from 1.
  /// name_of() the event that was handled: "client_start", "crash", "peer_down", "tick", ... A literal. What
  /// one step leaves for the next is caused by that one's event, which is a "tick" as a rule.
  std::string_view event;
};

/// A message to each of these nodes. The same body for all of them: encode it once.
///
/// Before: the starts and stops of the step, so that what is told of this node's children is under way; and
/// every Send that stands before it in the list. The list is in the order that the promises of the messages
/// need (rows before the View, see members/links.hpp), and each receiver must get its messages in that
/// order.
/// May fail: a node without a channel gets nothing, and neither does one whose channel breaks on the way.
/// The core is not told of the message; PeerDown tells it of the channel, and everything begins again with
/// Hello on the next one. A driver must not hold a Send back until a channel is there.
/// Reported back: not at all. That a message was taken in is said by the receiver's own messages (DeltaAck,
/// SyncAck, Answer).
/// If the driver dies: some receivers may have got it and others not. Those that did pass on what the others
/// lack (Replication::session_ended).
struct Send {
  std::vector<NodeName> to;
  MessageBody body;
};

/// One attempt to get a channel to the node.
///
/// May fail: yes, that is what ConnectFailed is for.
/// Reported back: by exactly one event for each Connect, PeerUp or ConnectFailed, however long that takes;
/// at once by a PeerUp where the channel stands already. The core dials that node no more until the event
/// has come, so an attempt that is never reported is a node that is never met again.
/// If the driver dies: nothing is left of the attempt.
struct Connect {
  NodeName node;
  std::string address;  ///< host:port as the peer's row says; empty: to be found by the name alone.
  /// Try the address at which the node was connected last, without looking it up: a refusal there proves that
  /// the node has ended.
  bool last_known = false;
};

/// Close the channel to that node. Reported back by PeerDown, if there was a channel.
/// No part asks for it today. It is kept in the contract because a driver has to know how to do it when one
/// does.
struct Disconnect {
  NodeName node;
};

/// Run the child under this epoch.
///
/// Before: the fence, and `changed`, so that a look-up by the child itself already finds it.
/// The core asks for one Start of a child, and for the next only after it was told of the end of that one. A
/// driver that finds the former instance alive has found a bug of the core.
/// May fail: there is no such worker here, its constructor throws, the program cannot be run, memory is
/// short.
/// Reported back: by Started or StartFailed with this epoch, exactly one of the two; after Started later by
/// exactly one Exited. A Start that is given up because the node ends is reported by nothing, as the core is
/// not asked any more.
/// If the driver dies: its workers die with the process, and its programs are ended by their shims.
struct Start {
  ChildId id;
  SpecPtr spec;
  Epoch epoch;
  Cause cause;
  /// As what it begins, active or passive, which it is told; nothing: the child has one instance only.
  std::optional<Role> role = std::nullopt;
  /// The state that it goes on with, taken over before its first message; null: it begins anew.
  HeldPtr state = nullptr;
  Why why = Why::unknown;  ///< For hooks.
  NodeName from = {};      ///< Where it ran before, if it comes from another node.
};

/// The role of the instance of this epoch is another one: tell it, behind all that it has been sent so far.
///
/// Before: the fence. Ahead of `changed`: whoever finds in the tables that it is active must find it told. A
/// SetRole never follows the Start of the same epoch in one step (Start says the role). Of one that was made
/// ready in another role than it is opened in, the SetRole comes in the step of its Open, and is not
/// answered. May fail: an instance that ends needs not be told (its Exited is on the way). A handler that
/// runs long holds it up, and with it the role, which nobody else takes before it is given back. Reported
/// back: `passive` by RoleTaken with this epoch; `active` not at all. If the driver dies: the role goes with
/// the node.
struct SetRole {
  ChildId id;
  Epoch epoch;
  Role role = Role::active;
  Epoch token;  ///< The epoch that it has from now on for others: a new active one's is above all before.
  HeldPtr state = nullptr;  ///< Of a new active one: to be taken over before it is told; null: nothing.
};

/// End the instance of this epoch: ask it to end, and kill it when `shutdown.patience` is over.
///
/// Before: the starts of the step; a Stop may follow the Start of the same epoch.
/// May fail: an instance that has ended already needs nothing (its Exited is on the way). A handler that
/// never returns cannot be killed; the core waits, and starts nothing in its place.
/// Reported back: by Exited with this epoch, once nothing of the instance runs; by StartFailed where it had
/// not started. A second Stop of one epoch, without patience, means: kill it now.
struct Stop {
  ChildId id;
  Epoch epoch;
  Shutdown shutdown;
  Cause cause;
  Why why = Why::unknown;  ///< For hooks.
};

/// Let the running handler of the instance end, let no other begin, and say what the process holds.
///
/// May fail: the handler does not end within `patience`, what the process holds is too large or cannot be
/// saved. Reported back: by Frozen or FreezeFailed with this attempt, exactly one of the two; by neither
/// after a Thaw, or when the instance has ended, of which Exited is told. A Stop of a frozen instance ends it
/// as any.
struct Freeze {
  ChildId id;
  Epoch epoch;
  std::uint64_t attempt = 0;
  NodeName target;  ///< For a worker that wants to know.
  Duration patience{};
  bool state_only = false;  ///< Not what waits for it: it will end here, with that.
  Cause cause;
  Why why = Why::unknown;  ///< For hooks.
};
/// The instance goes on as if it had not been frozen, whatever came of the Freeze. Cannot fail, and is not
/// reported.
struct Thaw {
  ChildId id;
  Epoch epoch;
};
/// Make a process of that spec that holds what the parcel holds, and runs no handler before Open.
///
/// May fail: as a Start, and the worker may refuse what it is given.
/// Reported back: by Prepared or PrepareFailed, exactly one of the two; by neither after a Discard.
/// If the driver dies: as with a Start; the source finds out, and goes on.
struct Prepare {
  ChildId id;
  SpecPtr spec;
  Epoch epoch;
  Bytes parcel;
  Cause cause;
  /// Of one of several instances: its role when it is opened, which it is not told; nothing: there is one
  /// only.
  std::optional<Role> role = std::nullopt;
};
/// What was prepared runs from now on, and is an instance like any: exactly one Exited is told of it.
/// Before: `changed`, so that who is told of the child finds it here.
struct Open {
  ChildId id;
  Epoch epoch;
};
/// What was prepared, or is being prepared, is not needed: it goes without a word. Not reported.
struct Discard {
  ChildId id;
  Epoch epoch;
};
/// The instance runs elsewhere from now on. Its process keeps its pid for a while, handles nothing and passes
/// on what comes. Nothing is told of it any more, no Exited either.
struct Depart {
  ChildId id;
  Epoch epoch;
  SessionId host;        ///< Where it is now ...
  ProcessId pid;         ///< ... and under which pid.
  Duration retention{};  ///< How long senders that do not know of it yet are served, at least.
};
/// What callers wait for of that state, or of any before, may leave: another node holds it, or none is waited
/// for. Or it never may. Not reported.
struct Followed {
  enum class How : std::uint8_t {
    held,
    unheld,    ///< No other node holds it, and none is waited for.
    given_up,  ///< It is the active one no more, and whether the next has what was answered nobody knows.
  };
  ChildId id;
  Epoch epoch;
  std::uint64_t number = 0;  ///< Of StateSaved.
  How how = How::held;
};
using HandoverStep = std::variant<Freeze, Thaw, Prepare, Open, Discard, Depart, Followed>;

/// An answer to a client. Each id of its request is answered once, possibly over several replies; `last`
/// comes with the final one, also where there is no outcome at all.
///
/// Before: `changed`, so that the client reads from this node's tables what the reply says; the sends, so
/// that members hear of a change no later than the client who made it (sends of nothing but DeltaAck may come
/// after it); `left`, so that a client that is told
/// of the end of a drain finds the node gone from its cluster.
/// May fail: a client that waits no more (ClientGone is on its way to the core, or not even that) is passed
/// over in silence.
/// Reported back: not at all.
/// If the driver dies: the client hears nothing, and cannot know whether what it asked has happened. That is
/// why starts and stops may be repeated.
struct Reply {
  ClientId client;
  std::vector<Outcome> outcomes;
  bool last = false;
};

/// A member came, went or has another state: for the log and for whoever watches the members. Words for
/// people, of which no decision depends; may be lost.
struct MemberEvent {
  SessionId session;
  MemberState state = MemberState::up;
  std::string words;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };
/// A line for the log. May be lost, and must not be waited for.
struct LogLine {
  LogLevel level = LogLevel::info;
  std::string text;
};

/// Starts that this node was asked for as their coordinator, and that another one is by its view: they are
/// passed on to that.
struct Forwarded {
  NodeName to;
  std::vector<NamedSpec> specs;
};

/// Whether the part of the cluster that this node is in may run children, by the partition strategy.
struct PartLock {
  bool locked = false;
  std::string words;  ///< Who is here, who is missing and what is needed; empty: it is not locked.
};

/// All that one step asks for. The order in which the fields are carried out is at the top of this file. Each
/// list is in the order in which its items are to be carried out. Valid until the next step of the core.
struct Effects {
  /// Rows or instances of these ids changed, each id once, in the order of their first changes. The driver
  /// reads the new state from the core (spec(), instances()) and publishes it to whoever reads without the
  /// core: first of all, before anybody is told anything. Cannot fail, and is not reported. Those who wait
  /// for a child (calls to one that restarts) are woken after the replies, for a reply may be why they need
  /// not wait.
  std::vector<ChildId> changed;
  std::vector<SetRole> roles;
  /// Steps of hand-overs, in order, each as its type says. Before the starts and stops: a child that is
  /// thawed may have to end, one that is discarded may have to start.
  std::vector<HandoverStep> handovers;
  std::vector<Start> starts;
  std::vector<Stop> stops;
  std::vector<Send> sends;
  std::vector<Connect> connects;
  std::vector<Disconnect> disconnects;
  std::vector<Reply> replies;
  std::vector<MemberEvent> members;
  std::vector<LogLine> log;
  /// For hooks, in order; the words of the step about children and nodes. May be lost.
  std::vector<Happening> happened;
  std::vector<Turn> turns;
  std::vector<Forwarded> forwarded;
  /// Hold back (true) or release (false) all handlers of this supervisor's workers; nothing: as it is. Before
  /// everything else: what follows must already find the handlers held back, or let go. A handler that runs
  /// already is not broken off. The same value again changes nothing. Cannot fail, and is not reported.
  std::optional<bool> fence;
  /// This part of the cluster is locked, or is so for other reasons than before, or is not locked any more;
  /// nothing: as it is. After `changed`, before starts and replies: who asks for a child that is not here is
  /// then told `partitioned` at once instead of waiting. Cannot fail, and is not reported.
  std::optional<PartLock> lock;
  /// The drain is over: this node runs nothing, the Goodbye to the members is among the sends of this step,
  /// and the node may end. After the sends, before the replies. From the next step on the core only tells
  /// clients that it has left.
  bool left = false;
  /// This node, which joins, and a peer cannot be members of one cluster, because a setting or the version of
  /// the protocol differs: what differs, in words. For whoever waits for this node to be up, which it will
  /// not be; clients are told `refused`. Last.
  std::optional<std::string> refused;

  Effects();
  Effects(Effects&&) noexcept;
  Effects& operator=(Effects&&) noexcept;
  Effects(const Effects&);
  Effects& operator=(const Effects&);
  ~Effects();
};

}  // namespace brood::core
