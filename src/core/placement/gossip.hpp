// Gossip: a change goes to a few members, who pass it on to a few more each.
//
// The members form a tree for each batch, with its origin at the root: in the list of members, which begins
// at the origin and is permuted by the batch's number, the member at place p sends to those at places p *
// recipients + 1 and on. So with all in order each member gets each batch once, and nobody sends it to more
// than `recipients`; who is near the root differs from batch to batch.
//
// Thread rule: const and stateless.
#pragma once

#include <brood/strategies.hpp>

namespace brood::core {

struct GossipOptions {
  /// To how many a member sends a change, and how many it tells how far it has got. At least 1. Too small: a
  /// change takes longer to reach all. Too large: as pubsub.
  std::size_t recipients = 3;
  /// How often all tables are compared. Too small: traffic. Too large: what was lost with a node is missed
  /// longer.
  std::chrono::milliseconds sync_interval = std::chrono::seconds(15);
  /// Only the first member, in the order of names, begins such a comparison, and it goes from member to
  /// member. False: each member compares itself with one other in turn.
  bool restricted_init = true;
};

class Gossip final : public Synchronisation {
 public:
  explicit Gossip(const GossipOptions& options) : options_(options) {}

  [[nodiscard]] std::string name() const override;
  [[nodiscard]] bool passes_on() const override { return true; }
  void recipients(const Spreading& batch, std::vector<std::size_t>& to) const override;
  [[nodiscard]] std::size_t partners() const override { return options_.recipients; }
  [[nodiscard]] std::chrono::milliseconds sync_interval() const override { return options_.sync_interval; }
  [[nodiscard]] bool one_begins() const override { return options_.restricted_init; }

 private:
  GossipOptions options_;
};

}  // namespace brood::core
