// The layout of every record on the wire, one line each.
#include "core/wire/wire.hpp"

#include <array>
#include <functional>
#include <limits>

#include "core/wire/wire_archive.hpp"

namespace brood::core {
namespace wire {

// ---- parts of messages: plain tuples -----------------------------------------------------------------

template <typename A, Of<Epoch> T>
void each(A& a, T& v) {
  a.tuple(v.clock, v.node);
}
template <typename A, Of<SessionId> T>
void each(A& a, T& v) {
  a.tuple(v.node, v.creation, v.session);
}
template <typename A, Of<Dot> T>
void each(A& a, T& v) {
  a.tuple(v.node, v.creation, v.sequence);
}
template <typename A, Of<RequestKey> T>
void each(A& a, T& v) {
  a.tuple(v.node, v.creation, v.number);
}
template <typename A, Of<Shutdown> T>
void each(A& a, T& v) {
  a.tuple(v.patience, v.infinity);
}
template <typename A, Of<ProcessId> T>
void each(A& a, T& v) {
  a.tuple(v.id, v.serial);
}
template <typename A, Of<Error> T>
void each(A& a, T& v) {
  a.tuple(v.code, v.message, v.detail);
}
template <typename A, Of<VersionVector> T>
void each(A& a, T& v) {
  a.tuple(v.seen);
}
// Fields of a spec or a member that were added after the first versions travel in its map of these: a node
// that does not know one keeps it and passes it on.
template <typename T>
void put_added(std::map<std::string, Bytes>& ext, const char* key, const T& value) {
  Out(ext[key]).item(value);
}
template <typename T>
void take_added(In& a, std::map<std::string, Bytes>& ext, const char* key, T& value) {
  const auto field = ext.extract(key);
  if (field.empty()) return;
  In in(field.mapped());
  in.item(value);
  if (!in.ok()) a.fail(in.error().message);
}
template <typename T>
void take_added(In& a, std::map<std::string, Bytes>& ext, const char* key, std::optional<T>& value) {
  if (ext.contains(key)) take_added(a, ext, key, value.emplace());
}

void add_fields(std::map<std::string, Bytes>& ext, const SpecExtras& v) {
  if (v.pace.start_period.count() > 0) put_added(ext, "start_period", v.pace.start_period);
  if (v.pace.backoff_first) put_added(ext, "backoff_first", *v.pace.backoff_first);
  if (v.pace.backoff_max) put_added(ext, "backoff_max", *v.pace.backoff_max);
  if (v.pace.rounds_max) put_added(ext, "rounds_max", *v.pace.rounds_max);
  if (!v.after.empty()) put_added(ext, "after", v.after);
  if (v.is_supervisor) put_added(ext, "is_supervisor", v.is_supervisor);
  if (v.metadata_before) put_added(ext, "metadata_before", *v.metadata_before);
}
void take_fields(In& a, SpecExtras& v) {
  take_added(a, v.unknown, "start_period", v.pace.start_period);
  take_added(a, v.unknown, "backoff_first", v.pace.backoff_first);
  take_added(a, v.unknown, "backoff_max", v.pace.backoff_max);
  take_added(a, v.unknown, "rounds_max", v.pace.rounds_max);
  take_added(a, v.unknown, "after", v.after);
  take_added(a, v.unknown, "is_supervisor", v.is_supervisor);
  take_added(a, v.unknown, "metadata_before", v.metadata_before);
}

// What comes behind the id: named_spec_fields less one.
template <typename A, Of<Spec> T>
void each(A& a, T& v) {
  const auto fields = [&](auto& extras, auto& unknown) {
    a.fields(v.worker, v.args, v.restart, v.shutdown, v.metadata, extras.tag, extras.nodes, extras.mapping,
             v.needs, extras.ready_within, v.is_static, ext(unknown));
  };
  if constexpr (std::is_same_v<A, In>) {
    SpecExtras extras;
    fields(extras, extras.unknown);
    if (!extras.unknown.empty()) take_fields(a, extras);
    v.extras = std::move(extras);
  } else if (v.has_added_fields()) {
    auto all = v.extras->unknown;
    add_fields(all, *v.extras);
    fields(*v.extras, std::as_const(all));
  } else {
    fields(*v.extras, v.extras->unknown);
  }
}
template <typename A, Of<Blame> T>
void each(A& a, T& v) {
  a.tuple(v.proven, v.suspected, v.last_proven);
}
template <typename A, Of<Assignment> T>
void each(A& a, T& v) {
  a.tuple(v.node, v.decider, v.by, v.after);
}
template <typename A, Of<Load> T>
void each(A& a, T& v) {
  a.tuple(v.scheduler_ppm, v.run_queue, v.processes, v.memory_bytes, v.own_ppm);
}
template <typename A, Of<SpecRow> T>
void each(A& a, T& v) {
  const auto fields = [&](auto& trouble) {
    // Rows that are held came later, and are rare.
    a.tuple_and_maybe(v.held, v.spec, v.wanted, v.dot, v.birth, v.clock, v.request, v.start_on, v.assigned,
                      trouble.avoid, trouble.failed, trouble.failure, trouble.blame, trouble.rounds,
                      trouble.not_before);
  };
  if constexpr (std::is_same_v<A, In>) {
    Trouble trouble;
    fields(trouble);
    v.trouble = std::move(trouble);
  } else {
    fields(*v.trouble);
  }
}
template <typename A, Of<Instance> T>
void each(A& a, T& v) {
  // Health came later: it is there where there is any.
  a.tuple_and_maybe(v.health, v.epoch, v.phase, v.pid, v.os_pid, v.restarts, v.since, v.retry_at, v.reason,
                    v.role, v.here, v.why);
}
template <typename A, Of<CutEnd> T>
void each(A& a, T& v) {
  a.tuple(v.node, v.up_since);
}
template <typename A, Of<Cut> T>
void each(A& a, T& v) {
  a.tuple(v.a, v.b);
}
template <typename A, Of<Offers> T>
void each(A& a, T& v) {
  if constexpr (std::is_same_v<A, In>) {
    std::set<std::string> names;
    a.item(names);
    v = std::move(names);
  } else {
    a.item(v.names());
  }
}
template <typename A, Of<RosterEntry> T>
void each(A& a, T& v) {
  a.tuple(v.clock, v.listed);
}
template <typename A, Of<Member> T>
void each(A& a, T& v) {
  const auto fields = [&](auto& unknown) {
    a.tuple(v.session, v.state, v.version, v.up_since, v.weight, v.offers, v.labels, v.protocol_min,
            v.protocol_max, v.address, v.roster, v.fingerprint, v.unreached, v.forgotten, v.cuts,
            ext(unknown));
  };
  if constexpr (std::is_same_v<A, In>) {
    fields(v.unknown);
    take_added(a, v.unknown, "turn", v.turn);
  } else if (v.turn > 0) {
    auto all = v.unknown;
    put_added(all, "turn", v.turn);
    fields(std::as_const(all));
  } else {
    fields(v.unknown);
  }
}
template <typename A, Of<SpecChange> T>
void each(A& a, T& v) {
  const auto row = a.row_of(v.id);
  a.tuple_and_maybe(v.floor, v.dot, v.id, v.row, v.request, v.replaces);
}
template <typename A, Of<Gone> T>
void each(A& a, T& v) {
  a.tuple(v.why, v.to, v.words);
}
template <typename A, Of<InstanceChange> T>
void each(A& a, T& v) {
  a.tuple(v.id, v.instance, v.detail, v.gone);
}
template <typename A, Of<CensusVersion> T>
void each(A& a, T& v) {
  a.tuple(v.resets, v.number, v.by);
}
template <typename A, Of<Census> T>
void each(A& a, T& v) {
  a.tuple(v.version, v.size, v.names);
}
template <typename A, Of<Outcome> T>
void each(A& a, T& v) {
  a.tuple(v.id, v.error, v.host, v.pid, v.epoch);
}

// ---- messages: {tag, field..., ext} ------------------------------------------------------------------

template <typename A, Of<Hello> T>
void each(A& a, T& v) {
  a.message("hello", v.sender, v.receiver, v.fresh, v.receiver_is_down, v.members, v.seen, v.digest,
            v.digests, v.clock, v.held);
}
template <typename A, Of<Refusal> T>
void each(A& a, T& v) {
  a.message("refusal", v.why);
}
template <typename A, Of<SyncRequest> T>
void each(A& a, T& v) {
  a.message("sync_request", v.seen, v.digests);
}
template <typename A, Of<Sync> T>
void each(A& a, T& v) {
  a.message_and_maybe("sync", late(v.floors), v.sender, v.first, v.end, v.last, v.next_delta, v.member,
                      v.clock, v.seen, v.rows, v.instances, v.same, v.ended, v.finished, v.epochs);
}
template <typename A, Of<SyncAck> T>
void each(A& a, T& v) {
  a.message("sync_ack", v.end);
}
template <typename A, Of<Behind> T>
void each(A& a, T&) {
  a.message("behind");
}
template <typename A, Of<Delta> T>
void each(A& a, T& v) {
  a.message("delta", v.sender, v.number, v.stable, v.specs, v.instances, v.member);
}
template <typename A, Of<DeltaAck> T>
void each(A& a, T& v) {
  a.message("delta_ack", v.number);
}
template <typename A, Of<View> T>
void each(A& a, T& v) {
  a.message_and_maybe("view", late(v.asks, v.answers), v.hash);
}
template <typename A, Of<Probe> T>
void each(A& a, T& v) {
  a.message("probe", v.nonce);
}
template <typename A, Of<ProbeAck> T>
void each(A& a, T& v) {
  a.message("probe_ack", v.nonce, v.session_over);
}
template <typename A, Of<Obituary> T>
void each(A& a, T& v) {
  a.message("obituary", v.id, v.epoch);
}
template <typename A, Of<Goodbye> T>
void each(A& a, T&) {
  a.message("goodbye");
}
template <typename A, Of<StartRequest> T>
void each(A& a, T& v) {
  a.message("start", v.request, v.mode, v.view, v.forwards, v.on, v.specs);
}
template <typename A, Of<StopRequest> T>
void each(A& a, T& v) {
  a.message("stop", v.request, v.view, v.forwards, v.ids);
}
template <typename A, Of<RetryRequest> T>
void each(A& a, T& v) {
  a.message("retry", v.request, v.view, v.forwards, v.id);
}
template <typename A, Of<LookupRequest> T>
void each(A& a, T& v) {
  a.message("lookup", v.request, v.view, v.forwards, v.id);
}
template <typename A, Of<Answer> T>
void each(A& a, T& v) {
  a.message("answer", v.request, v.view, v.outcomes);
}
template <typename A, Of<CensusNews> T>
void each(A& a, T& v) {
  a.message("census", v.now, v.before);
}
template <typename A, Of<Offer> T>
void each(A& a, T& v) {
  a.message("offer", v.id, v.epoch, v.attempt, v.birth, v.since, v.restarts, v.role, v.parcel, v.why);
}
template <typename A, Of<OfferAnswer> T>
void each(A& a, T& v) {
  a.message("answer", v.id, v.epoch, v.attempt, v.verdict, v.pid, v.why);
}
template <typename A, Of<Commit> T>
void each(A& a, T& v) {
  a.message("commit", v.id, v.epoch, v.attempt);
}
template <typename A, Of<Withdrawal> T>
void each(A& a, T& v) {
  a.message("withdrawal", v.id, v.epoch, v.attempt);
}
struct Words {
  std::vector<HandoverWord>& list;
};
template <typename Word>
void add_word(In& a, Words& to) {
  Word word;
  each(a, word);
  if (a.ok()) to.list.emplace_back(std::move(word));
}
void each(In& a, Words& v) {
  a.tagged(Handovers::words_max, [&](std::string_view tag) {
    if (tag == "offer")
      add_word<Offer>(a, v);
    else if (tag == "answer")
      add_word<OfferAnswer>(a, v);
    else if (tag == "commit")
      add_word<Commit>(a, v);
    else if (tag == "withdrawal")
      add_word<Withdrawal>(a, v);
    else
      return false;
    return true;
  });
}
void each(Out& a, const HandoverWord& v) {
  std::visit([&](const auto& word) { each(a, word); }, v);
}
template <typename A, Of<Handovers> T>
void each(A& a, T& v) {
  if constexpr (std::is_same_v<A, In>) {
    Words words{v.words};
    a.message("handovers", words);
  } else {
    a.message("handovers", v.words);
  }
}
template <typename A, Of<Through> T>
void each(A& a, T& v) {
  a.message("through", v.number);
}
template <typename A, Of<Taken> T>
void each(A& a, T& v) {
  a.message("taken", v.count, v.number);
}
template <typename A, Of<Have> T>
void each(A& a, T& v) {
  a.message("have", v.held, v.whole, v.starter, v.round, v.seen, v.digest);
}
template <typename A, Of<Want> T>
void each(A& a, T& v) {
  a.message("want", v.origin, v.from);
}
template <typename A, Of<StateCopy> T>
void each(A& a, T& v) {
  a.tuple(v.birth, v.token, v.number, v.version, v.whole, v.changes);
}
template <typename A, Of<Follow> T>
void each(A& a, T& v) {
  a.message("follow", v.id, v.after, v.copy);
}
template <typename A, Of<FollowAnswer> T>
void each(A& a, T& v) {
  a.message("follow_answer", v.id, v.token, v.number, v.verdict, v.fence);
}
template <typename A, Of<StateAsk> T>
void each(A& a, T& v) {
  a.message("state_ask", v.id, v.attempt, v.fence, v.token, v.number);
}
template <typename A, Of<StateTell> T>
void each(A& a, T& v) {
  a.message("state_tell", v.id, v.attempt, v.newer);
}

template <typename A, Of<MoveRequest> T>
void each(A& a, T& v) {
  a.message("move", v.request, v.view, v.forwards, v.kind, v.id, v.to);
}
template <typename A, Of<LoadReport> T>
void each(A& a, T& v) {
  a.message("load", v.load);
}

}  // namespace wire

namespace {

constexpr std::uint32_t buckets_max = 1024;

// What the rest of the core takes for granted, and a peer could get wrong.
bool consistent(const MessageBody& body) {
  if (const auto* sync = std::get_if<Sync>(&body)) {
    if (sync->first > sync->end || sync->end > buckets_max) return false;
  } else if (const auto* delta = std::get_if<Delta>(&body)) {
    for (const SpecChange& change : delta->specs)
      if (change.row && change.row->dot != change.dot) return false;
  }
  return true;
}

using Reader = MessageBody (*)(wire::In&);

template <typename T>
MessageBody read_body(wire::In& in) {
  T body{};
  wire::each(in, body);
  return body;
}

constexpr std::array<std::pair<std::string_view, Reader>, 30> readers{{
    {"hello", read_body<Hello>},
    {"refusal", read_body<Refusal>},
    {"sync_request", read_body<SyncRequest>},
    {"sync", read_body<Sync>},
    {"sync_ack", read_body<SyncAck>},
    {"behind", read_body<Behind>},
    {"delta", read_body<Delta>},
    {"delta_ack", read_body<DeltaAck>},
    {"view", read_body<View>},
    {"probe", read_body<Probe>},
    {"probe_ack", read_body<ProbeAck>},
    {"obituary", read_body<Obituary>},
    {"goodbye", read_body<Goodbye>},
    {"start", read_body<StartRequest>},
    {"stop", read_body<StopRequest>},
    {"retry", read_body<RetryRequest>},
    {"lookup", read_body<LookupRequest>},
    {"answer", read_body<Answer>},
    {"handovers", read_body<Handovers>},
    {"census", read_body<CensusNews>},
    {"through", read_body<Through>},
    {"taken", read_body<Taken>},
    {"have", read_body<Have>},
    {"want", read_body<Want>},
    {"follow", read_body<Follow>},
    {"follow_answer", read_body<FollowAnswer>},
    {"state_ask", read_body<StateAsk>},
    {"state_tell", read_body<StateTell>},
    {"move", read_body<MoveRequest>},
    {"load", read_body<LoadReport>},
}};
static_assert(readers.size() == std::variant_size_v<MessageBody::Alternatives>);

Error malformed(const Error& error) {
  return {Errc::malformed, error.message};
}

}  // namespace

Bytes encode(const MessageBody& body) {
  Bytes bytes;
  wire::Out out(bytes);
  out.version();
  std::visit([&](const auto& message) { wire::each(out, message); }, body);
  return bytes;
}

Result<MessageBody> decode(BytesView bytes) {
  wire::In in(bytes);
  if (auto version = in.reader().version(); !version) return malformed(version.error());
  const auto arity = in.reader().tuple();
  if (!arity) return malformed(arity.error());
  if (*arity == 0) return Error{Errc::malformed, "a message is a tuple with a tag"};
  const auto tag = in.reader().atom();
  if (!tag) return malformed(tag.error());
  in.arity = *arity - 1;
  for (const auto& [name, reader] : readers) {
    if (name != *tag) continue;
    MessageBody body = reader(in);
    if (!in.ok()) return in.error();
    if (!in.reader().at_end()) return Error{Errc::malformed, "bytes are left over after the message"};
    if (!consistent(body)) return Error{Errc::malformed, "a row is under another id or dot than its own"};
    return body;
  }
  return Error{unknown_message, "a message of a kind this version does not know: " + *tag};
}

}  // namespace brood::core
