// A node without a name becomes distributed while its children run. docs/decisions/0008 says what that means
// for pids.
#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <future>

#include "node/net/names.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"

namespace brood::supervisor {

Result<void> NodeImpl::promote(const std::string& name, const std::vector<std::string>& join) {
  std::lock_guard one_at_a_time(promote_mutex_);
  if (stopped_) return Error{Errc::invalid_argument, "the node has stopped"};
  if (distribution()) {
    return Error{Errc::already_exists, fmt::format("this node has a name already: {}", this->name().value)};
  }
  for (const std::string& address : join) {
    if (auto seed = parse_node_address(address); !seed) return seed.error();
  }
  // On whatever thread polls the network, so that nobody who connects is heard before all is ready for him.
  std::promise<Result<void>> taken;
  boost::asio::post(network_, [&] { taken.set_value(take_name(name, join)); });
  if (auto result = taken.get_future().get(); !result) return result;
  start_discovery();
  return {};
}

Result<void> NodeImpl::take_name(const std::string& name, const std::vector<std::string>& join) {
  auto creation = listen(name);
  if (!creation) {
    if (distribution_) distribution_->stop(std::chrono::milliseconds(0));
    distribution_.reset();
    return creation.error();
  }
  // Not under the lock, which the events take; none comes before this returns.
  wire_events(join);
  std::lock_guard lock(mutex_);
  options_.name = name;
  options_.join = join;
  for (const std::string& seed : join) join_.push_back(parse_node_address(seed)->name);
  members_.erase(this->name());
  runtime_->rename(distribution_->name(), *creation);
  wire_runtime();  // before the drivers, which dial at once
  core::Renamed renamed{this->name(), *creation, own_address(), join_};
  for (const auto& [supervisor, driver] : drivers_) driver->rename(renamed);
  return {};
}

Pid NodeImpl::present(const Pid& pid) const {
  return runtime_->is_here(pid.node) && runtime_->is_alive(pid) ? Pid{name(), pid.id, pid.serial, creation()}
                                                                : pid;
}

std::string NodeImpl::own_address() const {
  if (!distribution_ || options_.epmd) return {};
  const std::string& name = distribution_->name().value;
  return node::with_port(name.substr(name.find('@') + 1), distribution_->port());
}

}  // namespace brood::supervisor
