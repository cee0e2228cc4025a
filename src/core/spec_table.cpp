#include "core/spec_table.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "base/hash.hpp"

namespace brood::core {
namespace {

bool shows_before(const SpecRow& a, const SpecRow& b) {
  return std::tie(a.clock, a.dot) > std::tie(b.clock, b.dot);
}

std::uint64_t row_digest(const ChildId& id, const Dot& dot) {
  const std::uint64_t origin = combine64(stable_hash64(dot.node.value), dot.creation);
  return combine64(combine64(id.hash64(), origin), dot.sequence);
}

}  // namespace

Child* SpecTable::find(const ChildId& id) {
  const auto found = children_.find(id);
  return found == children_.end() ? nullptr : &found->second;
}

const Child* SpecTable::find(const ChildId& id) const {
  const auto found = children_.find(id);
  return found == children_.end() ? nullptr : &found->second;
}

Child& SpecTable::obtain(const ChildId& id) {
  const auto [at, added] = children_.try_emplace(id);
  if (added) at->second.hash = id.hash64();
  return at->second;
}

void SpecTable::erase_if_empty(const ChildId& id) {
  const auto found = children_.find(id);
  if (found != children_.end() && found->second.empty()) children_.erase(found);
}

const SpecRow* SpecTable::row(const ChildId& id) const {
  const Child* child = find(id);
  return child ? child->row.get() : nullptr;
}

const SpecRow* SpecTable::find_birth(const ChildId& id, const Dot& birth) const {
  const SpecRow* visible = row(id);
  if (!visible) return nullptr;
  if (visible->birth == birth) return visible;
  if (others_.empty()) return nullptr;
  const auto found = others_.find(id);
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

void SpecTable::count(const ChildId& id, const SpecRow& row, bool added) {
  const std::uint64_t part = row_digest(id, row.dot);
  digest_ = added ? digest_ + part : digest_ - part;
}

// Puts a row of a birth that is not here yet.
void SpecTable::insert(const ChildId& id, SpecRow row) {
  count(id, row, true);
  Child& child = obtain(id);
  if (!child.row) {
    wanted_ += row.wanted ? 1 : 0;
    child.row = std::make_unique<SpecRow>(std::move(row));
    return;
  }
  if (shows_before(row, *child.row)) {
    wanted_ += (row.wanted ? 1 : 0) - (child.row->wanted ? 1 : 0);
    std::swap(row, *child.row);
  }
  others_[id].push_back(std::move(row));
}

// True when the visible row is another now.
bool SpecTable::end_birth(const ChildId& id, const Dot& birth, bool for_good) {
  Child* child = find(id);
  if (!child || !child->row) return false;
  const auto others = others_.find(id);
  if (child->row->birth == birth) {
    count(id, *child->row, false);
    if (for_good && on_end) on_end(id, *child->row);
    wanted_ -= child->row->wanted ? 1 : 0;
    child->row.reset();
    if (others == others_.end()) return true;
    auto& rows = others->second;
    const auto best = std::min_element(rows.begin(), rows.end(), shows_before);
    wanted_ += best->wanted ? 1 : 0;
    child->row = std::make_unique<SpecRow>(std::move(*best));
    rows.erase(best);
    if (rows.empty()) others_.erase(others);
    return true;
  }
  if (others == others_.end()) return false;
  auto& rows = others->second;
  for (auto at = rows.begin(); at != rows.end(); ++at) {
    if (at->birth != birth) continue;
    count(id, *at, false);
    if (for_good && on_end) on_end(id, *at);
    rows.erase(at);
    break;
  }
  if (rows.empty()) others_.erase(others);
  return false;
}

// A newer value of a birth that is here; true when what shows changed.
bool SpecTable::update(const ChildId& id, const SpecRow& row) {
  const SpecRow* old = find_birth(id, row.birth);
  if (!old || !shows_before(row, *old)) return false;
  const SpecRow* shown = this->row(id);
  const bool showed = shown->birth == row.birth;
  const Dot shown_dot = shown->dot;
  end_birth(id, row.birth, false);
  insert(id, row);
  return showed || this->row(id)->dot != shown_dot;
}

void SpecTable::end_all(const ChildId& id, std::vector<Dot>& ended) {
  while (const SpecRow* visible = row(id)) {
    ended.push_back(visible->birth);
    end_birth(id, ended.back());
  }
}

SpecChange SpecTable::write(const ChildId& id, SpecRow row, bool new_birth) {
  SpecChange change;
  change.id = id;
  row.dot = change.dot = next_dot();
  if (new_birth) {
    row.birth = row.dot;
    end_all(id, change.replaces);
    insert(id, row);
  } else {
    end_birth(id, row.birth, false);
    insert(id, row);
  }
  change.row = std::move(row);
  return change;
}

SpecChange SpecTable::remove(const ChildId& id) {
  SpecChange change;
  change.id = id;
  change.dot = next_dot();
  end_all(id, change.replaces);
  return change;
}

SpecTable::Applied SpecTable::apply(const SpecChange& change) {
  if (seen_.covers(change.dot)) return Applied::nothing;
  const auto found = seen_.seen.find({change.dot.node, change.dot.creation});
  const std::uint64_t newest = found == seen_.seen.end() ? 0 : found->second;
  if (change.dot.sequence != newest + 1) return Applied::gap;
  // What it ends may still be on its way from another node, and would come back when it arrives.
  for (const Dot& birth : change.replaces)
    if (!seen_.covers(birth)) return Applied::gap;

  bool changed = false;
  for (const Dot& birth : change.replaces) changed |= end_birth(change.id, birth);
  if (change.row) {
    const Dot before = row(change.id) ? row(change.id)->dot : Dot{};
    if (change.row->birth == change.dot) {
      insert(change.id, *change.row);
      changed |= row(change.id)->dot != before;
    } else if (find_birth(change.id, change.row->birth)) {
      changed |= update(change.id, *change.row);
    } else if (!seen_.covers(change.row->birth)) {
      return Applied::gap;  // its birth, of another node, is still on its way
    }
  }
  seen_.add(change.dot);
  return changed ? Applied::changed : Applied::nothing;
}

void SpecTable::merge(const Sync& sync, const std::function<void(const ChildId&)>& on_change) {
  if (sync.with_rows) {
    std::unordered_map<ChildId, std::vector<const SpecRow*>> theirs;
    theirs.reserve(sync.rows.size());
    for (const auto& [id, row] : sync.rows) theirs[id].push_back(&row);

    // What they cover and do not have was removed there.
    std::vector<std::pair<ChildId, Dot>> ended;
    const auto consider = [&](const ChildId& id, const Dot& birth) {
      if (!sync.seen.covers(birth)) return;
      const auto found = theirs.find(id);
      if (found != theirs.end())
        for (const SpecRow* row : found->second)
          if (row->birth == birth) return;
      ended.emplace_back(id, birth);
    };
    for (const auto& [id, child] : children_)
      if (child.row) consider(id, child.row->birth);
    for (const auto& [id, rows] : others_)
      for (const SpecRow& row : rows) consider(id, row.birth);
    std::sort(ended.begin(), ended.end());

    std::vector<ChildId> changed;
    for (const auto& [id, birth] : ended)
      if (end_birth(id, birth)) changed.push_back(id);
    for (const auto& [id, row] : sync.rows) {
      const Dot before = this->row(id) ? this->row(id)->dot : Dot{};
      if (find_birth(id, row.birth))
        update(id, row);
      else if (!seen_.covers(row.birth))
        insert(id, row);
      const SpecRow* now = this->row(id);
      if (now && now->dot != before) changed.push_back(id);
    }
    seen_.merge(sync.seen);
    std::sort(changed.begin(), changed.end());
    changed.erase(std::unique(changed.begin(), changed.end()), changed.end());
    for (const ChildId& id : changed) on_change(id);
    return;
  }
  seen_.merge(sync.seen);
}

std::vector<std::pair<ChildId, SpecRow>> SpecTable::rows() const {
  std::vector<std::pair<ChildId, SpecRow>> all;
  all.reserve(children_.size());
  for (const auto& [id, child] : children_)
    if (child.row) all.emplace_back(id, *child.row);
  for (const auto& [id, rows] : others_)
    for (const SpecRow& row : rows) all.emplace_back(id, row);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return std::tie(a.first, a.second.dot) < std::tie(b.first, b.second.dot);
  });
  return all;
}

}  // namespace brood::core
