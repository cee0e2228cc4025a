// Answers that a channel holds back for more of them: they do not wait for the handler that runs next.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "node/net/network_loop.hpp"
#include "node/test_support.hpp"
#include "process/test_support.hpp"

namespace brood::node::test {
namespace {

using process::CallResult;
using process::testing::Gate;
using process::testing::message;
using process::testing::scripted;
using process::testing::text;

/// Processes and their network, as a node wires them.
class RuntimeNode {
 public:
  explicit RuntimeNode(const std::string& name) : distribution_(io_, without_ticks(name)) {
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

TEST(HeldAnswers, LeaveWhileTheNextHandlerBlocks) {
  Gate first, last;
  std::atomic<int> handled{0};
  process::testing::Channel<std::string> answers;
  RuntimeNode caller("caller@127.0.0.1"), callee("callee@127.0.0.1");
  caller.knows(callee);
  const Pid pid = callee.runtime->spawn(scripted({.call = [&](Context&, Message request) -> Result<Bytes> {
                                          const Bytes asked = request.to_bytes();
                                          const std::string words = encoded_to_string(asked);
                                          EXPECT_TRUE(words != "first" || first.wait());
                                          EXPECT_TRUE(words != "last" || last.wait());
                                          ++handled;
                                          return asked;
                                        }}),
                                        {});
  const auto delivered_before = callee.runtime->stats().delivered;
  for (const char* request : {"first", "one", "two", "last"})
    caller.runtime->call(pid, message(request), 60s,
                         [&answers](CallResult result) { answers.put(text(result)); });
  ASSERT_TRUE(eventually([&] { return callee.runtime->stats().delivered >= delivered_before + 4; }))
      << "all wait in the mailbox, so that each answer but the last has another behind it";
  first.open();
  for (const char* answer : {"first", "one", "two"}) EXPECT_EQ(answers.take(), answer);
  EXPECT_EQ(handled, 3);
  last.open();
  EXPECT_EQ(answers.take(), "last");
}

}  // namespace
}  // namespace brood::node::test
