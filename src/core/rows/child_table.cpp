#include "core/rows/child_table.hpp"

namespace brood::core {

Child* ChildTable::find(const ChildId& id) {
  const auto found = index_.find(Probe{id.hash64(), &id});
  return found == index_.end() ? nullptr : &records_[found->slot].child;
}

Child* ChildTable::get(ChildRef ref) {
  if (ref.slot >= records_.size()) return nullptr;
  Record& record = records_[ref.slot];
  return record.used && record.child.ref.generation == ref.generation ? &record.child : nullptr;
}

Child* ChildTable::at_slot(std::uint32_t slot) {
  return slot < records_.size() && records_[slot].used ? &records_[slot].child : nullptr;
}

Child& ChildTable::obtain(const ChildId& id) {
  const std::uint64_t hash = id.hash64();
  if (const auto found = index_.find(Probe{hash, &id}); found != index_.end())
    return records_[found->slot].child;
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = slots();
    records_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Record& record = records_[slot];
  record.used = true;
  Child& child = record.child;
  child.id = id;
  child.hash = hash;
  child.ref.slot = slot;
  auto& bucket = by_bucket_[bucket_of(hash)];
  child.bucket_place.value_ = static_cast<std::uint32_t>(bucket.size());
  bucket.push_back(slot);
  index_.insert(Entry{hash, slot});
  return child;
}

bool ChildTable::erase_if_empty(Child& child) {
  if (!child.empty()) return false;
  const ChildRef ref = child.ref;
  index_.erase(index_.find(Probe{child.hash, &child.id}));
  auto& bucket = by_bucket_[bucket_of(child.hash)];
  const std::uint32_t place = child.bucket_place.get();
  bucket[place] = bucket.back();
  records_[bucket[place]].child.bucket_place.value_ = place;
  bucket.pop_back();
  Record& record = records_[ref.slot];
  record.child = Child{};
  record.child.ref.generation = ref.generation + 1;
  record.used = false;
  free_.push_back(ref.slot);
  return true;
}

}  // namespace brood::core
