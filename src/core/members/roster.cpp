#include "core/members/roster.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace brood::core {

// What the settings name is older than anything that was asked for since.
Roster::Roster(const Settings& settings, Sessions& sessions, const Replication& replication)
    : settings_(settings), sessions_(sessions), replication_(replication) {
  for (const NodeName& node : settings.ring_nodes) list_.emplace(node, RosterEntry{});
}

bool Roster::allows(const NodeName& node) const {
  if (list_.empty()) return true;
  const auto entry = list_.find(node);
  return entry != list_.end() && entry->second.listed;
}

std::vector<NodeName> Roster::listed() const {
  std::vector<NodeName> nodes;
  for (const auto& [node, entry] : list_)
    if (entry.listed) nodes.push_back(node);
  return nodes;
}

void Roster::learn(Step& s, PeerIndex peer) {
  const Member* member = peer == self_index ? nullptr : sessions_.member(peer);
  if (!member) return;
  bool newer = false;
  for (const auto& [node, entry] : member->roster) {
    if (list_.size() >= nodes_max && !list_.contains(node)) continue;
    s.witness(entry.clock, node);
    const auto [mine, added] = list_.try_emplace(node, entry);
    if (!added && entry.clock <= mine->second.clock) continue;
    mine->second = entry;
    newer = true;
  }
  if (newer) sessions_.set_roster(s, list_);
}

void Roster::fix(Step& s, const std::vector<PeerIndex>& up) {
  if (!settings_.fixed_ring || applies() || up.empty()) return;
  const auto age = [this](PeerIndex peer) {
    return std::make_pair(sessions_.member(peer)->up_since, sessions_.name(peer));
  };
  const PeerIndex oldest =
      *std::min_element(up.begin(), up.end(), [&](PeerIndex a, PeerIndex b) { return age(a) < age(b); });
  if (oldest != self_index) return;
  const Hlc clock = s.tick();
  for (const PeerIndex peer : up) list_.emplace(sessions_.name(peer), RosterEntry{clock, true});
  s.log(LogLevel::info,
        fmt::format("the ring is fixed: {} nodes get children until others are added", list_.size()));
  sessions_.set_roster(s, list_);
}

std::optional<Error> Roster::cannot_change(const ClientRoster& event, const List& next) const {
  if (!settings_.fixed_ring && settings_.ring_nodes.empty())
    return Error{
        Errc::invalid_argument,
        "every member of this supervisor gets children, so there is no list of nodes to change; name its "
        "`nodes`, or set `monitor_nodes` to false"};
  if (next.size() > nodes_max)
    return Error{Errc::limit_exceeded, fmt::format("more than {} nodes were added and removed", nodes_max)};
  const bool any =
      std::any_of(next.begin(), next.end(), [](const auto& entry) { return entry.second.listed; });
  if (!any && !event.remove.empty())
    return Error{Errc::invalid_argument, "no node would be left that may get children; add others first"};
  return std::nullopt;
}

void Roster::change(Step& s, const ClientRoster& event) {
  List next = list_;
  const Hlc clock = s.tick();
  const auto set = [&](const NodeName& node, bool listed) {
    const auto entry = next.find(node);
    const bool is = entry != next.end() && entry->second.listed;
    if (is == listed) return;
    // Above what is there, whatever clock that is of.
    const Hlc above = entry == next.end() ? Hlc{} : Hlc{entry->second.clock.value + 1};
    next[node] = {std::max(clock, above), listed};
  };
  for (const NodeName& node : event.add) set(node, true);
  for (const NodeName& node : event.remove) set(node, false);
  if (auto error = cannot_change(event, next)) {
    Outcome outcome;
    outcome.error = std::move(error);
    s.effects.replies.push_back({event.client, {std::move(outcome)}, true});
    return;
  }
  if (next != list_) {
    list_ = std::move(next);
    sessions_.set_roster(s, list_);
  }
  waiting_.emplace_back(replication_.newest(), event.client);
}

void Roster::forget(ClientId client) {
  std::erase_if(waiting_, [&](const auto& one) { return one.second == client; });
}

void Roster::drop(Step& s, const NodeName& node) {
  const auto entry = list_.find(node);
  if (entry == list_.end() || !entry->second.listed || listed().size() < 2) return;
  entry->second = {std::max(s.tick(), Hlc{entry->second.clock.value + 1}), false};
  sessions_.set_roster(s, list_);
}

void Roster::rename(Step& s, const NodeName& before, const NodeName& now) {
  const auto entry = list_.find(before);
  if (entry == list_.end() || before == now) return;
  list_.insert_or_assign(now, RosterEntry{s.tick(), entry->second.listed});
  list_.erase(before);
  sessions_.set_roster(s, list_);
}

void Roster::tell(Step& s) {
  std::erase_if(waiting_, [&](const auto& one) {
    if (!replication_.is_replicated(one.first)) return false;
    s.effects.replies.push_back({one.second, {}, true});
    return true;
  });
}

}  // namespace brood::core
