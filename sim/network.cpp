#include "sim/network.hpp"

#include "core/wire/wire.hpp"
#include "sim/callers.hpp"
#include "sim/driver.hpp"
#include "sim/plant.hpp"
#include "sim/splits.hpp"

namespace brood::sim {
using namespace std::chrono_literals;

namespace {
constexpr Duration handshake_patience = 7s;
/// A peer is given up somewhat before or after the tick time-out, since ticks come every quarter of it.
constexpr Duration silence_min = 6500ms;
constexpr Duration silence_max = 9s;
}  // namespace

Network::Network(World& world)
    : world_(world),
      random_(world.random.fork()),
      count_(world.nodes.size()),
      ends_(count_ * count_),
      stalled_(count_ * count_),
      failures_in_row_(count_ * count_) {}

Duration Network::delay() {
  if (world_.healed) return random_.between(Duration(50us), Duration(500us));
  if (random_.chance(world_.profile.delayed)) return 200ms;
  return random_.chance(800) ? random_.between(Duration(50us), Duration(1ms))
                             : random_.between(Duration(1ms), Duration(5ms));
}

Duration Network::random_cut(std::size_t owner, std::size_t peer) {
  const Duration now = world_.now();
  const Duration last = std::max(now, end(owner, peer).last_arrival);
  switch (random_.below(3)) {
    case 0:
      return now;
    case 1:
      return last;
    default:
      return random_.between(now, last);
  }
}

void Network::arrive_later(std::size_t owner, std::size_t peer, Duration time, Job job) {
  End& at = end(owner, peer);
  at.last_arrival = std::max(at.last_arrival, time);
  const std::uint64_t incarnation = world_.nodes[owner].incarnation;
  world_.timeline.at(at.last_arrival, [this, owner, incarnation, job = std::move(job)]() mutable {
    world_.driver->when_awake(owner, incarnation, std::move(job));
  });
}

// ---- connecting ----------------------------------------------------------------------------------------

void Network::connect(std::size_t from, std::size_t to) {
  const std::uint64_t incarnation = world_.nodes[from].incarnation;
  world_.timeline.after(
      random_.between(Duration(200us), world_.profile.connect_max),
      [this, from, to, incarnation] { attempt(from, to, incarnation, world_.now() + handshake_patience); });
}

void Network::attempt(std::size_t from, std::size_t to, std::uint64_t incarnation, Duration give_up) {
  const SimNode& source = world_.nodes[from];
  if (source.incarnation != incarnation || source.state == SimNode::State::off) return;
  if (source.state == SimNode::State::paused) {
    world_.driver->when_awake(from, incarnation,
                              [=, this] { attempt(from, to, incarnation, world_.now() + 1s); });
    return;
  }
  if (end(from, to).connection != 0 && !end(from, to).broken) return;
  const SimNode& target = world_.nodes[to];
  if (!world_.splits->reach(from, to)) {
    // Nothing comes back, or some router says that it cannot be reached: neither proves anything.
    if (world_.now() >= give_up || random_.chance(50))
      fail(from, to, incarnation, false);
    else
      world_.timeline.after(300ms, [=, this] { attempt(from, to, incarnation, give_up); });
  } else if (target.state == SimNode::State::off) {
    fail(from, to, incarnation, !random_.chance(world_.profile.connect_fails / 3));
  } else if (target.state == SimNode::State::paused) {
    if (world_.now() >= give_up)
      fail(from, to, incarnation, false);
    else
      world_.timeline.after(100ms, [=, this] { attempt(from, to, incarnation, give_up); });
  } else {
    std::uint32_t& failures = failures_in_row_[from * count_ + to];
    if (!world_.healed && failures < 2 && random_.chance(world_.profile.connect_fails)) {
      ++failures;
      fail(from, to, incarnation, false);
    } else {
      failures = 0;
      establish(from, to);
    }
  }
}

void Network::fail(std::size_t from, std::size_t to, std::uint64_t incarnation, bool proven_dead) {
  world_.timeline.after(random_.between(Duration(50us), Duration(2ms)), [=, this] {
    world_.driver->when_awake(from, incarnation, [=, this] {
      world_.driver->post(from, core::ConnectFailed{world_.nodes[to].name, proven_dead, "simulated"});
    });
  });
}

void Network::establish(std::size_t from, std::size_t to) {
  const std::uint64_t connection = ++connections_;
  for (const auto& [owner, peer] : {std::pair{from, to}, std::pair{to, from}}) {
    End& at = end(owner, peer);
    const bool replaced = at.connection != 0 && at.open;
    at = End{};
    at.connection = connection;
    const Duration time = world_.now() + random_.between(Duration(50us), Duration(3ms));
    if (replaced) {
      arrive_later(owner, peer, time, [this, owner = owner, peer = peer] {
        world_.driver->post(owner, core::PeerDown{world_.nodes[peer].name, false, "replaced"});
        world_.callers->connection_lost(owner, peer);
      });
    }
    open_end(owner, peer, connection);
  }
}

void Network::open_end(std::size_t owner, std::size_t peer, std::uint64_t connection) {
  const std::uint32_t creation = world_.nodes[peer].creation;
  const Duration time = world_.now() + random_.between(Duration(50us), Duration(3ms));
  arrive_later(owner, peer, time, [=, this] {
    End& at = end(owner, peer);
    if (at.connection != connection) return;
    at.open = true;  // also when it broke meanwhile: PeerDown is behind
    world_.driver->post(owner, core::PeerUp{world_.nodes[peer].name, creation});
  });
}

// ---- messages ------------------------------------------------------------------------------------------

void Network::send(std::size_t from, const core::Send& send) {
  Parcel parcel{std::make_shared<Letter>(), false};
  Letter& letter = *parcel.letter;
  parcel.brings_changes = std::holds_alternative<core::Delta>(send.body) ||
                          std::holds_alternative<core::Have>(send.body) ||
                          std::holds_alternative<core::Want>(send.body);
  if (world_.options.wire) {
    letter.bytes = core::encode(send.body);
    world_.trace.mix(letter.bytes);
  } else {
    letter.body = send.body;
    world_.trace.mix(send.body.index());
  }
  const std::size_t bytes = world_.options.wire ? letter.bytes.size()
                            : weighs_           ? core::encode(send.body).size()
                                                : 0;
  for (const NodeName& name : send.to) {
    const auto found = world_.node_index.find(name);
    if (found == world_.node_index.end() || found->second == from) {
      world_.violate("address", nullptr, "a message to " + name.text() + ", which is no other node");
      return;
    }
    const End& mine = end(from, found->second);
    ++world_.counts.messages;
    ++world_.nodes[from].sent;
    ++world_.nodes[from].sent_kinds[send.body.index()];
    world_.counts.bytes += bytes;
    world_.nodes[from].sent_bytes += bytes;
    if (mine.connection != 0 && mine.open && !mine.broken) deliver(from, found->second, parcel);
  }
}

void Network::deliver(std::size_t from, std::size_t to, const Parcel& parcel) {
  const std::uint64_t connection = end(from, to).connection;
  if (!world_.splits->passes(from, to)) {
    stalled_[from * count_ + to].push_back({connection, parcel});
    return;
  }
  if (end(to, from).connection != connection || end(to, from).broken) return;
  if (goes_astray(from, to, parcel)) return;
  const Duration time = std::max(world_.now() + delay(), end(to, from).last_arrival);
  const std::uint32_t creation = world_.nodes[from].creation;
  arrive_later(to, from, time, [=, this, carried = Parcel(parcel)]() mutable {
    const End& at = end(to, from);
    if (at.connection == connection && time <= at.cut) unpack(from, to, creation, carried);
  });
}

bool Network::goes_astray(std::size_t from, std::size_t to, const Parcel& parcel) {
  if (!parcel.brings_changes || world_.healed) return false;
  if (world_.profile.has(Fault::twice) && random_.chance(50)) {
    world_.marks.hit("twice: a change comes again");
    deliver_late(from, to, parcel);
  }
  if (!world_.profile.has(Fault::chaos) || !world_.passes_on() || !random_.chance(60)) return false;
  if (random_.chance(400)) {
    world_.marks.hit("chaos: a change is lost");
    return true;
  }
  world_.marks.hit("chaos: a change is late");
  deliver_late(from, to, parcel);
  return true;
}

void Network::deliver_late(std::size_t from, std::size_t to, const Parcel& parcel) {
  const std::uint64_t connection = end(from, to).connection;
  const std::uint64_t incarnation = world_.nodes[to].incarnation;
  const std::uint32_t creation = world_.nodes[from].creation;
  const Duration time = world_.now() + random_.between(Duration(100us), Duration(400ms));
  world_.timeline.at(time, [=, this] {
    world_.driver->when_awake(to, incarnation, [=, this, carried = Parcel(parcel)]() mutable {
      const End& at = end(to, from);
      if (at.connection == connection && at.open && !at.broken) unpack(from, to, creation, carried);
    });
  });
}

// The last receiver takes the message itself: with very many nodes those that are under way fill the memory.
void Network::unpack(std::size_t from, std::size_t to, std::uint32_t creation, Parcel& parcel) {
  core::PeerMessage message{world_.nodes[from].name, creation, {}};
  Letter& letter = *parcel.letter;
  if (!letter.body) {
    auto body = core::decode(letter.bytes);
    if (!body) return world_.violate("wire", nullptr, "a message cannot be decoded: " + body.error().message);
    letter.body = std::move(*body);
    letter.bytes = {};
  }
  if (parcel.letter.use_count() == 1)
    message.body = *std::move(letter.body);
  else
    message.body = *letter.body;
  tamper(world_, to, message.body, random_);
  ++world_.nodes[to].received;
  world_.driver->post(to, std::move(message));
}

// ---- the end of a connection ---------------------------------------------------------------------------

void Network::close_end(std::size_t owner, std::size_t peer, Duration cut, bool silent) {
  End& at = end(owner, peer);
  if (at.connection == 0 || at.broken) return;
  at.broken = true;
  at.cut = cut;
  const std::uint64_t connection = at.connection;
  const Duration time = std::max(cut, world_.now()) + random_.between(Duration(10us), Duration(2ms));
  arrive_later(owner, peer, time, [=, this] {
    End& closing = end(owner, peer);
    if (closing.connection != connection) return;
    closing = End{};
    world_.driver->post(owner, core::PeerDown{world_.nodes[peer].name, silent, silent ? "silent" : "closed"});
    world_.callers->connection_lost(owner, peer);
  });
}

void Network::break_connection(std::size_t a, std::size_t b) {
  if (!world_.splits->reach(a, b)) return;
  const std::uint64_t connection = end(a, b).connection;
  if (connection == 0 || connection != end(b, a).connection) return;
  const Duration cut_a = random_cut(a, b);
  const Duration cut_b = random_cut(b, a);
  close_end(a, b, cut_a, false);
  close_end(b, a, cut_b, false);
}

void Network::disconnect(std::size_t from, std::size_t to) {
  const std::uint64_t connection = end(from, to).connection;
  if (connection == 0) return;
  close_end(from, to, world_.now(), false);
  if (end(to, from).connection == connection && world_.splits->passes(from, to))
    close_end(to, from, end(to, from).last_arrival, false);
}

void Network::node_gone(std::size_t node, bool flushed) {
  for (std::size_t peer = 0; peer < count_; ++peer) {
    if (peer == node) continue;
    end(node, peer) = End{};
    // Behind a cut nobody is told; the end is given up for its silence, or when the cut is undone.
    if (end(peer, node).connection != 0 && world_.splits->passes(node, peer))
      close_end(peer, node, flushed ? end(peer, node).last_arrival : random_cut(peer, node), false);
  }
}

void Network::node_paused(std::size_t node) {
  for (std::size_t peer = 0; peer < count_; ++peer)
    if (peer != node && world_.nodes[peer].running()) watch_silence(peer, node);
}

void Network::node_resumed(std::size_t node) {
  for (std::size_t peer = 0; peer < count_; ++peer)
    if (peer != node && world_.nodes[peer].state == SimNode::State::paused) watch_silence(node, peer);
  for (std::size_t peer = 0; peer < count_; ++peer)
    if (peer != node && !world_.splits->passes(peer, node)) watch_cut(peer, node);
}

// ---- cuts ----------------------------------------------------------------------------------------------

void Network::cut(std::size_t from, std::size_t to) {
  watch_cut(from, to);
}

// Silence is counted from the cut on, or from when the receiver runs again.
void Network::watch_cut(std::size_t from, std::size_t to) {
  const std::uint64_t connection = end(to, from).connection;
  if (connection == 0) return;
  const auto start =
      std::tuple(world_.splits->changes(), world_.nodes[to].pauses, world_.nodes[to].incarnation);
  world_.timeline.after(random_.between(silence_min, silence_max), [=, this] {
    const SimNode& receiver = world_.nodes[to];
    if (!receiver.running() ||
        start != std::tuple(world_.splits->changes(), receiver.pauses, receiver.incarnation) ||
        world_.splits->passes(from, to) || end(to, from).connection != connection)
      return;
    close_end(to, from, world_.now(), true);
    if (end(from, to).connection == connection && world_.splits->passes(to, from))
      close_end(from, to, end(from, to).last_arrival, false);
  });
}

void Network::uncut(std::size_t from, std::size_t to) {
  std::vector<Stalled> waiting;
  waiting.swap(stalled_[from * count_ + to]);
  for (const Stalled& one : waiting)
    if (end(from, to).connection == one.connection && !end(from, to).broken) deliver(from, to, one.parcel);
  if (end(from, to).connection == end(to, from).connection) return;
  // One side has given the connection up, and the other hears of it now.
  close_end(from, to, world_.now(), false);
  close_end(to, from, world_.now(), false);
}

void Network::watch_silence(std::size_t awake, std::size_t asleep) {
  const std::uint64_t connection = end(awake, asleep).connection;
  if (connection == 0) return;
  const auto pauses = std::pair(world_.nodes[awake].pauses, world_.nodes[asleep].pauses);
  world_.timeline.after(random_.between(silence_min, silence_max), [=, this] {
    const SimNode& watcher = world_.nodes[awake];
    const SimNode& silent = world_.nodes[asleep];
    if (!watcher.running() || silent.state != SimNode::State::paused) return;
    if (pauses != std::pair(watcher.pauses, silent.pauses) || end(awake, asleep).connection != connection)
      return;
    close_end(awake, asleep, world_.now(), true);
    if (end(asleep, awake).connection == connection)
      close_end(asleep, awake, end(asleep, awake).last_arrival, false);
  });
}

}  // namespace brood::sim
