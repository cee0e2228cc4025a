// Planted bugs of the network: what Plant names and the other parts do not do themselves.
//
// Thread rule: one thread.
#pragma once

#include "sim/world.hpp"

namespace brood::sim {

/// Changes a message that arrives, where the planted bug says so.
void tamper(const World& world, std::size_t receiver, core::MessageBody& body, Random& random);

}  // namespace brood::sim
