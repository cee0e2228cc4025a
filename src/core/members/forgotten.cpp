#include "core/members/forgotten.hpp"

#include <fmt/format.h>

namespace brood::core {

std::vector<NodeName> Forgotten::nodes() const {
  std::vector<NodeName> nodes;
  for (const auto& [node, entry] : list_)
    if (entry.listed) nodes.push_back(node);
  return nodes;
}

bool Forgotten::is_here(const NodeName& node) const {
  const PeerIndex peer = sessions_.find(node);
  return node == settings_.self || (peer != no_peer && sessions_.member(peer));
}

void Forgotten::ask(Step& s, const ClientForget& event) {
  std::optional<Error> error;
  if (is_here(event.node))
    error =
        Error{Errc::invalid_argument,
              fmt::format("{} is a member; drain it, or stop it, before it is forgotten", event.node.text())};
  else if (list_.size() >= nodes_max && !list_.contains(event.node))
    error = Error{Errc::limit_exceeded, fmt::format("more than {} nodes were forgotten", nodes_max)};
  if (error) {
    Outcome outcome;
    outcome.error = std::move(error);
    s.effects.replies.push_back({event.client, {std::move(outcome)}, true});
    return;
  }
  RosterEntry& entry = list_[event.node];
  const bool known = entry.listed && entry.clock != Hlc{};
  if (!known) {
    entry = {std::max(s.tick(), Hlc{entry.clock.value + 1}), true};
    s.log(LogLevel::info, fmt::format("{} is forgotten: nothing waits for it any more", event.node.text()));
    sessions_.set_forgotten(s, list_);
    notes_.forgotten(s, event.node);
  }
  waiting_.emplace_back(replication_.newest(), event.client);
}

void Forgotten::client_gone(ClientId client) {
  std::erase_if(waiting_, [&](const auto& one) { return one.second == client; });
}

void Forgotten::learn(Step& s, PeerIndex peer) {
  const Member* member = peer == self_index ? nullptr : sessions_.member(peer);
  if (!member || member->forgotten.empty()) return;
  std::vector<NodeName> fresh;
  bool newer = false;
  for (const auto& [node, entry] : member->forgotten) {
    if (list_.size() >= nodes_max && !list_.contains(node)) continue;
    s.witness(entry.clock, node);
    const auto [mine, added] = list_.try_emplace(node, RosterEntry{entry.clock, false});
    if (!added && entry.clock <= mine->second.clock) continue;
    const bool comes = entry.listed && !mine->second.listed;
    mine->second = entry;
    newer = true;
    if (!comes) continue;
    if (is_here(node))
      mine->second = {std::max(s.tick(), Hlc{entry.clock.value + 1}), false};
    else
      fresh.push_back(node);
  }
  if (newer) sessions_.set_forgotten(s, list_);
  for (const NodeName& node : fresh) notes_.forgotten(s, node);
}

void Forgotten::session_began(Step& s, const NodeName& node) {
  const auto entry = list_.find(node);
  if (entry == list_.end() || !entry->second.listed) return;
  entry->second = {std::max(s.tick(), Hlc{entry->second.clock.value + 1}), false};
  sessions_.set_forgotten(s, list_);
}

void Forgotten::tell(Step& s) {
  std::erase_if(waiting_, [&](const auto& one) {
    if (!replication_.is_replicated(one.first)) return false;
    s.effects.replies.push_back({one.second, {}, true});
    return true;
  });
}

}  // namespace brood::core
