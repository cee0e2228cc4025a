// ChildTable: the records of all children that this node knows, found by id with one hash, by reference
// without, by place for sweeps over all of them, and by bucket for the exchange of tables.
//
// Invariants: a record stays where it is until it is erased; every bucket lists each of its children once.
// Thread rule: none; owned by one core.
#pragma once

#include <boost/unordered/unordered_flat_set.hpp>
#include <memory>
#include <vector>

#include "base/table_parts.hpp"
#include "core/rows/child.hpp"

namespace brood::core {

/// The parts that tables are compared by: 2^10, by the first bits of the id's hash.
inline constexpr std::uint32_t buckets = 1024;
[[nodiscard]] constexpr std::uint32_t bucket_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash >> 54);
}

class ChildTable {
 public:
  ChildTable() : index_(table_parts, Index(0, Hash{}, Equal{&records_})), by_bucket_(buckets) {}
  ChildTable(const ChildTable&) = delete;
  ChildTable& operator=(const ChildTable&) = delete;

  [[nodiscard]] Child* find(const ChildId& id);
  [[nodiscard]] const Child* find(const ChildId& id) const { return const_cast<ChildTable*>(this)->find(id); }
  /// nullptr once that child is erased.
  [[nodiscard]] Child* get(ChildRef ref);
  [[nodiscard]] const Child* get(ChildRef ref) const { return const_cast<ChildTable*>(this)->get(ref); }
  Child& obtain(const ChildId& id);
  /// Forgets the child where nothing is known of it any more. True: the record is gone.
  bool erase_if_empty(Child& child);

  [[nodiscard]] std::size_t size() const { return size_; }
  /// For sweeps: places from 0 to slots(); nullptr where there is no child.
  [[nodiscard]] std::uint32_t slots() const { return static_cast<std::uint32_t>(records_.size()); }
  [[nodiscard]] Child* at_slot(std::uint32_t slot);
  [[nodiscard]] const Child* at_slot(std::uint32_t slot) const {
    return const_cast<ChildTable*>(this)->at_slot(slot);
  }
  /// The slots of a bucket, in no order that means anything.
  [[nodiscard]] const std::vector<std::uint32_t>& bucket(std::uint32_t index) const {
    return by_bucket_[index];
  }

 private:
  struct Record {
    Child child;
    bool used = false;
  };
  /// In blocks: a record stays where it is, and no list of all of them is ever copied in one step (a deque's
  /// is, as it gives each record of this size a block of its own).
  class Records {
   public:
    [[nodiscard]] std::size_t size() const { return size_; }
    Record& operator[](std::size_t slot) { return blocks_[slot / in_block][slot % in_block]; }
    const Record& operator[](std::size_t slot) const { return blocks_[slot / in_block][slot % in_block]; }
    void grow() {
      if (size_ % in_block == 0) blocks_.push_back(std::make_unique<Record[]>(in_block));
      ++size_;
    }

   private:
    static constexpr std::size_t in_block = 64;
    std::vector<std::unique_ptr<Record[]>> blocks_;
    std::size_t size_ = 0;
  };
  struct Entry {
    std::uint64_t hash = 0;
    std::uint32_t slot = 0;
  };
  struct Probe {
    std::uint64_t hash = 0;
    const ChildId* id = nullptr;
  };
  struct Hash {
    using is_transparent = void;
    using is_avalanching = void;
    std::size_t operator()(const Entry& entry) const { return static_cast<std::size_t>(entry.hash); }
    std::size_t operator()(const Probe& probe) const { return static_cast<std::size_t>(probe.hash); }
  };
  struct Equal {
    using is_transparent = void;
    const Records* records;
    bool operator()(const Entry& a, const Entry& b) const { return a.slot == b.slot; }
    bool operator()(const Probe& a, const Entry& b) const {
      return a.hash == b.hash && (*records)[b.slot].child.id == *a.id;
    }
    bool operator()(const Entry& a, const Probe& b) const { return (*this)(b, a); }
  };

  using Index = boost::unordered_flat_set<Entry, Hash, Equal>;
  /// The index is many small tables, so that none of them takes long when it grows.
  [[nodiscard]] Index& index_of(std::uint64_t hash) { return index_[table_part(hash)]; }

  Records records_;
  std::size_t size_ = 0;
  std::vector<std::uint32_t> free_;
  std::vector<Index> index_;
  std::vector<std::vector<std::uint32_t>> by_bucket_;
};

}  // namespace brood::core
