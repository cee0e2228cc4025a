#include "supervisor/node/peer_directory.hpp"

#include <algorithm>

namespace brood::supervisor {

void PeerDirectory::up(const NodeName& node, std::uint32_t creation) {
  const std::lock_guard lock(mutex_);
  connected_[node] = creation;
  brood_.erase(node);
}

bool PeerDirectory::down(const NodeName& node, std::uint32_t creation) {
  const std::lock_guard lock(mutex_);
  const auto found = connected_.find(node);
  if (found == connected_.end() || found->second != creation) return false;
  connected_.erase(found);
  brood_.erase(node);
  return true;
}

bool PeerDirectory::is_brood(const NodeName& node) {
  const std::lock_guard lock(mutex_);
  return connected_.contains(node) && brood_.insert(node).second;
}

std::map<NodeName, std::uint32_t> PeerDirectory::connected() const {
  const std::lock_guard lock(mutex_);
  return connected_;
}

std::optional<std::uint32_t> PeerDirectory::creation_of(const NodeName& node) const {
  const std::lock_guard lock(mutex_);
  const auto found = connected_.find(node);
  return found == connected_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<NodeName> PeerDirectory::names() const {
  const std::lock_guard lock(mutex_);
  std::vector<NodeName> names;
  for (const auto& [name, creation] : connected_) names.push_back(name);
  return names;
}

std::vector<NodeName> PeerDirectory::brood_nodes() const {
  const std::lock_guard lock(mutex_);
  return {brood_.begin(), brood_.end()};
}

void PeerDirectory::member_changed(const std::string& supervisor, const core::MemberEvent& event) {
  const std::lock_guard lock(mutex_);
  members_[event.session.node][supervisor] = {std::string(core::to_string(event.state)),
                                              event.state == core::MemberState::up};
  const bool gone = event.state == core::MemberState::down || event.state == core::MemberState::left;
  std::erase(gone_, event.session.node);
  if (gone) note_gone(event.session.node);
}

void PeerDirectory::note_gone(const NodeName& node) {
  const auto& views = members_[node];
  const bool somewhere = std::any_of(views.begin(), views.end(), [](const auto& item) {
    return item.second.state != core::to_string(core::MemberState::down) &&
           item.second.state != core::to_string(core::MemberState::left);
  });
  if (somewhere) return;
  gone_.push_back(node);
  if (gone_.size() <= gone_max) return;
  members_.erase(gone_.front());
  gone_.pop_front();
}

void PeerDirectory::forget_member(const NodeName& node) {
  const std::lock_guard lock(mutex_);
  members_.erase(node);
  std::erase(gone_, node);
}

PeerDirectory::MemberViews PeerDirectory::members() const {
  const std::lock_guard lock(mutex_);
  return members_;
}

}  // namespace brood::supervisor
