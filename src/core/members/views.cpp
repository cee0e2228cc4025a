#include "core/members/views.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace brood::core {
namespace {

/// More views than any word may be late.
constexpr std::size_t had_max = 256;

bool in_view(const Member& member) {
  return member.state == MemberState::up || member.state == MemberState::draining;
}

}  // namespace

Views::Views(const Settings& settings, const PeerTable& peers, const Links& links, const Sessions& sessions,
             const Fence& fence, const Roster& roster, const Forgotten& forgotten,
             const TableProgress& tables, Reachability& reach, Quorum& quorum, Sender& sender, Notes& notes)
    : peers_(peers),
      links_(links),
      sessions_(sessions),
      fence_(fence),
      roster_(roster),
      forgotten_(forgotten),
      tables_(tables),
      reach_(reach),
      quorum_(quorum),
      sender_(sender),
      notes_(notes),
      placement_(settings.strategies.distribution),
      replicas_(placement_, settings.strategies.redundancy) {}

void Views::work(Step& s) {
  const bool was_acting = acting_;
  due_ = false;
  refresh(s);
  confirm(s);
  if (confirmed_ && !dirty_) {
    quorum_.confirmed(s);
    if (quorum_.maybe_change(s)) members_changed();
  }
  acting_ = !dirty_ && may_act(s);
  next_look_ = deadline_after(s);
  if (!acting_) return;
  const bool anew = acted_in_ != hash_;
  acted_in_ = hash_;
  if (anew || !was_acting) notes_.may_act(s, anew);
}

std::vector<Views::InView> Views::count_members() const {
  std::vector<InView> members;
  for (const auto& [name, peer] : peers_.all()) {
    const Member* member = sessions_.member(peer);
    if (member && in_view(*member) && reach_.counts(name))
      members.emplace_back(name, sessions_.hash_of(peer));
  }
  return members;
}

/// All that is in the view is in it still, as it was.
bool Views::only_more(const std::vector<InView>& now, std::uint64_t census) const {
  return census == census_ && std::includes(now.begin(), now.end(), in_view_.begin(), in_view_.end());
}

void Views::refresh(Step& s) {
  if (!dirty_) return;
  reach_.refresh();
  std::vector<InView> members = count_members();
  const std::uint64_t census = quorum_.hash();
  if (s.time() < pace_.next() && only_more(members, census)) return;  // stays dirty, and nobody acts
  dirty_ = false;
  std::uint64_t hash = stable_hash64("view");
  std::vector<NodeName> names;
  for (const auto& [name, row] : members) {
    hash = combine64(hash, row);
    names.push_back(name);
  }
  if (census != 0) hash = combine64(hash, census);
  if (hash == 0) hash = 1;  // 0 is "none said"
  // Before anything is decided in this view.
  quorum_.judge(s, std::move(names), reach_.stands_aside() ? reach_.words() : std::string());
  if (hash == hash_) return;
  pace_.changed(s.settings, s.time(), sessions_.others().size() + 1, std::exchange(was_confirmed_, false));
  in_view_ = std::move(members);
  census_ = census;
  hash_ = hash;
  confirmed_ = forced_ = acting_ = false;
  unconfirmed_since_ = s.time();
  ask_anew_if_had();
  for (const PeerIndex peer : sessions_.others())
    if (links_[peer].open) say_to(peer);
  set_placement(s.settings);
  hashes_.push_back(hash_);
  for (const PeerIndex peer : sessions_.others()) learn_who_knows(peer);
  notes_.view_changed(s);
}

// One came and went. A word on this view that was said before it came is none on what the peer does now: it
// may be acting still in the view with that one. Whoever has said that view says this one anew.
void Views::ask_anew_if_had() {
  const auto before = std::find(had_.rbegin(), had_.rend(), hash_);
  const bool had = before != had_.rend();
  if (had) ++questions_;
  const auto was_since = [&](std::uint64_t hash) { return std::find(had_.rbegin(), before, hash) != before; };
  for (const PeerIndex peer : sessions_.others()) {
    const bool asks = had && links_[peer].open && !was_since(said_[peer]) && !was_since(said_before_[peer]);
    asked_[peer] = asks ? questions_ : 0;
  }
  had_.push_back(hash_);
  if (had_.size() > had_max) had_.pop_front();
}

std::vector<Views::InView> Views::all_up() const {
  std::vector<InView> up;
  for (const auto& [name, peer] : peers_.all()) {
    const Member* member = sessions_.member(peer);
    if (member && member->state == MemberState::up && reach_.counts(name))
      up.emplace_back(name, sessions_.hash_of(peer));
  }
  return up;
}

bool Views::has_grown(const std::vector<InView>& up) const {
  return !std::includes(placed_.begin(), placed_.end(), up.begin(), up.end());
}

bool Views::knows_all_up(PeerIndex peer) const {
  return knows_[peer] == grown_ && !(dirty_ && has_grown(all_up()));
}

void Views::learn_who_knows(PeerIndex peer) {
  if (knows_[peer] != grown_ && std::find(hashes_.begin(), hashes_.end(), said_[peer]) != hashes_.end())
    knows_[peer] = grown_;
}

// Who is not on the list is as one without a weight: a member that runs nothing. Where the ring is fixed,
// those on it count that are not there too.
void Views::set_placement(const Settings& settings) {
  std::vector<InView> up = all_up();
  if (has_grown(up)) {
    ++grown_;
    hashes_.clear();
  }
  placed_ = std::move(up);
  std::vector<Placement::Node> nodes;
  for (const auto& [name, peer] : peers_.all()) {
    const Member* member = sessions_.member(peer);
    if (member && member->state == MemberState::up && reach_.counts(name))
      nodes.push_back(
          {peer, name, roster_.allows(name) ? member->weight : 0, member->offers, member->up_since.value});
  }
  std::vector<NodeName> absent;
  if (settings.fixed_ring) {
    absent = roster_.listed();
    std::erase_if(absent, [&](const NodeName& name) {
      return std::any_of(nodes.begin(), nodes.end(),
                         [&](const Placement::Node& node) { return node.name == name; });
    });
  }
  placement_.set(std::move(nodes), std::move(absent), forgotten_.nodes());
}

std::vector<PeerIndex> Views::up() const {
  std::vector<PeerIndex> peers;
  for (const Placement::Node& node : placement_.nodes()) peers.push_back(node.peer);
  return peers;
}

// Where a link is broken all soon agree on who stands aside, and until then each side would run what the
// other does.
Duration Views::wait_for_all(const Step& s) const {
  return s.settings.view_wait + (reach_.may_be_broken(s) ? 2 * cut_after(s.settings) : Duration{});
}

bool Views::waits_for(PeerIndex peer) const {
  const bool open = links_[peer].open;
  // A joining member is about to be in it: waiting for its word too spares starts that would move at once.
  // One that has yet to take in a large table is not waited for.
  const bool soon = open && (tables_.is_small() || tables_.has_sent_table_to(peer));
  if (!in_view(*sessions_.member(peer))) return soon && !has_same(peer);
  // One that is left out has another view. Any that it says on this channel comes behind its table: only then
  // is known what it runs still, perhaps in a new session, and what it started before it knew.
  if (!reach_.counts(peers_.name(peer))) return !open || said_[peer] == 0;
  return !open || !has_same(peer);
}

// Called for each View that comes, of which very many members make very many: who was waited for before is
// looked at first.
bool Views::is_confirmed_by_all() {
  if (awaited_ != self_index && sessions_.member(awaited_) && waits_for(awaited_)) return false;
  const auto& others = sessions_.others();
  const auto one =
      std::find_if(others.begin(), others.end(), [this](PeerIndex peer) { return waits_for(peer); });
  awaited_ = one == others.end() ? no_peer : *one;
  return one == others.end();
}

void Views::confirm(Step& s) {
  if (is_confirmed_by_all()) {
    confirmed_ = was_confirmed_ = true;
    forced_ = false;
    return;
  }
  if (confirmed_) unconfirmed_since_ = s.time();
  confirmed_ = false;
  // Where two parts must not both go on, nobody goes on without having heard from all.
  if (quorum_.strategy().locks()) return;
  if (forced_ || s.time() < unconfirmed_since_ + wait_for_all(s)) return;
  // What such a member runs is not known as a whole, and would be started a second time.
  if (s.time() < table_heard_until(s)) return;
  forced_ = true;
  s.log(LogLevel::warning,
        fmt::format("going on without the view confirmed; waited for {}", unconfirmed_names()));
}

bool Views::may_act(Step& s) {
  const std::size_t up = placement_.nodes().size();
  if (up >= s.settings.expect || s.time() >= form_at_) formed_ = true;
  if (!(confirmed_ || forced_) || fence_.is_fenced() || !in_view(sessions_.self())) return false;
  if (!formed_ || has_too_few(s)) return false;
  return !quorum_.is_locked();
}

bool Views::has_too_few(Step& s) {
  const bool draining = sessions_.self().state == MemberState::draining;
  const bool few = placement_.nodes().size() < s.settings.min_nodes && !draining;
  if (std::exchange(too_few_, few) == few) return few;
  if (few)
    s.log(LogLevel::warning, "no child is started: " + too_few_words(s.settings));
  else if (!draining)
    s.log(LogLevel::info, fmt::format("{} nodes are up, as min_nodes asks for", placement_.nodes().size()));
  return few;
}

std::string Views::too_few_words(const Settings& settings) const {
  const std::size_t up = placement_.nodes().size();
  return fmt::format("{} node{} up, and min_nodes is {}", up, up == 1 ? " is" : "s are", settings.min_nodes);
}

void Views::on_view(Step& s, PeerIndex from, const View& view) {
  if (said_[from] != view.hash) said_before_[from] = std::exchange(said_[from], view.hash);
  early_[from] = tables_.misses_changes_of(from);
  if (view.answers != 0 && view.answers == asked_[from]) asked_[from] = 0;
  if (view.asks != 0) {
    owed_[from] = view.asks;
    say_to(from);
  }
  learn_who_knows(from);
  due_ = true;
  notes_.view_said(s, from, view.hash);
}

void Views::forget(PeerIndex peer) {
  said_.reset(peer);
  said_before_.reset(peer);
  early_.reset(peer);
  asked_.reset(peer);
  owed_.reset(peer);
  quorum_.forget(peer);
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
    // From now on the word of one that joins is waited for.
    due_ = due_ || (confirmed_ && !has_same(peer));
    return true;
  });
  std::sort(now.begin(), now.end(),
            [this](PeerIndex a, PeerIndex b) { return peers_.name(a) < peers_.name(b); });
  quorum_.tell(now);
  std::erase_if(now, [&](PeerIndex peer) {
    const View view{hash_, asked_[peer], std::exchange(owed_[peer], 0)};
    const bool is_plain = view.asks == 0 && view.answers == 0;
    if (!is_plain) sender_.send(peer, view, Rank::view);
    return !is_plain;
  });
  sender_.send(std::move(now), View{hash_}, Rank::view);
}

void Views::session_ended(PeerIndex peer) {
  forget(peer);
  knows_.reset(peer);
}

std::string Views::unconfirmed_names() const {
  std::string names;
  for (const PeerIndex peer : sessions_.others())
    if (waits_for(peer)) names += (names.empty() ? "" : ", ") + peers_.name(peer).text();
  return names;
}

// For so long a table on its way is waited for; each portion of it makes it longer.
Duration Views::table_heard_until(const Step& s) const {
  Duration until{};
  for (const PeerIndex peer : sessions_.others())
    if (const auto at = tables_.taking_table_of(peer); at && in_view(*sessions_.member(peer)))
      until = std::max(until, *at + wait_for_all(s));
  return until;
}

Duration Views::deadline_after(const Step& s) const {
  if (dirty_) return pace_.next();  // before that nothing is decided, whatever else its time has come for
  Duration next = quorum_.deadline(s.time());
  if (!formed_) next = std::min(next, form_at_);
  const bool waits = !confirmed_ && !forced_ && !quorum_.strategy().locks();
  return waits ? std::min(next, std::max(unconfirmed_since_ + wait_for_all(s), table_heard_until(s))) : next;
}

std::string Views::why_not_acting(const Settings& settings) const {
  if (quorum_.is_locked()) return quorum_.words();
  if (acting_) return {};
  if (!in_view(sessions_.self())) return fmt::format("this node is {}", to_string(sessions_.self().state));
  if (fence_.is_fenced()) return "this node waits to hear that the others still take it for a member";
  if (dirty_) return "nodes are joining";
  if (!confirmed_ && !forced_)
    return fmt::format("not all members have the same view yet; it waits for {}", unconfirmed_names());
  if (placement_.nodes().size() < settings.min_nodes) return too_few_words(settings);
  return "the cluster forms";
}

}  // namespace brood::core
