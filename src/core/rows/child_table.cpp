#include "core/rows/child_table.hpp"

namespace brood::core {

Child* ChildTable::find(const ChildId& id) {
  const std::uint64_t hash = id.hash();
  const Index& index = index_of(hash);
  const auto found = index.find(Probe{hash, &id});
  return found == index.end() ? nullptr : &records_[found->slot].child;
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
  const std::uint64_t hash = id.hash();
  Index& index = index_of(hash);
  if (const auto found = index.find(Probe{hash, &id}); found != index.end())
    return records_[found->slot].child;
  std::uint32_t slot = 0;
  if (free_.empty()) {
    slot = slots();
    records_.grow();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  Record& record = records_[slot];
  record.used = true;
  Child& child = record.child;
  child.id = id;
  child.ref.slot = slot;
  auto& bucket = by_bucket_[bucket_of(hash)];
  child.bucket_place.value_ = static_cast<std::uint32_t>(bucket.size());
  bucket.push_back(slot);
  index.insert(Entry{hash, slot});
  ++size_;
  return child;
}

bool ChildTable::erase_if_empty(Child& child) {
  if (!child.empty()) return false;
  const ChildRef ref = child.ref;
  Index& index = index_of(child.id.hash());
  index.erase(index.find(Probe{child.id.hash(), &child.id}));
  --size_;
  auto& bucket = by_bucket_[bucket_of(child.id.hash())];
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
