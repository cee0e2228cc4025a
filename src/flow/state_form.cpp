#include "flow/state_form.hpp"

#include <algorithm>

namespace brood::flow {

namespace {
/// Of a state that is smaller than that some changes are sent all the same.
constexpr std::size_t small_state = 4096;
}  // namespace

void StateForm::sent(bool whole, std::size_t bytes) {
  if (whole) {
    whole_next_ = false;
    whole_bytes_ = std::max(bytes, small_state);
    change_bytes_ = change_count_ = 0;
    return;
  }
  change_bytes_ += bytes;
  ++change_count_;
}

}  // namespace brood::flow
