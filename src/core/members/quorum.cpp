#include "core/members/quorum.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/hash.hpp"

namespace brood::core {
namespace {

bool contains(const std::vector<NodeName>& sorted, const NodeName& name) {
  return std::binary_search(sorted.begin(), sorted.end(), name);
}

std::string listed(const std::vector<NodeName>& nodes) {
  constexpr std::size_t most = 10;
  std::string out;
  for (std::size_t i = 0; i < nodes.size() && i < most; ++i) out += (i == 0 ? "" : ", ") + nodes[i].text();
  if (nodes.size() > most) out += fmt::format(" and {} others", nodes.size() - most);
  return out;
}

}  // namespace

Quorum::Quorum(const Settings& settings, const PeerTable& peers, const Sessions& sessions, Sender& sender,
               Notes& notes)
    : strategy_(*settings.strategies.partition),
      rule_(settings.strategies.partition->census()),
      peers_(peers),
      sessions_(sessions),
      sender_(sender),
      notes_(notes) {}

std::uint64_t Quorum::hash() const {
  if (now_.empty()) return 0;
  std::uint64_t hash = stable_hash64(now_.version.by.text());
  hash = combine64(hash, now_.version.resets);
  return combine64(hash, now_.version.number);
}

// ---- counting ----------------------------------------------------------------------------------------

bool Quorum::is_here(const NodeName& node) const {
  return contains(members_, node);
}

// A node that left in good order has given up its seat by its own word.
Tally Quorum::count(const Census& census) const {
  Tally tally;
  tally.members = members_;
  if (!rule_) return tally;
  tally.size = census.empty() ? std::max<std::size_t>(rule_->first_size, 1) : census.size;
  std::size_t named = 0;
  for (const NodeName& name : census.names) {
    if (gone_.contains(name)) {
      tally.size -= std::min<std::size_t>(tally.size, 1);
      continue;
    }
    ++named;
    if (is_here(name))
      ++tally.here;
    else
      tally.missing.push_back(name);
  }
  const std::size_t others = members_.size() - tally.here;
  tally.here += std::min(others, tally.size - std::min(tally.size, named));
  tally.size = std::max<std::size_t>(tally.size, 1);
  return tally;
}

bool Quorum::has_quorum() const {
  return strategy_.may_run(tally_) && (!before_ || strategy_.may_run(count(*before_)));
}

std::string Quorum::words() const {
  if (!aside_.empty()) return aside_;
  if (!rule_)
    return fmt::format("{} {} here ({}); {}", members_.size(),
                       members_.size() == 1 ? "member is" : "members are", listed(members_),
                       strategy_.needs(tally_));
  std::string out = fmt::format("{} of {} {} here ({}); {}", tally_.here, tally_.size,
                                tally_.here == 1 ? "is" : "are", listed(members_), strategy_.needs(tally_));
  if (!tally_.missing.empty()) out += "; missing: " + listed(tally_.missing);
  if (before_ && !strategy_.may_run(count(*before_))) out += "; not all that counted before know of that yet";
  return out;
}

void Quorum::judge(Step& s, std::vector<NodeName> members, std::string aside) {
  aside_ = std::move(aside);
  members_ = std::move(members);
  tally_ = count(now_);
  note_missing(s);
  quorate_ = has_quorum();
  // One that joins is in no view: it runs nothing yet, or holds what it runs behind its fence.
  if (!is_here(s.settings.self) && aside_.empty()) return;
  began_ = began_ || (quorate_ && aside_.empty());
  const bool minority = strategy_.locks() && !quorate_ && !(strategy_.free_at_first() && !began_);
  const bool locked = minority || !aside_.empty();
  const bool same = std::exchange(locked_, locked) == locked;
  if (locked || !same) s.effects.lock = PartLock{locked, locked ? words() : ""};
  if (same) return;
  ++(locked ? s.stats.locks : s.stats.unlocks);
  if (locked)
    s.log(LogLevel::warning, fmt::format("locked, no child may run here: {}", words()));
  else
    s.log(LogLevel::info, fmt::format("no longer locked: {}", words()));
  notes_.lock_changed(s);
}

void Quorum::note_missing(const Step& s) {
  std::erase_if(missing_since_, [&](const auto& one) { return !contains(tally_.missing, one.first); });
  for (const NodeName& name : tally_.missing) missing_since_.try_emplace(name, s.time());
}

// ---- the census --------------------------------------------------------------------------------------

void Quorum::confirmed(Step& s) {
  if (quorate_) before_.reset();
  forget_gone();
  for (const ClientId& client : resets_) s.effects.replies.push_back({client, {Outcome{}}, true});
  resets_.clear();
}

std::vector<NodeName> Quorum::still_missing(const Step& s) const {
  std::vector<NodeName> missing = tally_.missing;
  std::erase_if(missing, [&](const NodeName& name) {
    return rule_->keeps_lost != Duration::max() && s.time() - missing_since_.at(name) >= rule_->keeps_lost;
  });
  // Who was lost last is the likeliest to come back.
  std::stable_sort(missing.begin(), missing.end(), [this](const NodeName& a, const NodeName& b) {
    return missing_since_.at(a) > missing_since_.at(b);
  });
  return missing;
}

Census Quorum::next(const Step& s) const {
  Census census;
  auto missing = still_missing(s);
  std::size_t size = tally_.size;
  if (rule_->keeps_lost != Duration::max()) size = members_.size() + missing.size();
  // One that does not grow gets back at least the seats of those that left in good order and came again.
  size = std::max(size, rule_->grows ? members_.size() : std::min(members_.size(), rule_->first_size));
  census.size = static_cast<std::uint32_t>(size);
  // Seats go to those that are here, first to those that had one.
  const auto seat = [&](const std::vector<NodeName>& nodes, bool seated) {
    for (const NodeName& name : nodes)
      if (census.names.size() < size && contains(now_.names, name) == seated) census.names.push_back(name);
  };
  seat(members_, true);
  seat(members_, false);
  for (const NodeName& name : missing)
    if (census.names.size() < size) census.names.push_back(name);
  std::sort(census.names.begin(), census.names.end());
  return census;
}

bool Quorum::maybe_change(Step& s) {
  if (!rule_ || !quorate_ || before_ || sessions_.self().state != MemberState::up) return false;
  const auto first = std::find_if(members_.begin(), members_.end(), [this](const NodeName& name) {
    const PeerIndex peer = peers_.find(name);
    return peer != no_peer && sessions_.in_state(peer, MemberState::up);
  });
  if (first == members_.end() || *first != s.settings.self) return false;
  Census census = next(s);
  if (census.size == now_.size && census.names == now_.names) return false;
  census.version = {now_.version.resets, now_.version.number + 1, s.settings.self};
  if (!now_.empty()) before_ = now_;
  now_ = std::move(census);
  forget_gone();
  ++s.stats.census_changes;
  return true;
}

bool Quorum::on_news(const CensusNews& news) {
  if (!rule_ || news.now.version < now_.version) return false;
  if (news.now.version == now_.version) {
    // Whoever has settled it has seen that all members of a view with the quorum hold it.
    if (!before_ || (news.before && news.before->version <= before_->version)) return false;
    before_ = news.before;
    return true;
  }
  std::optional<Census> mine = before_;
  if (!mine && !now_.empty()) mine = now_;
  before_ = news.before;
  if (before_ && mine && before_->version < mine->version) before_ = std::move(mine);
  now_ = news.now;
  std::sort(now_.names.begin(), now_.names.end());
  forget_gone();
  return true;
}

// As long as the census of before still counts, so do those of it that have left.
bool Quorum::is_counted(const NodeName& node) const {
  return contains(now_.names, node) || (before_ && contains(before_->names, node));
}

void Quorum::forget_gone() {
  std::erase_if(gone_, [this](const NodeName& name) { return !is_counted(name); });
}

void Quorum::on_left(const NodeName& node) {
  if (is_counted(node)) gone_.insert(node);
}

bool Quorum::reset(Step& s, const ClientReset& event) {
  if (!rule_ || event.size == 0) {
    Outcome outcome;
    outcome.error =
        Error{Errc::invalid_argument,
              rule_ ? "a cluster has at least one node"
                    : fmt::format("the partition strategy {} keeps no cluster size", strategy_.name())};
    s.effects.replies.push_back({event.client, {std::move(outcome)}, true});
    return false;
  }
  Census census;
  census.version = {now_.version.resets + 1, now_.version.number + 1, s.settings.self};
  census.size = event.size;
  for (const NodeName& name : members_)
    if (census.names.size() < event.size) census.names.push_back(name);
  now_ = std::move(census);
  before_.reset();
  gone_.clear();
  resets_.push_back(event.client);
  s.log(LogLevel::warning, fmt::format("the cluster counts as one of {} nodes: it was reset", event.size));
  return true;
}

void Quorum::client_gone(ClientId client) {
  std::erase(resets_, client);
}

void Quorum::tell(const std::vector<PeerIndex>& peers) {
  if (now_.empty()) return;
  std::vector<PeerIndex> to;
  for (const PeerIndex peer : peers) {
    Told& told = told_[peer];
    if (told.version == now_.version && told.settled == !before_) continue;
    told = {now_.version, !before_};
    to.push_back(peer);
  }
  sender_.send(std::move(to), CensusNews{now_, before_}, Rank::acks);
}

Duration Quorum::deadline(Duration now) const {
  if (!rule_ || !quorate_ || rule_->keeps_lost == Duration::max()) return Duration::max();
  Duration next = Duration::max();
  for (const auto& [name, since] : missing_since_)
    if (since + rule_->keeps_lost > now) next = std::min(next, since + rule_->keeps_lost);
  return next;
}

}  // namespace brood::core
