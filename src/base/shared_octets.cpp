#include <brood/detail/shared_octets.hpp>

namespace brood::inline v0::detail {

SharedOctets::SharedOctets(std::string&& octets) : held_(new Held{std::move(octets)}) {
  octets.clear();
}

void SharedOctets::let_go() noexcept {
  if (held_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1) delete held_;
}

std::string SharedOctets::take() && {
  const SharedOctets taken = std::move(*this);
  // Acquire: what others have read of them comes before what the taker does to them.
  if (taken.held_->owners.load(std::memory_order_acquire) != 1) return *taken;
  return std::move(taken.held_->octets);
}

}  // namespace brood::inline v0::detail
