// How a node ends, and what its handles say afterwards.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/post.hpp>
#include <brood/brood.hpp>
#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "node/test_support.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::inline v0 {
namespace shutdown_test {

struct ping {};
struct hang {};
struct break_down {};

using namespace std::chrono_literals;
using node::test::eventually;
using node::test::free_port;
using std::chrono::steady_clock;

/// Hangs until somebody lets it go.
class Latch {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.wait(lock, [this] { return open_; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  int waiting() {
    std::lock_guard lock(mutex_);
    return waiting_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  int waiting_ = 0;
};

Latch& latch() {
  static auto* const one = new Latch;  // a handler that was left behind may still look at it
  return *one;
}
std::atomic<bool> brittle_starts = true;

class Plain : public Worker {
 public:
  using handles = messages<ping, hang>;
  std::string on(ping) const { return self().node.text(); }
  void on(hang) { latch().wait(); }
};

class Brittle : public Worker {
 public:
  using handles = messages<ping, break_down>;
  Brittle() {
    if (!brittle_starts) throw std::runtime_error("not now");
  }
  void on(ping) {}
  void on(break_down) { throw std::runtime_error("broke"); }
};

struct Member {
  std::unique_ptr<Node> node;
  std::unique_ptr<Supervisor> bank;
};

Member member(const std::string& name, const std::vector<std::string>& join, std::uint32_t expect) {
  Member made;
  NodeOptions options;
  options.name = name;
  options.cookie = "secret";
  options.epmd = false;
  options.join = join;
  made.node = std::make_unique<Node>(std::move(options));
  EXPECT_TRUE(made.node->workers().add<Plain>("plain"));
  SupervisorOptions bank;
  bank.name = "bank";
  bank.expect = expect;
  made.bank = std::make_unique<Supervisor>(*made.node, bank);
  return made;
}

TEST(Shutdown, WhatIsUsedAfterTheNodeAnswersThatItHasStopped) {
  auto node = std::make_unique<Node>(NodeOptions{});
  auto workers = node->workers();
  ASSERT_TRUE(workers.add<Plain>("plain"));
  Supervisor bank(*node, {.name = "bank"});
  const auto alice = bank.start_child({.id = "alice", .run = WorkerSpec{"plain"}}).get();
  ASSERT_TRUE(alice);
  const ChildRef ref(bank, "alice");
  node.reset();

  EXPECT_EQ(bank.start_child({.id = "bob", .run = WorkerSpec{"plain"}}).get().error().code, Errc::stopped);
  const auto started = bank.start_children({{.id = "bob", .run = WorkerSpec{"plain"}},
                                            {.id = "eve", .run = WorkerSpec{"plain"}}})
                           .get();
  EXPECT_EQ(started.error().code, Errc::stopped);
  EXPECT_EQ(bank.stop_child("alice").get().error().code, Errc::stopped);
  EXPECT_EQ(bank.terminate_child(alice->pid).get().error().code, Errc::stopped);
  EXPECT_EQ(bank.call<std::string>("alice", ping{}).get().error().code, Errc::stopped);
  EXPECT_EQ(bank.send("alice", ping{}).error().code, Errc::stopped);
  EXPECT_EQ(bank.stop_children({"alice"}).get().error().code, Errc::stopped);
  EXPECT_EQ(bank.restart_child("alice").get().error().code, Errc::stopped);
  EXPECT_EQ(bank.retry("alice").get().error().code, Errc::stopped);
  EXPECT_EQ(bank.signal_child("alice", 1).get().error().code, Errc::stopped);
  EXPECT_EQ(bank.update_metadata("alice", [](const Term& same) { return same; }).get().error().code,
            Errc::stopped);
  EXPECT_EQ(bank.drain().error().code, Errc::stopped);
  EXPECT_EQ(bank.add_nodes({"n1@h"}).error().code, Errc::stopped);
  EXPECT_EQ(bank.remove_nodes({"n1@h"}).error().code, Errc::stopped);
  EXPECT_EQ(bank.move_child("alice", "n1@h").error().code, Errc::stopped);
  EXPECT_EQ(bank.rebalance().error().code, Errc::stopped);
  EXPECT_EQ(bank.forget_node("n1@h").error().code, Errc::stopped);
  EXPECT_EQ(bank.reset_cluster_size(3).error().code, Errc::stopped);
  EXPECT_EQ(bank.why("alice").error().code, Errc::stopped);
  EXPECT_EQ(bank.events().error().code, Errc::stopped);
  EXPECT_EQ(bank.hooks().add(on_own("mine", "id", [](const Term&) {})).error().code, Errc::stopped);
  EXPECT_EQ(bank.hooks().emit("mine", Term(1)).error().code, Errc::stopped);
  bank.cast("alice", ping{});
  EXPECT_FALSE(bank.whereis("alice"));
  EXPECT_FALSE(bank.whois(alice->pid));
  EXPECT_TRUE(bank.children().empty());
  EXPECT_TRUE(bank.local_children().empty());
  EXPECT_TRUE(bank.nodes().empty());
  EXPECT_FALSE(bank.node_for("alice"));
  EXPECT_FALSE(bank.mine("alice"));
  EXPECT_EQ(ref.call<std::string>(ping{}).get().error().code, Errc::stopped);
  EXPECT_FALSE(ref.pid());
  EXPECT_EQ(workers.add<Plain>("other").error().code, Errc::stopped);
  EXPECT_EQ(workers.load("./nothing.so").error().code, Errc::stopped);
}

TEST(Shutdown, AChildRefMayOutliveItsSupervisor) {
  Node node({});
  ASSERT_TRUE(node.workers().add<Plain>("plain"));
  std::optional<ChildRef<>> ref;
  {
    Supervisor bank(node, {.name = "bank"});
    ASSERT_TRUE(bank.start_child({.id = "alice", .run = WorkerSpec{"plain"}}).get());
    ref.emplace(bank, "alice");
    EXPECT_TRUE(ref->call<std::string>(ping{}).get());
  }
  EXPECT_EQ(ref->call<std::string>(ping{}).get().error().code, Errc::stopped);
  EXPECT_FALSE(ref->pid());
}

TEST(Shutdown, WhoWaitsForAnAnswerGetsOneWhenTheNodeEnds) {
  brittle_starts = true;
  auto node = std::make_unique<Node>(NodeOptions{});
  ASSERT_TRUE(node->workers().add<Brittle>("brittle"));
  Supervisor bank(*node, {.name = "bank"});
  ASSERT_TRUE(bank.start_child({.id = "alice", .run = WorkerSpec{"brittle"}}).get());
  brittle_starts = false;
  EXPECT_EQ(bank.call<void>("alice", break_down{}).get().error().code, Errc::died);
  ASSERT_TRUE(eventually([&] { return !bank.whereis("alice"); }));
  std::promise<void> about_to;
  auto called = std::async(std::launch::async, [&] {
    about_to.set_value();
    return bank.call<void>("alice", ping{}, 10min).get();
  });
  about_to.get_future().wait();
  for (int i = 0; i < 100; ++i) (void)bank.nodes();  // the control thread's turn; it mostly waits by then
  const auto before = steady_clock::now();
  node.reset();
  const auto answer = called.get();
  EXPECT_EQ(answer.error().code, Errc::stopped) << answer.error().message;
  EXPECT_LT(steady_clock::now() - before, 20s);
  brittle_starts = true;
}

TEST(Shutdown, ASupervisorThatWasStoppedByRequestDoesNotTakeItsSuccessorWithIt) {
  Node node({});
  ASSERT_TRUE(node.workers().add<Plain>("plain"));
  auto first = std::make_unique<Supervisor>(node, SupervisorOptions{.name = "bank"});
  ASSERT_TRUE(first->start_child({.id = "alice", .run = WorkerSpec{"plain"}}).get());
  const auto stopped = node.call<Term>(remote("brood", node.name()), *parse_term("{stop, bank}")).get();
  ASSERT_TRUE(stopped) << stopped.error().message;
  EXPECT_EQ(to_string(*stopped), "ok");
  EXPECT_EQ(first->call<std::string>("alice", ping{}).get().error().code, Errc::stopped);
  Supervisor second(node, {.name = "bank"});
  ASSERT_TRUE(second.start_child({.id = "alice", .run = WorkerSpec{"plain"}}).get());
  first.reset();
  EXPECT_TRUE(second.call<std::string>("alice", ping{}).get());
}

TEST(Shutdown, AFactoryThatThrowsOrMakesNothingIsAnErrorOfTheStart) {
  Node node({});
  ASSERT_TRUE(node.workers().add_factory("throws", [](const EncodedTerm&) -> std::unique_ptr<Behaviour> {
    throw std::runtime_error("no licence for it");
  }));
  ASSERT_TRUE(
      node.workers().add_factory("odd", [](const EncodedTerm&) -> std::unique_ptr<Behaviour> { throw 7; }));
  ASSERT_TRUE(node.workers().add_factory(
      "nothing", [](const EncodedTerm&) -> std::unique_ptr<Behaviour> { return nullptr; }));
  Supervisor bank(node, {.name = "bank"});
  for (const char* worker : {"throws", "odd", "nothing"}) {
    const auto started = bank.start_child({.id = worker, .run = WorkerSpec{worker}}).get();
    ASSERT_FALSE(started) << worker;
    EXPECT_EQ(started.error().code, Errc::start_failed) << worker;
  }
  const auto words = bank.start_child({.id = "again", .run = WorkerSpec{"throws"}}).get().error().message;
  EXPECT_NE(words.find("no licence for it"), std::string::npos) << words;
}

// A control thread that is busy for longer than the fence limit is busy, not asleep.
TEST(Shutdown, ABusyControlThreadFencesNobody) {
  NodeOptions options;
  options.tick_timeout = 2s;
  Node node(std::move(options));
  const auto pid = node.spawn<Plain>();
  ASSERT_TRUE(pid);
  std::promise<void> go_on;
  std::promise<void> is_busy;
  boost::asio::post(node.impl().control(), [&] {
    is_busy.set_value();
    go_on.get_future().wait();
  });
  is_busy.get_future().wait();
  const auto until = steady_clock::now() + 3s;  // three times the limit: the time itself is what is tested
  while (steady_clock::now() < until) {
    const auto answer = node.call<std::string>(*pid, ping{}, 10s).get();
    ASSERT_TRUE(answer) << answer.error().message;
  }
  go_on.set_value();
}

TEST(Shutdown, APatienceThatIsNoneIsRefusedInWords) {
  Node node({});
  ASSERT_TRUE(node.workers().add<Plain>("plain"));
  Supervisor bank(node, {.name = "bank"});
  for (const auto patience : {std::chrono::milliseconds(-1), std::chrono::milliseconds::max()}) {
    const auto started =
        bank.start_child({.id = "a", .run = WorkerSpec{"plain"}, .shutdown = {.patience = patience}}).get();
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, Errc::invalid_argument);
    EXPECT_NE(started.error().message.find("shutdown"), std::string::npos) << started.error().message;
  }
}

// What a program's measure of its load leans on may go with the supervisor.
TEST(Shutdown, TheMeasureOfTheLoadDoesNotRunWhenTheSupervisorHasEnded) {
  std::atomic<bool> measures = false;
  Node node({});
  SupervisorOptions options{.name = "bank"};
  options.strategies.distribution = StrategyChoice{"load_balancer", {}};
  options.load = [&] {
    measures = true;
    std::this_thread::sleep_for(100ms);  // not a wait: a measure that takes its time
    measures = false;
    return 0.5;
  };
  auto bank = std::make_unique<Supervisor>(node, std::move(options));
  ASSERT_TRUE(eventually([&] { return measures.load(); }));
  bank.reset();
  EXPECT_FALSE(measures);
}

// One handler that never returns holds up neither the others' children nor, beyond its patience, the end.
TEST(Shutdown, OthersTakeOverWhileAHandlerOfTheEndingNodeHangs) {
  const std::string one = "n1@127.0.0.1:" + std::to_string(free_port());
  const std::string other = "n2@127.0.0.1:" + std::to_string(free_port());
  Member stays = member(one, {other}, 2);
  Member goes = member(other, {one}, 2);
  ASSERT_TRUE(eventually([&] { return stays.bank->nodes().size() == 2 && goes.bank->nodes().size() == 2; }));
  std::vector<ChildSpec> specs;
  for (int i = 0; i < 40; ++i) specs.push_back({.id = "a" + std::to_string(i), .run = WorkerSpec{"plain"}});
  specs.push_back({.id = "hangs", .run = WorkerSpec{"plain"}, .shutdown = {.patience = 2s}});
  ASSERT_TRUE(stays.bank->start_children(std::vector(specs.begin(), specs.end() - 1)).get()->ok());
  ASSERT_TRUE(stays.bank->start_child(specs.back(), {.on = "n2@127.0.0.1"}).get());
  stays.bank->cast("hangs", hang{});
  ASSERT_TRUE(eventually([] { return latch().waiting() == 1; }));

  const auto begin = steady_clock::now();
  std::promise<void> ended;
  std::thread end([&] {
    goes.node.reset();
    ended.set_value();
  });
  for (int i = 0; i < 40; ++i) {
    const auto answer = stays.bank->call<std::string>("a" + std::to_string(i), ping{}, 20s).get();
    ASSERT_TRUE(answer) << answer.error().message;
  }
  EXPECT_TRUE(eventually([&] { return stays.bank->local_children().size() >= 40; }));
  const auto taken_over = steady_clock::now() - begin;
  EXPECT_TRUE(stays.bank->call<std::string>("hangs", ping{}, 30s).get()) << "taken over as well";
  end.join();
  const auto took = steady_clock::now() - begin;
  EXPECT_LT(taken_over, took) << "the others' children did not wait for the end of the node";
  EXPECT_LT(took, 10s + 2s + 8s) << "leave_timeout, the patience of the child, and 8 s";
  goes.bank.reset();
  latch().open();
}

}  // namespace shutdown_test
}  // namespace brood::inline v0
