#include "supervisor/node/peer_events.hpp"

#include <fmt/format.h>

#include "core/wire/wire.hpp"
#include "process/log/log.hpp"
#include "supervisor/node/node_names.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

NodeDownReason public_reason(node::DownReason reason) {
  switch (reason) {
    case node::DownReason::closed:
      return NodeDownReason::connection_closed;
    case node::DownReason::tick_timeout:
      return NodeDownReason::net_tick_timeout;
    case node::DownReason::disconnected:
      return NodeDownReason::disconnect;
    case node::DownReason::replaced:
      return NodeDownReason::replaced;
    case node::DownReason::protocol_error:
      return NodeDownReason::protocol_error;
    case node::DownReason::overflow:
      return NodeDownReason::overflow;
  }
  return NodeDownReason::connection_closed;
}

bool proves_death(node::ConnectFailure failure) {
  return failure == node::ConnectFailure::connection_refused ||
         failure == node::ConnectFailure::not_registered || failure == node::ConnectFailure::other_node;
}

/// The node is there and does not want us, or we do not want it; trying again changes nothing.
bool is_refusal(node::ConnectFailure failure) {
  return failure == node::ConnectFailure::wrong_cookie || failure == node::ConnectFailure::no_tls ||
         failure == node::ConnectFailure::bad_certificate;
}

}  // namespace

node::DistributionEvents PeerEvents::events() {
  node::DistributionEvents events;
  events.on_up = [this](const node::PeerInfo& peer) { up(peer); };
  events.on_down = [this](const node::PeerInfo& peer, node::DownReason reason, const std::string& words) {
    down(peer, reason, words);
  };
  events.on_connect_failed = [this](const NodeName& node, node::ConnectFailure failure,
                                    const std::string& words) { connect_failed(node, failure, words); };
  return events;
}

void PeerEvents::to_all(const core::Event& event) {
  for (const auto& driver : parts_.supervisors.all()) driver->post(event);
}

void PeerEvents::up(const node::PeerInfo& peer) {
  process::Runtime& runtime = parts_.runtime;
  runtime.on_node_up(peer.name);
  parts_.peers.up(peer.name, peer.creation);
  // A C or Java node is a client: no member, and nothing there takes a message that it did not ask for.
  if (peer.answers_anybody) {
    // Before anything else, so that a brood node knows its like; nobody has the name on others.
    static const EncodedTerm hello = encode_term(Term::atom("hello"));
    parts_.network.send(Pid{runtime.name(), 0, 0, runtime.creation()}, {peer_name, peer.name}, {hello});
    for (const auto& driver : parts_.supervisors.all()) driver->pg().node_up(peer.name);
    // Who does not prove his name is no member, whatever he says; a core that dialled him hears that it
    // failed.
    if (peer.proven)
      to_all(core::PeerUp{peer.name, peer.creation});
    else
      to_all(core::ConnectFailed{peer.name, false, "it does not prove its name", false});
  }
  parts_.watch.up({.name = peer.name.text(), .hidden = peer.hidden, .creation = peer.creation});
}

void PeerEvents::down(const node::PeerInfo& peer, node::DownReason reason, const std::string& words) {
  if (parts_.peers.down(peer.name, peer.creation)) {
    for (const auto& driver : parts_.supervisors.all()) driver->pg().node_down(peer.name);
    parts_.requests.client_gone(peer.name);
  }
  if (peer.answers_anybody && peer.proven)
    to_all(core::PeerDown{peer.name, reason == node::DownReason::tick_timeout, words});
  parts_.watch.down(peer.name.text(), public_reason(reason), words);
}

void PeerEvents::connect_failed(const NodeName& node, node::ConnectFailure failure,
                                const std::string& words) {
  if (parts_.seeds.has(node) && !parts_.runtime.is_here(node)) seed_failed(node, failure, words);
  to_all(core::ConnectFailed{node, proves_death(failure), words, is_refusal(failure)});
}

// A seed that cannot be joined makes two clusters of one: say so, but not with each try.
void PeerEvents::seed_failed(const NodeName& node, node::ConnectFailure failure, const std::string& words) {
  if (is_refusal(failure)) {
    parts_.up.refused(node.text(), {Errc::not_allowed, fmt::format("cannot join {}", words)});
  } else {
    parts_.up.gone(node.text());
  }
  if (!parts_.seeds.should_warn(node, failure, std::chrono::steady_clock::now())) return;
  if (failure == node::ConnectFailure::other_node) {
    log::warn("cannot join seed {}; give `join` that name, or this node will form a cluster of its own",
              words);
  } else if (proves_death(failure)) {
    log::info("seed {} does not run yet: {}", node.text(), words);
  } else {
    log::warn("cannot join seed {}: {}", node.text(), words);
  }
}

void PeerEvents::note_brood(const NodeName& node) {
  if (!parts_.peers.is_brood(node)) return;
  parts_.up.let_in();
  for (const auto& driver : parts_.supervisors.all()) driver->pg().is_brood(node);
}

/// {Supervisor, <<Message>>}, as Outbox writes it: a binary, so that it is read where it lies.
void PeerEvents::receive(const process::Incoming& incoming) {
  const auto creation = parts_.trust.proven_creation(incoming.from.node);
  if (!creation) return;
  note_brood(incoming.from.node);
  TermReader reader(incoming.term);
  if (!reader.version() || !reader.tuple(2)) return;
  auto name = reader.atom();
  if (!name) return;
  auto driver = parts_.supervisors.find(*name);
  if (!driver) return;
  auto bytes = reader.binary();
  if (!bytes) return;
  auto body = core::decode(*bytes);
  if (!body) {
    log::warn("{}: message from {} was not understood: {}", *name, incoming.from.node.text(),
              body.error().message);
    return;
  }
  if (std::holds_alternative<core::Hello>(*body))
    parts_.network.set_tick_timeout(incoming.from.node, parts_.options.tick_timeout);
  driver->post(core::PeerMessage{incoming.from.node, *creation, std::move(*body)}, bytes->size());
}

void PeerEvents::found(const std::string& address) {
  const auto where = parse_node_address(address);
  if (!where || parts_.runtime.is_here(where->name) || parts_.peers.creation_of(where->name)) return;
  if (!parts_.seeds.may_try(where->name, std::chrono::steady_clock::now())) return;
  parts_.network.suggest_address(where->name, where->host, where->port);
  parts_.network.connect(where->name, {}, false);
}

}  // namespace brood::supervisor
