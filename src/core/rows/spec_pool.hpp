// SpecPool: lets children whose specs are the same share one. Most of a million children differ in their ids
// only, and each node has a row of every child.
//
// It knows the last few different specs, not all: what is not among them is kept as it comes, which costs
// memory and nothing else. So it needs no look when a row ends.
//
// Owns: a share of those few. Thread rule: none; owned by one core.
#pragma once

#include <array>
#include <functional>

#include "base/hash.hpp"
#include "core/base/types.hpp"

namespace brood::core {

class SpecPool {
 public:
  /// A spec that equals this one, which may be itself.
  [[nodiscard]] SpecPtr shared(SpecPtr spec) {
    if (spec->args.size() + spec->metadata.size() > bytes_max) return spec;
    SpecPtr& place = last_[hash_of(*spec) % last_.size()];
    if (place == spec || (place && *place == *spec)) return place;
    place = spec;
    return spec;
  }

 private:
  /// One that is larger is not held for longer than its children are, and is hardly that of another.
  static constexpr std::size_t bytes_max = 4096;
  /// Of what tells specs apart most.
  [[nodiscard]] static std::uint64_t hash_of(const Spec& spec) {
    const std::hash<std::string_view> of;
    return mix64(combine64(combine64(of(spec.worker), of(spec.args)), of(spec.metadata)));
  }

  std::array<SpecPtr, 64> last_;
};

}  // namespace brood::core
