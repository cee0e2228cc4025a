// What is behind a Supervisor, for the files of this folder.
#pragma once

#include <fmt/format.h>

#include <brood/supervisor.hpp>
#include <functional>
#include <memory>
#include <utility>

#include "supervisor/driver/answer.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::inline v0 {

struct Supervisor::Impl {
  std::shared_ptr<supervisor::NodeImpl> node;
  std::shared_ptr<supervisor::Driver> driver;

  /// Holds off the end of the node while the supervisor is used; empty: it has ended, or the node.
  [[nodiscard]] supervisor::Gate::Pass enter() const {
    return driver->has_ended() ? supervisor::Gate::Pass() : node->enter();
  }
  [[nodiscard]] Error stopped() const {
    return {Errc::stopped, fmt::format("supervisor '{}' has ended on this node", driver->name())};
  }
  /// What did not end in its time; `stopped` where the supervisor has ended.
  [[nodiscard]] Error late(std::string words) const {
    return driver->has_ended() ? stopped() : Error{Errc::timeout, std::move(words)};
  }

  /// Runs one of the driver's client functions and waits for it. In a handler another thread does its
  /// scheduler's work meanwhile.
  template <typename Ask>
  std::pair<supervisor::Outcomes, bool> wait_for(Ask ask) {
    using Both = std::pair<supervisor::Outcomes, bool>;
    auto answer = std::make_shared<brood::detail::FutureValue<Both>>();
    ask([answer](supervisor::Outcomes outcomes, bool timed_out) {
      (void)answer->set(Both(std::move(outcomes), timed_out));
    });
    answer->wait();
    return *answer->value();
  }
  Result<void> change_roster(const std::vector<NodeName>& add, const std::vector<NodeName>& remove,
                             std::chrono::milliseconds timeout);
  template <typename T>
  T read_core(std::function<T(const core::Core&)> read) {
    auto answer = std::make_shared<brood::detail::FutureValue<T>>();
    driver->with_core(
        [answer, read = std::move(read)](const core::Core& core) { (void)answer->set(read(core)); });
    answer->wait();
    return *answer->value();
  }
};

}  // namespace brood::inline v0
