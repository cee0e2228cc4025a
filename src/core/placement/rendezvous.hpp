// Weighted rendezvous, the distribution that brood uses where no other is chosen: a node's score for a key is
// -weight / ln(u), with u in (0, 1) from a hash of key and node name, computed in whole numbers, because
// floating `log` differs between machines. Equal weights make it the plain order of the hashes. Source:
// Thaler and Ravishankar, "A name-based mapping scheme for rendezvous" (1998); the weights as in
// Schindelhauer and Schomaker (2005).
//
// Thread rule: pure functions.
#pragma once

#include <brood/strategies.hpp>
#include <brood/term.hpp>

namespace brood::core {

/// -log2(u) of u = hash / 2^64, as a fixed-point number with 32 fraction bits; at least 1, at most 64.
[[nodiscard]] std::uint64_t negative_log2(std::uint64_t hash) noexcept;
/// The hash of a node's name that placement mixes with keys.
[[nodiscard]] std::uint64_t node_hash(const NodeName& node) noexcept;

/// The ring of these nodes: all of them in the order of their scores. Also what other distributions go by
/// where they have nothing to say.
[[nodiscard]] std::shared_ptr<const Ring> rendezvous_ring(std::vector<RingNode> nodes);

class WeightedRendezvous final : public Distribution {
 public:
  [[nodiscard]] std::string name() const override { return "weighted_rendezvous/1"; }
  [[nodiscard]] std::shared_ptr<const Ring> prepare(std::vector<RingNode> nodes) const override {
    return rendezvous_ring(std::move(nodes));
  }
};

}  // namespace brood::core
