// The consistent hash ring of Elixir's libring, which DistributedSupervisor and Pogo use: brood nodes and
// nodes with one of these agree about the owner of each key.
//
// A node has as many points on a circle of 2^32 - 1 places as its weight says: point i of node n is at
// erlang:phash2({n, i}), with n as an atom. A key belongs to the node of the first point at or after
// erlang:phash2(key); of an atom it is that of its encoding (term_to_binary), since phash2 spreads atoms
// badly. The nodes that come next for it are those of the points that follow.
//
// Thread rule: pure functions.
#pragma once

#include <brood/strategies.hpp>

namespace brood::core {

struct LibringSettings {
  /// Points of a node of weight 100; libring's own default. Others have as many in proportion, at least one.
  std::uint32_t points = 128;
  /// The release of the Erlang nodes that are to agree: from 26 on term_to_binary writes atoms in UTF-8, and
  /// so the owners of children whose ids are atoms are others.
  std::uint32_t otp = 25;
};

class Libring final : public Distribution {
 public:
  explicit Libring(LibringSettings settings) : settings_(settings) {}
  [[nodiscard]] std::string name() const override;
  [[nodiscard]] std::shared_ptr<const Ring> prepare(std::vector<RingNode> nodes) const override;

 private:
  LibringSettings settings_;
};

}  // namespace brood::core
