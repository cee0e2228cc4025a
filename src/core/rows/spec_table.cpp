#include "core/rows/spec_table.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "base/hash.hpp"
#include "core/base/hlc.hpp"

namespace brood::core {
namespace {

bool shows_before(const SpecRow& a, const SpecRow& b) {
  return std::tie(a.clock, a.dot) > std::tie(b.clock, b.dot);
}

std::uint64_t row_digest(const Child& child, const Dot& dot) {
  const std::uint64_t origin = combine64(stable_hash64(dot.node.text()), dot.creation);
  return combine64(combine64(child.id.hash(), origin), dot.sequence);
}

}  // namespace

const SpecRow* SpecTable::find_birth(const Child& child, const Dot& birth) const {
  const SpecRow* visible = child.row();
  if (!visible) return nullptr;
  if (visible->birth == birth) return visible;
  if (others_.empty()) return nullptr;
  const auto found = others_.find(child.id);
  if (found == others_.end()) return nullptr;
  for (const SpecRow& other : found->second)
    if (other.birth == birth) return &other;
  return nullptr;
}

void SpecTable::rename(NodeName self, std::uint32_t creation) {
  self_ = std::move(self);
  creation_ = creation;
  sequence_ = 0;
}

Dot SpecTable::next_dot() {
  Dot dot{self_, creation_, ++sequence_};
  seen_.add(dot);
  return dot;
}

void SpecTable::count(const Child& child, const SpecRow& row, bool added) {
  const std::uint64_t part = row_digest(child, row.dot);
  std::uint64_t& bucket = digests_[bucket_of(child.id.hash())];
  bucket = added ? bucket + part : bucket - part;
  digest_ = added ? digest_ + part : digest_ - part;
}

// Puts a row of a birth that is not here yet.
void SpecTable::insert(Child& child, SpecRow row) {
  count(child, row, true);
  row.spec = specs_.shared(std::move(row.spec));
  auto& visible = child.row_.value_;
  if (!visible) {
    wanted_ += row.wanted ? 1 : 0;
    visible = std::make_unique<SpecRow>(std::move(row));
    return;
  }
  if (shows_before(row, *visible)) {
    wanted_ += (row.wanted ? 1 : 0) - (visible->wanted ? 1 : 0);
    std::swap(row, *visible);
  }
  others_[child.id].push_back(std::move(row));
}

void SpecTable::begin(Child& child, const SpecRow& row) {
  insert(child, row);
  if (on_begin) on_begin(child);
}

// True when the visible row is another now.
bool SpecTable::end_birth(Child& child, const Dot& birth, bool for_good) {
  auto& visible = child.row_.value_;
  if (!visible) return false;
  const auto others = others_.empty() ? others_.end() : others_.find(child.id);
  if (visible->birth == birth) {
    count(child, *visible, false);
    if (on_end) on_end(child, *visible, for_good);
    wanted_ -= visible->wanted ? 1 : 0;
    visible.reset();
    if (others == others_.end()) return true;
    auto& rows = others->second;
    const auto best = std::min_element(rows.begin(), rows.end(), shows_before);
    wanted_ += best->wanted ? 1 : 0;
    visible = std::make_unique<SpecRow>(std::move(*best));
    rows.erase(best);
    if (rows.empty()) others_.erase(others);
    return true;
  }
  if (others == others_.end()) return false;
  auto& rows = others->second;
  for (auto at = rows.begin(); at != rows.end(); ++at) {
    if (at->birth != birth) continue;
    count(child, *at, false);
    if (on_end) on_end(child, *at, for_good);
    rows.erase(at);
    break;
  }
  if (rows.empty()) others_.erase(others);
  return false;
}

bool SpecTable::end_for_good(Child& child, const Dot& birth) {
  if (!seen_.covers(birth)) ended_early_.emplace(birth, child.id);
  return end_birth(child, birth);
}

// A newer value of a birth that is here; true when what shows changed.
bool SpecTable::update(Child& child, const SpecRow& row) {
  const SpecRow* old = find_birth(child, row.birth);
  if (!old || !shows_before(row, *old)) return false;
  const bool showed = child.row()->birth == row.birth;
  const Dot shown = child.row()->dot;
  end_birth(child, row.birth, false);
  insert(child, row);
  return showed || child.row()->dot != shown;
}

void SpecTable::end_all(Child& child, std::vector<Dot>& ended) {
  while (const SpecRow* visible = child.row()) {
    ended.push_back(visible->birth);
    end_for_good(child, ended.back());
  }
}

SpecChange SpecTable::write(Child& child, SpecRow row, bool new_birth) {
  SpecChange change;
  change.id = child.id;
  if (child.row() && row.clock <= child.row()->clock) row.clock = after(child.row()->clock);
  row.dot = change.dot = next_dot();
  if (new_birth) {
    row.birth = row.dot;
    end_all(child, change.replaces);
  } else {
    end_birth(child, row.birth, false);
  }
  insert(child, row);
  if (new_birth && on_begin) on_begin(child);
  change.row = std::move(row);
  return change;
}

SpecChange SpecTable::remove(Child& child) {
  SpecChange change;
  change.id = child.id;
  change.dot = next_dot();
  end_all(child, change.replaces);
  return change;
}

SpecTable::Applied SpecTable::apply(const SpecChange& change) {
  if (seen_.covers(change.dot)) return Applied::nothing;
  const auto found = seen_.seen.find({change.dot.node, change.dot.creation});
  const std::uint64_t newest = found == seen_.seen.end() ? 0 : found->second;
  if (change.dot.sequence != newest + 1) return Applied::gap;
  Child& child = children_.obtain(change.id);
  bool changed = false;
  if (change.row && change.row->birth != change.dot && !find_birth(child, change.row->birth) &&
      !seen_.covers(change.row->birth) && !is_known(child, change.row->birth))
    return Applied::gap;  // its birth, of another node, is still on its way
  for (const Dot& birth : change.replaces) changed |= end_for_good(child, birth);
  if (change.row) {
    const Dot before = child.row() ? child.row()->dot : Dot{};
    if (find_birth(child, change.row->birth)) {
      changed |= update(child, *change.row);
    } else if (change.row->birth == change.dot) {
      if (!is_known(child, change.dot)) begin(child, *change.row);
      changed |= child.row() && child.row()->dot != before;
    }
  }
  seen_.add(change.dot);
  if (!ended_early_.empty()) ended_early_.erase(change.dot);
  return changed ? Applied::changed : Applied::nothing;
}

// ---- tables that come in portions --------------------------------------------------------------------

// A birth that is not here and not covered by the vector, but of which the end is known all the same: it was
// ended early, or whose table is on its way here knew it.
bool SpecTable::is_known(const Child& child, const Dot& birth) const {
  return ended_early_.contains(birth) || covered_by_incoming(child, birth);
}

bool SpecTable::covered_by_incoming(const Child& child, const Dot& dot) const {
  return std::any_of(incoming_.begin(), incoming_.end(), [&](const Incoming& one) {
    return bucket_of(child.id.hash()) < one.end && one.seen.covers(dot);
  });
}

SpecTable::Incoming& SpecTable::incoming(PeerIndex from, const Sync& portion) {
  if (portion.first == 0) abandon(from);
  for (Incoming& one : incoming_)
    if (one.from == from) return one;
  return incoming_.emplace_back(Incoming{from, portion.seen, 0});
}

void SpecTable::abandon(PeerIndex from) {
  std::erase_if(incoming_, [from](const Incoming& one) { return one.from == from; });
}

// What the sender covers and does not have was removed there.
void SpecTable::end_removed(const Sync& portion, const std::vector<bool>& same,
                            std::vector<ChildRef>& changed) {
  std::unordered_map<ChildId, std::vector<Dot>> theirs;
  theirs.reserve(portion.rows.size());
  for (const auto& [id, row] : portion.rows) theirs[id].push_back(row.birth);
  std::vector<std::pair<ChildRef, Dot>> ended;
  const auto consider = [&](const Child& child, const Dot& birth) {
    if (!portion.seen.covers(birth)) return;
    const auto found = theirs.find(child.id);
    if (found != theirs.end() &&
        std::find(found->second.begin(), found->second.end(), birth) != found->second.end())
      return;
    ended.emplace_back(child.ref, birth);
  };
  // A node that comes with nothing has removed nothing; its one portion is all buckets.
  const std::uint32_t looked_to = portion.seen.seen.empty() ? portion.first : portion.end;
  for (std::uint32_t bucket = portion.first; bucket < looked_to; ++bucket) {
    if (same[bucket - portion.first]) continue;
    for (const std::uint32_t slot : children_.bucket(bucket)) {
      const Child& child = *children_.at_slot(slot);
      if (child.row()) consider(child, child.row()->birth);
    }
  }
  for (const auto& [id, rows] : others_) {
    const Child* child = children_.find(id);
    const std::uint32_t bucket = bucket_of(child->id.hash());
    if (bucket < portion.first || bucket >= portion.end || same[bucket - portion.first]) continue;
    for (const SpecRow& row : rows) consider(*child, row.birth);
  }
  std::sort(ended.begin(), ended.end(), [this](const auto& a, const auto& b) {
    return std::tie(children_.get(a.first)->id, a.second) < std::tie(children_.get(b.first)->id, b.second);
  });
  for (const auto& [ref, birth] : ended)
    if (end_birth(*children_.get(ref), birth)) changed.push_back(ref);
  // Also of births that came here in time: the vector of the sender does not cover them.
  for (const auto& [id, birth] : portion.ended) {
    Child* child = children_.find(id);
    if (child && end_for_good(*child, birth)) changed.push_back(child->ref);
    if (!seen_.covers(birth)) ended_early_.emplace(birth, id);
  }
}

bool SpecTable::merge(PeerIndex from, const Sync& portion, const std::function<void(Child&)>& on_change) {
  Incoming& progress = incoming(from, portion);
  std::vector<bool> same(portion.end - portion.first);
  bool right = true;
  for (const auto& [bucket, digest] : portion.same) {
    if (bucket < portion.first || bucket >= portion.end) continue;
    same[bucket - portion.first] = true;
    right = right && digests_[bucket] == digest;
  }
  std::vector<ChildRef> changed;
  end_removed(portion, same, changed);
  for (const auto& [id, row] : portion.rows) {
    const bool known = children_.find(id) != nullptr;
    Child& child = children_.obtain(id);
    const Dot before = child.row() ? child.row()->dot : Dot{};
    if (find_birth(child, row.birth))
      update(child, row);
    else if (!seen_.covers(row.birth) && !is_known(child, row.birth))
      begin(child, row);
    if (child.row() && child.row()->dot != before) changed.push_back(child.ref);
    if (!known) children_.erase_if_empty(child);
  }
  progress.end = portion.end;
  if (portion.last) {
    seen_.merge(progress.seen);
    std::erase_if(ended_early_, [this](const auto& ended) { return seen_.covers(ended.first); });
    abandon(from);
  }
  std::sort(changed.begin(), changed.end());
  changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
  for (const ChildRef ref : changed)
    if (Child* child = children_.get(ref)) on_change(*child);
  return right;
}

void SpecTable::rows_of(std::uint32_t bucket, std::vector<std::pair<ChildId, SpecRow>>& rows) const {
  const std::size_t begin = rows.size();
  for (const std::uint32_t slot : children_.bucket(bucket)) {
    const Child& child = *children_.at_slot(slot);
    if (!child.row()) continue;
    rows.emplace_back(child.id, *child.row());
    if (others_.empty()) continue;
    if (const auto others = others_.find(child.id); others != others_.end())
      for (const SpecRow& row : others->second) rows.emplace_back(child.id, row);
  }
  std::sort(rows.begin() + static_cast<std::ptrdiff_t>(begin), rows.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.dot) < std::tie(b.first, b.second.dot);
  });
}

std::vector<std::pair<ChildId, Dot>> SpecTable::ended_early() const {
  std::vector<std::pair<ChildId, Dot>> all;
  for (const auto& [birth, id] : ended_early_) all.emplace_back(id, birth);
  return all;
}

std::vector<std::uint64_t> SpecTable::digests() const {
  if (digest_ == 0 && wanted_ == 0) return {};
  return {digests_.begin(), digests_.end()};
}

}  // namespace brood::core
