// Which instance of a child is meant by its id, where several may be known: replicas, one that ends and one
// that begins, one that has been handed over.
//
// The readers' table, the router and the simulator's callers ask it of their own records: each says by `see`
// what an instance of its is.
//
// Thread rule: none; functions of their arguments.
#pragma once

#include <algorithm>
#include <iterator>

namespace brood::flow {

/// What decides about one instance.
struct InstanceSight {
  bool has_process = false;
  bool runs = false;       ///< It handles messages; also one that seems stuck. Implies has_process.
  bool is_active = false;  ///< Its role.
  bool has_moved = false;  ///< Handed over: what is sent to its process goes on to where it is now.
};

/// The first that runs and is active; else one that has moved, as long as nothing is heard of it at its new
/// place. nullptr: the child runs nowhere.
template <typename Instances, typename See>
[[nodiscard]] auto running_instance(const Instances& instances, const See& see)
    -> decltype(&*instances.begin()) {
  const auto first = [&](auto is_meant) -> decltype(&*instances.begin()) {
    const auto it = std::find_if(instances.begin(), instances.end(),
                                 [&](const auto& one) { return is_meant(InstanceSight(see(one))); });
    return it == instances.end() ? nullptr : &*it;
  };
  if (auto* const found = first([](const InstanceSight& one) { return one.runs && one.is_active; }))
    return found;
  return first([](const InstanceSight& one) { return one.has_process && one.has_moved; });
}

/// The same; of several that run and are active, one for which `is_here`.
template <typename Instances, typename See, typename IsHere>
[[nodiscard]] auto nearest_instance(const Instances& instances, const See& see, const IsHere& is_here)
    -> decltype(&*instances.begin()) {
  if (std::size(instances) > 1)
    for (const auto& one : instances)
      if (const InstanceSight sight = see(one); sight.runs && sight.is_active && is_here(one)) return &one;
  return running_instance(instances, see);
}

}  // namespace brood::flow
