// Views: the members that are up or draining, and when all of them see the same.
#include <fmt/format.h>

#include "base/hash.hpp"
#include "core/state.hpp"

namespace brood::core {
namespace {

std::uint64_t member_hash(const Member& member) {
  std::uint64_t hash = stable_hash64(member.session.node.value);
  hash = combine64(hash, member.session.creation);
  hash = combine64(hash, member.session.session);
  hash = combine64(hash, static_cast<std::uint64_t>(member.state));
  // Placement depends on these too, so nodes that differ in them do not have the same view.
  hash = combine64(hash, member.weight);
  for (const std::string& offer : member.offers) hash = combine64(hash, stable_hash64(offer));
  return hash;
}

bool in_view(const Member& member) {
  return member.state == MemberState::up || member.state == MemberState::draining;
}

}  // namespace

void Machine::refresh_view() {
  if (!view_dirty_) return;
  view_dirty_ = false;
  std::uint64_t hash = stable_hash64("view");
  for (const auto& [name, index] : peer_names_) {
    const Peer& peer = peers_[index];
    if (peer.member && in_view(*peer.member)) hash = combine64(hash, member_hash(*peer.member));
  }
  if (hash == 0) hash = 1;  // 0 is "none said"
  if (hash == view_hash_) return;
  view_hash_ = hash;
  confirmed_ = forced_ = false;
  unconfirmed_since_ = now_.monotonic;
  for (Peer& peer : peers_) peer.want_view = peer.hello_in;
  set_ring();
  forget_asked_before(settings_.self, hash);
  dispatch_all(every_peer);
}

void Machine::set_ring() {
  std::vector<Placement::Node> nodes;
  for (const auto& [name, index] : peer_names_) {
    const Peer& peer = peers_[index];
    if (peer.in_state(MemberState::up))
      nodes.push_back({index, name, peer.member->weight, peer.member->offers});
  }
  ring_.set(std::move(nodes));
}

bool Machine::acting() const {
  if (!(confirmed_ || forced_) || fenced_ || !in_view(self())) return false;
  return strategies_.partition->may_run(ring_.nodes().size(), peers_.size());
}

void Machine::on_message(PeerIndex from, const View& view) {
  peers_[from].view = view.hash;
  forget_asked_before(peers_[from].name, view.hash);
}

void Machine::check_confirmed() {
  bool all = true;
  for (std::size_t index = 1; index < peers_.size() && all; ++index) {
    const Peer& peer = peers_[index];
    if (!peer.member) continue;
    // A joining member is about to be in it: waiting for its word too spares starts that would move at once.
    const bool matters = in_view(*peer.member) || peer.hello_in;
    all = !matters || (peer.hello_in && peer.view == view_hash_);
  }
  if (all) {
    confirmed_ = true;
    forced_ = false;
  } else {
    if (confirmed_) unconfirmed_since_ = now_.monotonic;
    confirmed_ = false;
    if (!forced_ && now_.monotonic >= unconfirmed_since_ + settings_.view_wait) {
      forced_ = true;
      log(LogLevel::warning,
          fmt::format("going on without the view confirmed; waited for {}", unconfirmed_names()));
    }
  }
  if (!acting()) return;
  if (reconciled_view_ != view_hash_ || reconcile_all_) {
    reconcile_view();
  } else if (!waiting_.empty()) {
    for (ChildId& id : waiting_) touched_.push_back(std::move(id));
    waiting_.clear();
  }
}

std::string Machine::unconfirmed_names() const {
  std::string names;
  for (const auto& [name, index] : peer_names_) {
    const Peer& peer = peers_[index];
    if (index == self_index || !peer.member || (peer.hello_in && peer.view == view_hash_)) continue;
    names += (names.empty() ? "" : ", ") + name.value;
  }
  return names;
}

void Machine::reconcile_view() {
  if (self().state == MemberState::draining && refuse_impossible_drain()) return;
  reconciled_view_ = view_hash_;
  reconcile_all_ = false;
  waiting_.clear();
  drop_works();
  for (const auto& [id, child] : table_.children()) {
    const PeerIndex place = child.row ? place_of(child) : no_peer;
    if (child.place == no_peer || place != child.place || (child.own && place != self_index)) touch(id);
  }
  for (const auto& [id, mark] : losses_) touch(id);
}

}  // namespace brood::core
