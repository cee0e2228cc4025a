#include "sim/plant.hpp"

namespace brood::sim {

void tamper(const World& world, std::size_t receiver, core::MessageBody& body, Random& random) {
  if (world.has(Plant::lying_ack)) {
    if (auto* delta = std::get_if<core::Delta>(&body); delta != nullptr && random.chance(100))
      delta->specs.clear();
  }
  if (world.has(Plant::loose_order)) {
    if (auto* through = std::get_if<core::Through>(&body)) through->number = 0;
  }
  if (world.has(Plant::agreeable_views)) {
    if (auto* view = std::get_if<core::View>(&body)) view->hash = world.nodes[receiver].core->view_hash();
  }
}

}  // namespace brood::sim
