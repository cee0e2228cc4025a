// Requests about the network: who is connected, and what was refused since the start.
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

Term count(std::uint64_t number) {
  return Term(static_cast<std::int64_t>(number));
}

Term peer_term(const node::Distribution& network, const node::PeerInfo& peer) {
  return Term::map({{Term::atom("name"), Term(peer.name)},
                    {Term::atom("address"), Term::binary(peer.address)},
                    {Term::atom("proven"), Term(peer.proven)},
                    {Term::atom("bytes_waiting"), count(network.backlog(peer.name))}});
}

/// {ok, #{peers := [...], counters := #{...}}}; a node without a network has neither.
void network_info(const RequestPtr& request) {
  const node::Distribution* network = request->node.distribution();
  std::vector<Term> peers;
  node::DistributionCounters counters;
  if (network != nullptr) {
    counters = network->counters();
    for (const node::PeerInfo& peer : network->peers()) peers.push_back(peer_term(*network, peer));
  }
  Term counts = Term::map({{Term::atom("messages_dropped"), count(counters.messages_dropped)},
                           {Term::atom("answers_dropped"), count(counters.answers_dropped)},
                           {Term::atom("handshakes_refused"), count(counters.handshakes_refused)},
                           {Term::atom("connections_refused"), count(counters.connections_refused)},
                           {Term::atom("proofs_refused"), count(counters.proofs_refused)},
                           {Term::atom("senders_forged"), count(counters.senders_forged)},
                           {Term::atom("unproven_refused"), count(request->node.trust().unproven_refused())},
                           {Term::atom("commands_refused"), count(request->node.trust().commands_refused())},
                           {Term::atom("protocol_errors"), count(counters.protocol_errors)},
                           {Term::atom("slowest_cut"), count(counters.slowest_cut)},
                           {Term::atom("bytes_waiting"), count(counters.bytes_waiting)}});
  request->reply(ok_term(Term::map(
      {{Term::atom("peers"), Term::list(std::move(peers))}, {Term::atom("counters"), std::move(counts)}})));
}

}  // namespace

std::vector<Route> network_routes() {
  return {{"network_info", 0, Needs::nothing, network_info}};
}

}  // namespace brood::supervisor
