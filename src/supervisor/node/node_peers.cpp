// The other nodes as they come and go: what is said to them first, and who is told of them.
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

namespace {

/// How long a node that was found and tried is not tried again, and how many such nodes are remembered.
constexpr milliseconds found_pause{1000};
constexpr std::size_t found_max = 4096;

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

}  // namespace

void NodeImpl::on_found(const std::string& found) {
  const auto address = parse_node_address(found);
  if (!address || runtime_->is_here(address->name)) return;
  const auto now = std::chrono::steady_clock::now();
  {
    std::lock_guard lock(mutex_);
    if (connected_.contains(address->name)) return;
    // Strategies repeat themselves, and a name on a list need not be there.
    if (found_.size() >= found_max) found_.clear();
    auto [tried, first] = found_.try_emplace(address->name, now);
    if (!first && now - tried->second < found_pause) return;
    tried->second = now;
  }
  if (address->port != 0) distribution()->set_address(address->name, address->host, address->port);
  distribution()->connect(address->name);
}

void NodeImpl::on_peer_up(const node::PeerInfo& peer) {
  runtime_->on_node_up(peer.name);
  {
    std::lock_guard lock(mutex_);
    connected_[peer.name] = peer.creation;
    brood_nodes_.erase(peer.name);
  }
  // Before anything else, so that a brood node knows its like; nobody has the name on others.
  static const Bytes hello = encode_term(Term::atom("hello"));
  distribution()->send_named(Pid{name(), 0, 0, creation()}, {peer_name, peer.name}, hello);
  for (auto& driver : drivers()) {
    driver->pg().node_up(peer.name);
  }
  to_all_drivers(core::PeerUp{peer.name, peer.creation});
  watch_.up({.name = peer.name.value, .hidden = peer.hidden, .creation = peer.creation});
}

void NodeImpl::on_peer_down(const node::PeerInfo& peer, node::DownReason reason, const std::string& words) {
  bool lost = false;
  {
    std::lock_guard lock(mutex_);
    auto it = connected_.find(peer.name);
    lost = it != connected_.end() && it->second == peer.creation;
    if (lost) {
      connected_.erase(it);
      brood_nodes_.erase(peer.name);
    }
  }
  for (auto& driver : drivers()) {
    if (lost) driver->pg().node_down(peer.name);
  }
  if (lost) requests_->client_gone(peer.name);
  to_all_drivers(core::PeerDown{peer.name, reason == node::DownReason::tick_timeout, words});
  watch_.down(peer.name.value, public_reason(reason), words);
}

void NodeImpl::note_brood(const NodeName& node) {
  {
    std::lock_guard lock(mutex_);
    if (!brood_nodes_.insert(node).second) return;
  }
  for (auto& driver : drivers()) {
    driver->pg().is_brood(node);
  }
}

std::vector<NodeName> NodeImpl::brood_nodes() const {
  std::lock_guard lock(mutex_);
  return {brood_nodes_.begin(), brood_nodes_.end()};
}

}  // namespace brood::supervisor
