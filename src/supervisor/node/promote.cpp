// A node without a name becomes distributed while its children run. docs/decisions/0008 says what that means
// for pids.
#include <fmt/format.h>

#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

Result<void> NodeImpl::promote(const std::string& name, const std::vector<std::string>& join) {
  const auto pass = enter();
  if (!pass) return stopped();
  std::lock_guard one_at_a_time(promote_mutex_);
  if (gate_.is_shut()) return stopped();
  if (network_.is_up()) {
    return Error{Errc::already_exists, fmt::format("this node has a name already: {}", this->name().text())};
  }
  const auto seeds = parse_node_addresses(join);
  if (!seeds) return seeds.error();
  // On whatever thread polls the network, so that nobody who connects is heard before all is ready for him.
  Result<void> taken;
  network_.run_on_loop([&] { taken = take_name(name, *seeds); });
  if (!taken) return taken;
  start_discovery();
  return {};
}

Result<void> NodeImpl::take_name(const std::string& name, const std::vector<NodeAddress>& join) {
  auto creation = network_.listen(name);
  if (!creation) {
    network_.forget();
    return creation.error();
  }
  // Not under the table's lock, which the events take; none comes before this returns.
  network_.set_events(*runtime_, events_->events());
  core::Renamed renamed;
  supervisors_.change_all(
      [&] {
        const NodeName former = this->name();
        runtime_->rename(parse_node_address(name)->name, *creation);
        network_.go_up(*runtime_);  // before the drivers, which dial at once
        learn(join);
        peers_.forget_member(former);
        renamed = {this->name(), *creation, network_.own_address(), seeds_.names()};
      },
      [&](Driver& driver) { driver.rename(renamed); });
  return {};
}

}  // namespace brood::supervisor
