// IdMap and IdSet: tables by child id, each entry in place. A reference to an entry is good until the table
// changes. PartedIdMap: the same for very many, as many small tables, so that none takes long when it grows.
//
// Thread rule: as of the standard containers.
#pragma once

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>
#include <utility>

#include "base/table_parts.hpp"
#include "term/child_id.hpp"

namespace brood::inline v0 {

template <typename T>
using IdMap = boost::unordered_flat_map<ChildId, T, std::hash<ChildId>>;
using IdSet = boost::unordered_flat_set<ChildId, std::hash<ChildId>>;

template <typename T>
class PartedIdMap {
 public:
  /// nullptr: not there.
  [[nodiscard]] T* find(const ChildId& id) {
    IdMap<T>& part = part_of(id);
    const auto found = part.find(id);
    return found == part.end() ? nullptr : &found->second;
  }
  /// False: it is there already, and stays as it is.
  [[nodiscard]] bool add(const ChildId& id, T value) {
    const bool added = part_of(id).try_emplace(id, std::move(value)).second;
    if (added) ++size_;
    return added;
  }
  void erase(const ChildId& id) { size_ -= part_of(id).erase(id); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  /// `f(id, value)` for each, in no order that means anything.
  template <typename F>
  void each(F f) {
    for (IdMap<T>& part : parts_)
      for (auto& [id, value] : part) f(id, value);
  }
  template <typename F>
  [[nodiscard]] bool all_of(F f) const {
    return std::all_of(parts_.begin(), parts_.end(), [&](const IdMap<T>& part) {
      return std::all_of(part.begin(), part.end(), [&](const auto& item) { return f(item.second); });
    });
  }
  /// One of them; nullptr: there is none.
  [[nodiscard]] const T* any() const {
    for (const IdMap<T>& part : parts_)
      if (!part.empty()) return &part.begin()->second;
    return nullptr;
  }

 private:
  [[nodiscard]] IdMap<T>& part_of(const ChildId& id) { return parts_[table_part(id.hash())]; }

  std::array<IdMap<T>, table_parts> parts_;
  std::size_t size_ = 0;
};

}  // namespace brood::inline v0
