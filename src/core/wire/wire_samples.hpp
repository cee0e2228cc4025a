// Samples: messages with random content, for the tests of the wire.
#pragma once

#include "base/hash.hpp"
#include "core/base/messages.hpp"

namespace brood::core {

class Samples {
 public:
  explicit Samples(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }
  std::uint64_t below(std::uint64_t limit) { return next() % limit; }
  bool flip() { return below(2) == 0; }
  std::uint32_t u32() { return static_cast<std::uint32_t>(next()); }
  std::string text() {
    std::string all;
    for (std::uint64_t left = below(12); left > 0; --left) all += static_cast<char>(below(256));
    return all;
  }
  std::string word() { return "w" + std::to_string(below(1000)); }
  NodeName node() { return NodeName("n" + std::to_string(below(9)) + "@host"); }
  ChildId id() {
    if (flip()) return ChildId::binary("id" + text()).value();
    if (flip()) return ChildId::atom(word()).value();
    return ChildId::from_term(Term::tuple({Term::atom(word()), Term(static_cast<std::int64_t>(next()))}))
        .value();
  }
  Hlc clock() { return {next()}; }
  Epoch epoch() { return {clock(), node()}; }
  SessionId session() { return {node(), u32(), next()}; }
  Dot dot() { return {node(), u32(), next()}; }
  RequestKey request() { return {node(), u32(), next()}; }
  std::map<std::string, std::string> words() {
    std::map<std::string, std::string> all;
    for (std::uint64_t left = below(3); left > 0; --left) all[word()] = text();
    return all;
  }
  std::map<std::string, Bytes> unknown() {
    std::map<std::string, Bytes> all;
    for (std::uint64_t left = below(3); left > 0; --left)
      all[word()] = encode_term(Term(static_cast<std::int64_t>(next()))).octets().substr(1);
    return all;
  }
  template <typename F>
  auto several(const F& make) {
    std::vector<decltype(make())> all;
    for (std::uint64_t left = below(4); left > 0; --left) all.push_back(make());
    return all;
  }

  NamedSpec named_spec() {
    ChildId of = id();
    return {std::move(of), std::make_shared<Spec>(spec())};
  }
  Spec spec() {
    Spec spec;
    spec.worker = word();
    spec.args = text();
    spec.restart = static_cast<Restart>(below(3));
    spec.shutdown = {std::chrono::milliseconds(below(10000)), flip()};
    spec.metadata = text();
    SpecExtras& extras = spec.extras.change();
    extras.tag = text();
    extras.nodes = several([&] { return node(); });
    extras.mapping = several([&] { return node(); });
    spec.needs = word();
    extras.ready_within = std::chrono::milliseconds(below(2) * 60000);
    if (flip()) extras.pace.start_period = std::chrono::milliseconds(below(10000));
    if (flip()) extras.pace.backoff_first = std::chrono::milliseconds(below(10000));
    if (flip()) extras.pace.backoff_max = std::chrono::milliseconds(below(10000));
    if (flip()) extras.after = several([&] { return id(); });
    spec.is_static = flip();
    extras.is_supervisor = flip();
    if (flip()) extras.metadata_before = text();
    extras.unknown = unknown();
    return spec;
  }
  SpecRow row() {
    SpecRow row;
    row.held = flip();
    row.spec = std::make_shared<Spec>(spec());
    row.wanted = flip();
    row.dot = dot();
    row.birth = dot();
    row.clock = clock();
    row.request = request();
    if (flip()) row.start_on = node();
    if (flip()) row.assigned = Assignment{node(), node(), static_cast<AssignedBy>(below(2)), epoch()};
    Trouble& trouble = row.trouble.change();
    trouble.avoid = several([&] { return node(); });
    trouble.failed = flip();
    trouble.failure = text();
    trouble.blame = {u32(), u32(), clock()};
    trouble.rounds = u32();
    trouble.not_before = clock();
    return row;
  }
  Instance instance() {
    Instance instance;
    instance.epoch = epoch();
    instance.phase = static_cast<Phase>(below(6));
    instance.pid = {u32(), u32()};
    instance.os_pid = static_cast<std::int32_t>(u32());
    instance.restarts = u32();
    instance.since = clock();
    instance.retry_at = clock();
    instance.reason = text();
    instance.role = static_cast<Role>(below(3));
    instance.here = static_cast<Why>(below(21));
    instance.why = static_cast<Why>(below(21));
    instance.health = static_cast<Health>(below(4));
    return instance;
  }
  InstanceChange instance_change() {
    InstanceChange change{id(), {}, text()};
    if (flip()) change.instance = instance();
    if (flip()) change.gone = Gone{static_cast<Why>(below(21)), node(), text()};
    return change;
  }
  SpecChange spec_change() {
    SpecChange change;
    change.dot = dot();
    change.id = id();
    if (flip()) {
      change.row = row();
      change.row->dot = change.dot;
    }
    change.request = request();
    change.replaces = several([&] { return dot(); });
    if (flip()) change.floor = epoch();
    return change;
  }
  Member member() {
    Member member;
    member.session = session();
    member.state = static_cast<MemberState>(below(5));
    member.version = next();
    member.up_since = clock();
    member.weight = u32();
    member.offers = {word(), word()};
    member.labels = words();
    member.protocol_max = u32();
    member.address = text();
    for (std::uint64_t left = below(3); left > 0; --left) member.roster[node()] = {clock(), flip()};
    member.fingerprint = words();
    member.unreached = {node(), node()};
    if (flip()) member.forgotten[node()] = {clock(), flip()};
    member.cuts = several([&] { return Cut{{node(), clock()}, {node(), clock()}}; });
    member.turn = flip() ? below(9) : 0;
    member.unknown = unknown();
    return member;
  }
  Census census() {
    Census census;
    census.version = {next(), next(), node()};
    census.size = u32();
    census.names = several([&] { return node(); });
    return census;
  }
  VersionVector vector() {
    VersionVector all;
    for (std::uint64_t left = below(4); left > 0; --left) all.add(dot());
    return all;
  }
  Outcome outcome() {
    Outcome outcome;
    outcome.id = id();
    if (flip()) outcome.error = Error{static_cast<Errc>(below(20)), text(), EncodedTerm(text())};
    if (flip()) outcome.host = session();
    outcome.pid = {u32(), u32()};
    outcome.epoch = epoch();
    return outcome;
  }

  StateCopy state_copy() {
    return {dot(), epoch(), next(), next(), text(), several([&] { return text(); })};
  }

  HandoverWord word_of_handover() {
    switch (below(4)) {
      case 0:
        return Offer{id(),
                     epoch(),
                     next(),
                     dot(),
                     clock(),
                     u32(),
                     static_cast<Role>(below(3)),
                     text(),
                     static_cast<Why>(below(21))};
      case 1:
        return OfferAnswer{id(),           epoch(), next(), static_cast<OfferVerdict>(below(4)),
                           {u32(), u32()}, text()};
      case 2:
        return Commit{id(), epoch(), next()};
      default:
        return Withdrawal{id(), epoch(), next()};
    }
  }

  MessageBody message(std::size_t kind) {
    const auto pair = [&] { return std::make_pair(session(), text()); };
    const auto named_row = [&] {
      const ChildId of = id();
      return std::make_pair(of, row());
    };
    switch (kind) {
      case 0:
        return Hello{member(),
                     session(),
                     flip(),
                     flip(),
                     several(pair),
                     vector(),
                     next(),
                     several([&] { return next(); }),
                     clock(),
                     several([&] { return std::make_pair(session(), std::chrono::milliseconds(below(20000))); })};
      case 1:
        return Refusal{text()};
      case 2:
        return SyncRequest{vector(), several([&] { return next(); })};
      case 3: {
        Sync sync;
        sync.sender = session();
        sync.first = static_cast<std::uint32_t>(below(1000));
        sync.end = sync.first + static_cast<std::uint32_t>(below(24));
        sync.last = flip();
        sync.next_delta = next();
        sync.clock = clock();
        sync.seen = vector();
        sync.rows = several(named_row);
        sync.instances = several([&] { return instance_change(); });
        sync.same = several([&] { return std::make_pair(u32(), next()); });
        sync.ended.emplace_back(id(), dot());
        sync.finished.emplace_back(request(), id());
        if (flip()) sync.floors.push_back(epoch());
        if (flip()) sync.member = member();
        sync.epochs[id()] = epoch();
        return sync;
      }
      case 4:
        return SyncAck{u32()};
      case 5:
        return Behind{};
      case 6: {
        Delta delta{session(),
                    next(),
                    next(),
                    several([&] { return spec_change(); }),
                    several([&] { return instance_change(); }),
                    {}};
        if (flip()) delta.member = member();
        return delta;
      }
      case 7:
        return DeltaAck{next()};
      case 8:
        return View{next(), flip() ? next() : 0, flip() ? next() : 0};
      case 9:
        return Probe{next()};
      case 10:
        return ProbeAck{next(), flip()};
      case 11:
        return Obituary{id(), epoch()};
      case 12:
        return Goodbye{};
      case 13: {
        StartRequest start{request(), static_cast<StartMode>(below(5)), next(), u32(), {}, {}};
        if (flip()) start.on = node();
        start.specs = several([&] { return named_spec(); });
        return start;
      }
      case 14:
        return StopRequest{request(), next(), u32(), several([&] { return id(); })};
      case 15:
        return RetryRequest{request(), next(), u32(), id()};
      case 16:
        return LookupRequest{request(), next(), u32(), id()};
      case 17:
        return Answer{request(), next(), several([&] { return outcome(); })};
      case 18:
        return Handovers{several([&] { return word_of_handover(); })};
      case 19: {
        CensusNews news{census(), {}};
        if (flip()) news.before = census();
        return news;
      }
      case 20:
        return Through{next()};
      case 21:
        return Taken{next(), next()};
      case 22:
        return Have{several([&] { return std::make_pair(session(), next()); }),
                    flip(),
                    session(),
                    next(),
                    vector(),
                    next()};
      case 23:
        return Want{session(), next()};
      case 24:
        return Follow{id(), next(), state_copy()};
      case 25:
        return FollowAnswer{id(), epoch(), next(), static_cast<FollowVerdict>(below(3)), epoch()};
      case 26:
        return StateAsk{id(), next(), epoch(), epoch(), next()};
      case 27: {
        StateTell tell{id(), next(), {}};
        if (flip()) tell.newer = state_copy();
        return tell;
      }
      case 28:
        return MoveRequest{request(), next(), u32(), static_cast<MoveKind>(below(3)), id(), node()};
      default: {
        Load load{u32(), u32(), u32(), next(), {}};
        if (flip()) load.own_ppm = u32();
        return LoadReport{load};
      }
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace brood::core
