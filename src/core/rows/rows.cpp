#include "core/rows/rows.hpp"

#include <algorithm>

#include "core/base/hlc.hpp"

namespace brood::core {

Rows::Rows(ChildTable& children, const Settings& settings, Outbox& outbox, Notes& notes)
    : children_(children),
      outbox_(outbox),
      notes_(notes),
      table_(children, settings.self, settings.creation) {
  table_.on_begin = [this](const Child& child) { notes_.row_begins(child); };
  table_.on_end = [this](const Child& child, const SpecRow& row, bool for_good) {
    notes_.row_ends(child, row);
    if (for_good && row.request.number != 0) ended_.push_back({row.request, child.id, child.floor()});
  };
}

void Rows::tell_ended(Step& s, const Epoch& floor) {
  if (ended_.empty()) return;
  auto ended = std::move(ended_);
  ended_.clear();
  for (const Ended& one : ended) {
    const Child* child = children_.find(one.id);
    const bool goes_on = child && child->row() && child->row()->request == one.request;
    if (!goes_on) notes_.request_finished(s, one.request, one.id, std::max(one.floor, floor));
  }
}

void Rows::changed(Step& s, Child& child) {
  s.changed(child.id);
  notes_.touched(s, child);
}

void Rows::write(Step& s, Child& child, SpecRow row, bool new_birth) {
  row.clock = s.tick();
  put(s, child, std::move(row), new_birth);
}

// A clock no greater than it must be: a deed of the same time has one of that time.
void Rows::wish(Step& s, Child& child, SpecRow row) {
  row.clock = after(after(child.row()->clock));
  put(s, child, std::move(row), false);
}

void Rows::remark(Step& s, Child& child, SpecRow row) {
  row.clock = after(child.row()->clock);
  put(s, child, std::move(row), false);
}

void Rows::put(Step& s, Child& child, SpecRow row, bool new_birth) {
  row.trouble.settle();
  SpecChange change = table_.write(child, std::move(row), new_birth);
  if (!change.replaces.empty()) change.floor = child.floor();
  notes_.row_changed(s, child, change);
  outbox_.add(std::move(change));
  tell_ended(s);
  changed(s, child);
}

void Rows::remove(Step& s, Child& child, const RequestKey& request) {
  SpecChange change = table_.remove(child);
  change.request = request;
  change.floor = child.floor();
  notes_.row_changed(s, child, change);
  outbox_.add(std::move(change));
  tell_ended(s);
  if (request.number != 0) notes_.request_finished(s, request, child.id, child.floor());
  changed(s, child);
}

bool Rows::apply(Step& s, const SpecChange& change) {
  if (change.row) s.witness(change.row->clock, change.dot.node);
  const auto applied = table_.apply(change);
  tell_ended(s, change.floor);
  Child& child = children_.obtain(change.id);
  if (applied != SpecTable::Applied::gap && change.request.number != 0)
    notes_.request_finished(s, change.request, child.id, std::max(child.floor(), change.floor));
  if (applied == SpecTable::Applied::nothing) notes_.late_change(s, change);
  if (applied == SpecTable::Applied::changed) {
    notes_.row_changed(s, child, change);
    changed(s, child);
  }
  children_.erase_if_empty(child);
  return applied != SpecTable::Applied::gap;
}

bool Rows::merge(Step& s, PeerIndex from, const Sync& portion) {
  for (const auto& [id, row] : portion.rows) s.witness(row.clock, portion.sender.node);
  const bool right = table_.merge(from, portion, [&](Child& child) { changed(s, child); });
  tell_ended(s);
  return right;
}

}  // namespace brood::core
