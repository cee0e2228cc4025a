// Leaving in good order: every child moves away by the ordinary rule, then Goodbye.
#include "core/state.hpp"

namespace brood::core {

void Machine::handle(const ClientDrain& event) {
  if (left_) {
    effects_.replies.push_back({event.client, {}, true});
    return;
  }
  Member& row = *peers_[self_index].member;
  drainers_.push_back(event.client);
  drain_for_good_ = drain_for_good_ || event.for_good;
  if (row.state != MemberState::up) {
    if (row.state == MemberState::joining && !give_up_) leave();
    return;  // one that joins anew drains when it is up
  }
  begin_drain();
}

void Machine::begin_drain() {
  Member& row = *peers_[self_index].member;
  bool target = false;
  for (std::size_t index = 1; index < peers_.size(); ++index) {
    const Peer& peer = peers_[index];
    target = target || (peer.in_state(MemberState::up) && peer.member->weight > 0);
  }
  if (!target && own_count_ > 0 && !drain_for_good_)
    return refuse_drain("no other member is up that could take the children");
  row.state = MemberState::draining;
  drain_at_ = now_.monotonic;
  self_changed();
  view_dirty_ = true;
  effects_.members.push_back({row.session, MemberState::draining, "drains"});
  reconcile_all_ = true;
}

// A child that can run nowhere else would have to end, and that is not what a drain is for.
bool Machine::refuse_impossible_drain() {
  if (drain_for_good_) return false;
  const ChildId* stays = nullptr;
  for (const auto& [id, child] : table_.children())
    if (child.own && child.wanted() && place_of(child) == no_peer && (!stays || id < *stays)) stays = &id;
  if (!stays) return false;
  Member& row = *peers_[self_index].member;
  row.state = MemberState::up;
  self_changed();
  view_dirty_ = true;
  release_queue_.clear();
  effects_.members.push_back({row.session, MemberState::up, "the drain was refused"});
  refuse_drain("no other member that is up could take " + stays->text());
  return true;
}

void Machine::tend_drain() {
  const Member& row = *peers_[self_index].member;
  if (left_ || row.state != MemberState::draining || fenced_ || !acting()) return;
  // Clients that asked here still get their answers, if those come soon.
  if (!origins_.empty() && now_.monotonic < drain_at_ + settings_.tick_timeout) return;
  if (drain_for_good_ && !drainers_.empty() && only_homeless_left())
    return refuse_drain("no other member that is up could take the children that are left");
  // Who goes first sees its children run elsewhere (moved() does not wait for ever).
  if (own_count_ == 0 && moving_.empty() && works_.empty() && inbox_.empty()) leave();
}

/// All that could move has moved; what is left has nowhere to go.
bool Machine::only_homeless_left() const {
  if (own_count_ == 0) return false;
  const auto& children = table_.children();
  return std::all_of(children.begin(), children.end(), [this](const auto& item) {
    return !item.second.own || !item.second.wanted() || place_of(item.second) == no_peer;
  });
}

void Machine::refuse_drain(const std::string& why) {
  for (const ClientId& client : drainers_) {
    Outcome outcome;
    outcome.error = Error{Errc::no_target, why + "; add a node or stop them first"};
    effects_.replies.push_back({client, {std::move(outcome)}, true});
  }
  drainers_.clear();
}

void Machine::leave() {
  Member& row = *peers_[self_index].member;
  row.state = MemberState::left;
  left_ = true;
  effects_.left = true;
  effects_.members.push_back({row.session, MemberState::left, "left in good order"});
  end_origins();
  for (const ClientId& client : drainers_) effects_.replies.push_back({client, {}, true});
  drainers_.clear();
}

}  // namespace brood::core
