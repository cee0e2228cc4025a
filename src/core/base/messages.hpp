// What the cores of one supervisor say to each other. Each message is a term on the wire
// (core/wire/wire.hpp); unknown fields and unknown kinds are kept or skipped, never an error.
//
// Between two sessions messages arrive in the order they were sent, each at most once; when a channel is
// made anew (PeerUp), both sides begin again with Hello and nothing sent before arrives later.
#pragma once

#include <variant>

#include "core/base/census.hpp"
#include "core/base/types.hpp"

namespace brood::core {

/// The newest change known of each start of each node. A row whose dot is covered and that is not there was
/// removed.
struct VersionVector {
  std::map<std::pair<NodeName, std::uint32_t>, std::uint64_t> seen;
  [[nodiscard]] bool covers(const Dot& dot) const;
  void add(const Dot& dot);
  void merge(const VersionVector& other);
  friend bool operator==(const VersionVector&, const VersionVector&) = default;
};

/// One change to the specs, made by its dot's node. Applied in the order of the sequence.
struct SpecChange {
  Dot dot;
  ChildId id;
  std::optional<SpecRow> row;  ///< The new row; nullopt: removed.
  RequestKey request;          ///< Of a removal by a stop: that stop, so that a repeated one is recognised.
  std::vector<Dot> replaces;   ///< The births of the rows that the change saw and ends; an update of a row
                               ///< keeps its birth and ends none.
  Epoch floor;                 ///< Of what it ends: no instance of that which its node knew is newer.
};

/// How an instance went. For people; nothing depends on it.
struct Gone {
  Why why = Why::unknown;
  NodeName to;        ///< Where it goes on, where that is why; else empty.
  std::string words;  ///< The reason of its end; may be empty.
};

/// What happened to an instance of the sender.
struct InstanceChange {
  ChildId id;
  std::optional<Instance> instance;  ///< nullopt: it is gone, and nothing of it runs.
  Bytes detail;                      ///< Of a start that failed: its exit reason, encoded; may be empty.
  Boxed<Gone> gone = {};
};

/// First on every new channel, from both sides. Brings no rows.
struct Hello {
  Member sender;
  SessionId receiver;  ///< The session of the receiver as the sender knows it; node alone if none.
  /// The sender has not accepted a Hello of the receiver on this channel yet: the receiver answers with one,
  /// and both exchange their tables.
  bool fresh = false;
  bool receiver_is_down = false;  ///< The sender has declared that session down: it is over.
  std::vector<std::pair<SessionId, std::string>> members;  ///< Whom the sender knows, and their addresses.
  VersionVector seen;
  std::uint64_t digest = 0;            ///< Of all spec rows; equal vectors and digests need no transfer.
  std::vector<std::uint64_t> digests;  ///< Of the buckets; empty: the sender has no rows.
  Hlc clock;                           ///< The sender's, so that the receiver's never falls behind it.
  /// Sessions that the sender has lost without proof, and how long their children may still run (Takeover).
  std::vector<std::pair<SessionId, std::chrono::milliseconds>> held;
};

/// The sender will not work with the receiver, in words (fingerprint or version differs).
struct Refusal {
  std::string why;
};

/// Asks for the rows in which the sender's table differs. `digests`: of its buckets; empty: it has none.
struct SyncRequest {
  VersionVector seen;
  std::vector<std::uint64_t> digests;
};
/// A portion of the sender's table: all that it has in the buckets from `first` to before `end`. Portions
/// come in order, from bucket 0 on; `last` ends the exchange. In a bucket named in `same` the receiver has
/// the same rows already, if its digest is the one given. `instances` and `epochs` are complete for the
/// buckets: what else the receiver knows of the sender's is gone. Deltas from `next_delta` (of the first
/// portion) on count.
struct Sync {
  SessionId sender;
  std::uint32_t first = 0;
  std::uint32_t end = 0;
  bool last = true;
  std::uint64_t next_delta = 1;
  std::optional<Member> member;  ///< The sender's row as it is now.
  Hlc clock;
  VersionVector seen;
  std::vector<std::pair<ChildId, SpecRow>> rows;
  std::vector<InstanceChange> instances;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> same;
  /// Births that are over though `seen` does not cover them; all of them, with the first portion.
  std::vector<std::pair<ChildId, Dot>> ended;
  /// Requests of late whose row is gone again, or that removed one: repeated, they must not act once more.
  std::vector<std::pair<RequestKey, ChildId>> finished;
  std::vector<Epoch> floors;        ///< Of each of these: what it has ended is not newer. Empty: not known.
  std::map<ChildId, Epoch> epochs;  ///< The greatest known of each child of which nothing that runs has it.
};
/// The portion that ends before this bucket has been taken in, so the sender may send another one.
struct SyncAck {
  std::uint32_t end = 0;
};
/// The sender has stopped to send Deltas, because too many were not acknowledged. When the receiver has taken
/// in what came it answers with a SyncRequest.
struct Behind {};

/// Changes of the sender. `number` counts them for all receivers alike, so that one encoded body serves them
/// all; a channel begins at the Sync's `next_delta`. `stable`: every member has acknowledged up to there.
/// `specs` may hold changes of a session that is over, passed on so that all survivors hold the same of them.
struct Delta {
  SessionId sender;
  std::uint64_t number = 0;
  std::uint64_t stable = 0;
  std::vector<SpecChange> specs;
  std::vector<InstanceChange> instances;
  std::optional<Member> member;  ///< When its row changed.
};

/// All Deltas up to this number have been applied.
struct DeltaAck {
  std::uint64_t number = 0;
};

// ---- where members pass on what others have changed (Synchronisation::passes_on())
// A Delta may then come from another member than its sender, early or more than once.

/// What follows on this channel counts for a receiver that holds the sender's Deltas up to this number: so
/// whoever acts on a message holds all that its sender changed before it, whichever way that came.
struct Through {
  std::uint64_t number = 0;
};
/// In place of DeltaAck: so many more Deltas, of whichever sender, have come on this channel; and of the
/// receiver's own all up to this number have been applied (0: nothing is said of that).
struct Taken {
  std::uint64_t count = 0;
  std::uint64_t number = 0;
};
/// How far the sender has the Deltas of these sessions. With `whole` of all members, and what tells two
/// tables apart; it goes through the members in the round that `starter` has begun (0: it is for the receiver
/// alone).
struct Have {
  std::vector<std::pair<SessionId, std::uint64_t>> held;
  bool whole = false;
  SessionId starter;
  std::uint64_t round = 0;
  VersionVector seen;
  std::uint64_t digest = 0;
};
/// Asks for the Deltas of that session from that number on.
struct Want {
  SessionId origin;
  std::uint64_t from = 0;
};

/// "My view is this": the hash of the members that are up or draining. A view is confirmed when every member
/// in it has said the same hash. Because channels keep order, whoever holds View from a member also holds
/// every row that member wrote under its former view.
struct View {
  std::uint64_t hash = 0;
  /// Not 0: the sender had this very view before, and takes no word of that time for one of now. The receiver
  /// says its own once more, in answer to this number.
  std::uint64_t asks = 0;
  std::uint64_t answers = 0;
};

/// Asks for an answer, to learn that the receiver is alive and still takes us for a member.
struct Probe {
  std::uint64_t nonce = 0;
};
struct ProbeAck {
  std::uint64_t nonce = 0;
  bool session_over = false;  ///< The receiver of the probe has declared the sender's session down.
};

/// The sender is about to crash inside a handler of this child.
struct Obituary {
  ChildId id;
  Epoch epoch;
};

/// The sender has ended its membership in good order; its instances are gone.
struct Goodbye {};

enum class StartMode : std::uint8_t {
  start,    ///< A user's start: taken names are errors.
  ensure,   ///< From a node's file: put only where the id was never known.
  apply,    ///< `brood apply`: put, or replace what differs.
  restart,  ///< What runs ends, and begins anew as its row says. What was stopped stays so.
  change,   ///< As apply, of a child that there is.
};
/// It may put another spec in the place of one that is known.
[[nodiscard]] constexpr bool is_apply(StartMode mode) {
  return mode == StartMode::apply || mode == StartMode::change;
}

/// Starts at the coordinator of the ids; one message carries all of a batch that have the same coordinator.
struct StartRequest {
  RequestKey request;
  StartMode mode = StartMode::start;
  std::uint64_t view = 0;  ///< The hash of the sender's view.
  std::uint32_t forwards = 0;
  std::optional<NodeName> on;  ///< D3.
  std::vector<NamedSpec> specs;
};

struct StopRequest {
  RequestKey request;
  std::uint64_t view = 0;
  std::uint32_t forwards = 0;
  std::vector<ChildId> ids;
};

/// `retry`, and others that change one row at its coordinator.
struct RetryRequest {
  RequestKey request;
  std::uint64_t view = 0;
  std::uint32_t forwards = 0;
  ChildId id;
};

/// Is there such a child? Asked of the coordinator before a local miss is an answer.
struct LookupRequest {
  RequestKey request;
  std::uint64_t view = 0;
  std::uint32_t forwards = 0;
  ChildId id;
};

enum class MoveKind : std::uint8_t {
  to_node,    ///< The child runs on `to` from now on.
  by_itself,  ///< Where it runs is the distribution's to say again.
  rebalance,  ///< Of no child: what was given to the nodes by their loads is given anew where it is uneven.
};
/// Says where a child is to be, at its coordinator.
struct MoveRequest {
  RequestKey request;
  std::uint64_t view = 0;
  std::uint32_t forwards = 0;
  MoveKind kind = MoveKind::to_node;
  ChildId id;
  NodeName to;
};

/// What became of one id of a request.
struct Outcome {
  ChildId id;
  /// Empty: it worked. Otherwise the code and words; already_started and conflict carry where it runs.
  std::optional<Error> error;
  std::optional<SessionId> host;  ///< Where the instance runs.
  ProcessId pid;
  Epoch epoch;
};
struct Answer {
  RequestKey request;
  std::uint64_t view = 0;  ///< Of the request it answers: an answer to one asked in a former view is void,
                           ///< for in this one another node may be deciding.
  std::vector<Outcome> outcomes;  ///< May come in several answers; each id once.
};

/// The census that the sender goes by, sent before the View that rests on it; and, until the sender has seen
/// that all members of its view hold it, the one before, which counts too.
struct CensusNews {
  Census now;
  std::optional<Census> before;
};

// ---- hand-overs: the words of their two ends, which travel in Handovers

/// The sender hands a child over: what it holds, frozen. A hand-over is known by id, the epoch of the
/// instance that leaves, and `attempt`. The receiver answers with an OfferAnswer.
struct Offer {
  ChildId id;
  Epoch epoch;
  std::uint64_t attempt = 0;
  Dot birth;
  Hlc since;  ///< Since when it runs.
  std::uint32_t restarts = 0;
  Role role = Role::active;  ///< Of one of several instances.
  Bytes parcel;              ///< Opaque to the core.
  Why why = Why::unknown;    ///< Why it moves; for people.
};
enum class OfferVerdict : std::uint8_t {
  ready,    ///< A process holds what the parcel held, and waits for the Commit.
  later,    ///< Not now: the receiver's view is another, or it may not act. No failure.
  refused,  ///< In words: it cannot take that child over.
  seen,     ///< It runs at the receiver, and every member holds the row that says so.
};
/// Said again while the Commit does not come.
struct OfferAnswer {
  ChildId id;
  Epoch epoch;
  std::uint64_t attempt = 0;
  OfferVerdict verdict = OfferVerdict::ready;
  ProcessId pid;  ///< Of the process that is ready.
  std::string why;
};
/// The instance at the sender is no more; the one that is ready runs from now on. Said again on a new
/// channel.
struct Commit {
  ChildId id;
  Epoch epoch;
  std::uint64_t attempt = 0;
};
/// The hand-over is off: the instance at the sender goes on, or is to end there.
struct Withdrawal {
  ChildId id;
  Epoch epoch;
  std::uint64_t attempt = 0;
};
using HandoverWord = std::variant<Offer, OfferAnswer, Commit, Withdrawal>;

/// What a step has to say to one member of hand-overs, in the order in which it was said.
struct Handovers {
  /// A list with more is malformed; who has more to say says it in several.
  static constexpr std::size_t words_max = 100;
  /// With that many bytes of parcels a list is full. One parcel may be larger by itself.
  static constexpr std::size_t parcels_full = 64 * 1024;
  std::vector<HandoverWord> words;
};

/// The sender's load, for the leader of a distribution that balances.
struct LoadReport {
  Load load;
};

/// The state of a child, or of its changes, on its way to another node.
struct StateCopy {
  Dot birth;
  Epoch token;               ///< Of the active instance, ...
  std::uint64_t number = 0;  ///< ... and of what it saved.
  std::uint64_t version = 0;
  Bytes whole;  ///< Opaque to the core, as are the changes; empty: changes alone.
  std::vector<Bytes> changes;
};
/// The active instance of the child runs at the sender, and has this state, which is for the next active one.
/// Answered by FollowAnswer.
struct Follow {
  ChildId id;
  std::uint64_t after = 0;  ///< 0: all of it. Else the changes follow on that number, of the same token.
  StateCopy copy;
};
enum class FollowVerdict : std::uint8_t {
  held,   ///< The sender of the answer holds it.
  gap,    ///< It does not hold what the changes follow on, and wants all of it.
  stale,  ///< It knows of a later active instance, or of a claim to be it.
};
struct FollowAnswer {
  ChildId id;
  Epoch token;
  std::uint64_t number = 0;
  FollowVerdict verdict = FollowVerdict::held;
  Epoch fence;  ///< Where it is stale: no token below this one counts any more.
};
/// The sender is about to be the active one, and asks for what is newer than it has. From now on the receiver
/// takes nothing of an active instance below `fence`.
struct StateAsk {
  ChildId id;
  std::uint64_t attempt = 0;
  Epoch fence;
  Epoch token;
  std::uint64_t number = 0;
};
struct StateTell {
  ChildId id;
  std::uint64_t attempt = 0;
  std::optional<StateCopy> newer;  ///< Nothing: the receiver has all that the sender has.
};

/// One of them, as a type of its own for the reason that Event is one.
struct MessageBody : std::variant<Hello, Refusal, SyncRequest, Sync, SyncAck, Behind, Delta, DeltaAck, View,
                                  Probe, ProbeAck, Obituary, Goodbye, StartRequest, StopRequest, RetryRequest,
                                  LookupRequest, Answer, Handovers, CensusNews, Through, Taken, Have, Want,
                                  Follow, FollowAnswer, StateAsk, StateTell, MoveRequest, LoadReport> {
  using Alternatives = variant;
  using Alternatives::variant;
  MessageBody();
  MessageBody(const MessageBody&);
  MessageBody(MessageBody&&) noexcept;
  MessageBody& operator=(const MessageBody&);
  MessageBody& operator=(MessageBody&&) noexcept;
  ~MessageBody();
};

}  // namespace brood::core
