#include "core/members/takeover.hpp"

#include <algorithm>

#include "core/members/takeover_delay.hpp"

namespace brood::core {
namespace {
/// Lost nodes have no index any more: in the placement with them they are numbered from here on.
constexpr PeerIndex first_lost = 0xffff'0000;

bool is_lost(PeerIndex peer) {
  return peer != no_peer && peer >= first_lost;
}

/// Of one that is unheard, whatever session it has: no node has such a one.
SessionId left_out(const NodeName& node) {
  return {node, 0, 0};
}
}  // namespace

Duration Takeover::hold(const Step& s, const Loss& loss) {
  const bool unproven = loss.how == Ending::silent && !loss.goes_on;
  return unproven && s.settings.strategies.partition->locks() ? takeover_delay(s.settings) : Duration{};
}

void Takeover::on_ended(const Step& s, const Loss& loss, bool unheard) {
  const Duration delay = hold(s, loss);
  if (delay <= Duration{}) return;
  session_began(loss.session.node);  // an earlier loss of it
  lost_.push_back({loss.session, s.time() + delay, unheard ? nullptr : loss.member, unheard});
  dirty_ = true;
}

void Takeover::on_told(const Step& s, const Sessions& sessions, const Hello& hello) {
  for (const auto& [session, left] : hello.held) {
    const PeerIndex peer = sessions.find(session.node);
    const bool is_member = peer != no_peer && sessions.member(peer);
    const bool is_known = std::any_of(lost_.begin(), lost_.end(), [&, node = session.node](const Lost& lost) {
      return lost.session.node == node;
    });
    // One that is a member here, in this or a later session, says itself what it runs, or is lost in its
    // time.
    if (is_member || is_known || left.count() <= 0) continue;
    lost_.push_back({session, s.time() + std::min<Duration>(left, takeover_delay(s.settings)), nullptr,
                     session == left_out(session.node)});
  }
}

void Takeover::on_left_out(const Step& s, const Sessions& sessions, const NodeName& node) {
  const PeerIndex peer = sessions.find(node);
  if (!s.settings.strategies.partition->locks() || (peer != no_peer && sessions.member(peer))) return;
  session_began(node);  // an earlier loss of it
  lost_.push_back({left_out(node), s.time() + takeover_delay(s.settings), nullptr, true});
  dirty_ = true;
}

std::vector<std::pair<SessionId, std::chrono::milliseconds>> Takeover::held(const Step& s) const {
  std::vector<std::pair<SessionId, std::chrono::milliseconds>> all;
  for (const Lost& lost : lost_)
    if (lost.until > s.time())
      all.emplace_back(lost.unheard ? left_out(lost.session.node) : lost.session,
                       std::chrono::ceil<std::chrono::milliseconds>(lost.until - s.time()));
  return all;
}

void Takeover::on_lost(const ChildId& id, const Loss& loss) {
  const auto at = std::find_if(lost_.begin(), lost_.end(),
                               [&](const Lost& lost) { return lost.session == loss.session; });
  if (at != lost_.end()) note(id, loss.session);
}

void Takeover::note(const ChildId& id, const SessionId& session) {
  const auto [begin, end] = ran_.equal_range(id);
  if (std::none_of(begin, end, [&](const auto& ran) { return ran.second == session; }))
    ran_.emplace(id, session);
}

void Takeover::row_ends(const Child& child, const SpecRow& row) {
  if (lost_.empty() || !row.wanted) return;
  for (const Lost* lost : places_of(child, row)) note(child.id, lost->session);
}

void Takeover::session_began(const NodeName& node) {
  for (std::size_t i = 0; i < lost_.size(); ++i)
    if (lost_[i].session.node == node) return end(i);
}

void Takeover::end(std::size_t at) {
  lost_.erase(lost_.begin() + static_cast<std::ptrdiff_t>(at));
  dirty_ = over_ = true;
  if (!lost_.empty()) return;
  ran_.clear();
  begun_.clear();
}

bool Takeover::holds(const SessionId& session) const {
  return std::any_of(lost_.begin(), lost_.end(), [&](const Lost& lost) { return lost.session == session; });
}

std::vector<SessionId> Takeover::sessions() const {
  std::vector<SessionId> all;
  for (const Lost& lost : lost_) all.push_back(lost.session);
  return all;
}

// As far as the tables say in which this node has found the child. Of several instances they name the newest.
bool Takeover::may_run_at(const Lost& lost, const Child& child) const {
  return lost.unheard || child.floor() == Epoch{} || child.floor().node == lost.session.node ||
         views_.replicas().several(*child.row());
}

// The lost nodes on which it belongs by that row. What one of which this node was only told offers and weighs
// it does not know, only what was given to it.
std::vector<const Takeover::Lost*> Takeover::places_of(const Child& child, const SpecRow& row) {
  for (const Lost& lost : lost_)
    if (!lost.member && row.assigned && row.assigned->node == lost.session.node) return {&lost};
  refresh();
  std::vector<const Lost*> all;
  for (const PeerIndex place : replicas_before_.nodes(child.id, row))
    if (is_lost(place)) all.push_back(&lost_[place - first_lost]);
  return all;
}

std::optional<Duration> Takeover::waits(const Step& s, const Child& child) {
  if (lost_.empty()) return std::nullopt;
  const auto until = [&](const Lost& lost) {
    return lost.until > s.time() ? std::optional(lost.until) : std::nullopt;
  };
  std::optional<Duration> longest;
  for (const Lost& lost : lost_)
    if (!lost.member && (may_run_at(lost, child) || is_new_since(child)))
      longest = std::max(longest, until(lost));
  bool ran_there = longest.has_value();
  const auto [begin, end] = ran_.equal_range(child.id);
  for (auto ran = begin; ran != end; ++ran) {
    const auto lost =
        std::find_if(lost_.begin(), lost_.end(), [&](const Lost& one) { return one.session == ran->second; });
    if (lost == lost_.end()) continue;
    ran_there = true;
    longest = std::max(longest, until(*lost));
  }
  // Of several instances others may be where nobody has heard of them.
  if (ran_there && !views_.replicas().several(*child.row())) return longest;
  const auto places = places_of(child, *child.row());
  for (const Lost* lost : places) longest = std::max(longest, until(*lost));
  if (ran_there || !places.empty()) return longest;
  const PeerIndex coordinator = before_.coordinator(child.id);
  if (is_lost(coordinator) && is_new_since(child)) return until(lost_[coordinator - first_lost]);
  return std::nullopt;
}

void Takeover::refresh() {
  if (!std::exchange(dirty_, false)) return;
  std::vector<Placement::Node> nodes = views_.placement().nodes();
  for (std::size_t i = 0; i < lost_.size(); ++i) {
    const Member* member = lost_[i].member.get();
    if (member && member->state == MemberState::up)
      nodes.push_back({first_lost + static_cast<PeerIndex>(i), member->session.node, member->weight,
                       member->offers, member->up_since.value});
  }
  std::sort(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  before_.set(std::move(nodes));
}

// Or whoever coordinates it now has started it: most likely since the loss, and so the lost node was not
// asked.
bool Takeover::is_new_since(const Child& child) const {
  if (begun_.contains(child.id)) return true;
  const PeerIndex now = views_.placement().coordinator(child.id);
  const auto& nodes = views_.placement().nodes();
  return std::any_of(nodes.begin(), nodes.end(), [&](const Placement::Node& node) {
    return node.peer == now && node.name == child.row()->birth.node;
  });
}

void Takeover::on_time(const Step& s) {
  for (std::size_t i = lost_.size(); i-- > 0;)
    if (lost_[i].until <= s.time()) end(i);
}

Duration Takeover::deadline() const {
  Duration next = Duration::max();
  for (const Lost& lost : lost_) next = std::min(next, lost.until);
  return next;
}

}  // namespace brood::core
