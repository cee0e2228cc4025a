#include "core/members/views.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.hpp"

namespace brood::core {
namespace {

bool in_view(const Member& member) {
  return member.state == MemberState::up || member.state == MemberState::draining;
}

}  // namespace

Views::Views(const Settings& settings, const PeerTable& peers, const Links& links, const Sessions& sessions,
             const Fence& fence, const Roster& roster, const TableProgress& tables, Sender& sender,
             Notes& notes)
    : peers_(peers),
      links_(links),
      sessions_(sessions),
      fence_(fence),
      roster_(roster),
      tables_(tables),
      sender_(sender),
      notes_(notes),
      placement_(settings.strategies.distribution) {}

void Views::work(Step& s) {
  const bool was_acting = acting_;
  due_ = false;
  refresh(s);
  confirm(s);
  acting_ = may_act(s);
  if (!acting_) return;
  const bool anew = acted_in_ != hash_;
  acted_in_ = hash_;
  if (anew || !was_acting) notes_.may_act(s, anew);
}

void Views::refresh(Step& s) {
  if (!dirty_) return;
  dirty_ = false;
  std::uint64_t hash = stable_hash64("view");
  for (const auto& [name, peer] : peers_.all()) {
    const Member* member = sessions_.member(peer);
    if (member && in_view(*member)) hash = combine64(hash, sessions_.hash_of(peer));
  }
  if (hash == 0) hash = 1;  // 0 is "none said"
  if (hash == hash_) return;
  hash_ = hash;
  confirmed_ = forced_ = acting_ = false;
  unconfirmed_since_ = s.time();
  for (const PeerIndex peer : sessions_.others())
    if (links_[peer].open) say_to(peer);
  set_placement(s.settings);
  notes_.view_changed(s);
}

// Who is not on the list is as one without a weight: a member that runs nothing. Where the ring is fixed,
// those on it count that are not there too.
void Views::set_placement(const Settings& settings) {
  std::vector<Placement::Node> nodes;
  for (const auto& [name, peer] : peers_.all()) {
    const Member* member = sessions_.member(peer);
    if (member && member->state == MemberState::up)
      nodes.push_back({peer, name, roster_.allows(name) ? member->weight : 0, member->offers});
  }
  std::vector<NodeName> absent;
  if (settings.fixed_ring) {
    absent = roster_.listed();
    std::erase_if(absent, [&](const NodeName& name) {
      return std::any_of(nodes.begin(), nodes.end(),
                         [&](const Placement::Node& node) { return node.name == name; });
    });
  }
  placement_.set(std::move(nodes), std::move(absent));
}

std::vector<PeerIndex> Views::up() const {
  std::vector<PeerIndex> peers;
  for (const Placement::Node& node : placement_.nodes()) peers.push_back(node.peer);
  return peers;
}

void Views::confirm(Step& s) {
  bool all = true;
  for (const PeerIndex peer : sessions_.others()) {
    const bool open = links_[peer].open;
    // A joining member is about to be in it: waiting for its word too spares starts that would move at once.
    // One that has yet to take in a large table is not waited for.
    const bool soon = open && (tables_.is_small() || tables_.has_sent_table_to(peer));
    if (!in_view(*sessions_.member(peer)) && !soon) continue;
    all = open && said_[peer] == hash_;
    if (!all) break;
  }
  if (all) {
    confirmed_ = true;
    forced_ = false;
    return;
  }
  if (confirmed_) unconfirmed_since_ = s.time();
  confirmed_ = false;
  if (forced_ || s.time() < unconfirmed_since_ + s.settings.view_wait) return;
  forced_ = true;
  s.log(LogLevel::warning,
        fmt::format("going on without the view confirmed; waited for {}", unconfirmed_names()));
}

bool Views::may_act(const Step& s) {
  const std::size_t up = placement_.nodes().size();
  if (up >= s.settings.expect || s.time() >= form_at_) formed_ = true;
  if (!(confirmed_ || forced_) || fence_.is_fenced() || !in_view(sessions_.self())) return false;
  const bool draining = sessions_.self().state == MemberState::draining;
  if (!formed_ || (up < s.settings.min_nodes && !draining)) return false;
  return s.settings.strategies.partition->may_run(up, sessions_.known());
}

void Views::on_view(Step& s, PeerIndex from, const View& view) {
  said_[from] = view.hash;
  due_ = true;
  notes_.view_said(s, from, view.hash);
}

void Views::forget(PeerIndex peer) {
  said_.reset(peer);
  to_say_.erase(peer);
  due_ = true;
}

void Views::flush() {
  std::vector<PeerIndex> now;
  std::erase_if(to_say_, [&](PeerIndex peer) {
    const Link& link = links_[peer];
    if (!link.channel || !link.open) return true;
    if (!tables_.has_sent_table_to(peer)) return false;
    now.push_back(peer);
    return true;
  });
  std::sort(now.begin(), now.end(),
            [this](PeerIndex a, PeerIndex b) { return peers_.name(a) < peers_.name(b); });
  sender_.send(std::move(now), View{hash_}, Rank::view);
}

std::string Views::unconfirmed_names() const {
  std::string names;
  for (const PeerIndex peer : sessions_.others()) {
    if (links_[peer].open && said_[peer] == hash_) continue;
    names += (names.empty() ? "" : ", ") + peers_.name(peer).value;
  }
  return names;
}

Duration Views::deadline(const Settings& settings) const {
  const Duration forming = formed_ ? Duration::max() : form_at_;
  return confirmed_ || forced_ ? forming : std::min(forming, unconfirmed_since_ + settings.view_wait);
}

}  // namespace brood::core
