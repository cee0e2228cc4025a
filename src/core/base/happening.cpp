#include "core/base/happening.hpp"

namespace brood::core {

bool is_move(Why why) noexcept {
  return why == Why::joined || why == Why::drained || why == Why::rebalanced || why == Why::moved ||
         why == Why::load_shared;
}

}  // namespace brood::core
