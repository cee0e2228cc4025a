// IdMap and IdSet: tables by child id, each entry in place. A reference to an entry is good until the table
// changes.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <functional>

#include "term/child_id.hpp"

namespace brood::inline v0 {

template <typename T>
using IdMap = boost::unordered_flat_map<ChildId, T, std::hash<ChildId>>;
using IdSet = boost::unordered_flat_set<ChildId, std::hash<ChildId>>;

}  // namespace brood::inline v0
