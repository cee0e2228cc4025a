// A node as far as processes and their network go, for tests of both.
#pragma once

#include <boost/asio/io_context.hpp>

#include "node/net/network_loop.hpp"
#include "node/test_support.hpp"
#include "process/test_support.hpp"

namespace brood::node::test {

/// Processes and their network, as a node wires them.
class RuntimeNode {
 public:
  explicit RuntimeNode(const std::string& name) : RuntimeNode(without_ticks(name)) {}
  explicit RuntimeNode(DistributionOptions settings) : distribution_(io_, std::move(settings)) {
    process::RuntimeOptions options;
    options.threads = 2;
    const auto creation = distribution_.start();
    EXPECT_TRUE(creation);
    runtime = std::make_unique<process::Runtime>(distribution_.name(), creation.value_or(1), options);
    distribution_.set_events(runtime.get(), {});
    runtime->set_remote(&distribution_);
    loop_->start();
    runtime->set_poller(loop_);
    loop_->lend([this] { return runtime->wake_to_poll(); });
  }
  ~RuntimeNode() {
    runtime->stop(5s);
    distribution_.stop(0ms);
    loop_->stop();
    runtime->set_remote(nullptr);
  }
  RuntimeNode(const RuntimeNode&) = delete;
  RuntimeNode& operator=(const RuntimeNode&) = delete;

  void knows(const RuntimeNode& other) {
    distribution_.set_address(other.distribution_.name(), "127.0.0.1", other.distribution_.port());
  }

  [[nodiscard]] const NodeName& name() const { return distribution_.name(); }
  [[nodiscard]] std::size_t peers() const { return distribution_.peers().size(); }

 private:
  /// A tick would take along what is held.
  static DistributionOptions without_ticks(const std::string& name) {
    DistributionOptions options = without_epmd(name);
    options.tick_timeout = 24h;
    return options;
  }

  boost::asio::io_context io_;
  std::shared_ptr<NetworkLoop> loop_ = std::make_shared<NetworkLoop>(io_);
  Distribution distribution_;

 public:
  std::unique_ptr<process::Runtime> runtime;
};

}  // namespace brood::node::test
