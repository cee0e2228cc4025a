// A node without a name becomes distributed while its children run.
#include <gtest/gtest.h>

#include <atomic>
#include <brood/brood.hpp>
#include <future>
#include <thread>

#include "node/test_support.hpp"

namespace brood::inline v0 {
namespace promote_test {

struct put_in {
  std::int64_t cents;
};
struct content {};
struct whoami {};

using namespace std::chrono_literals;
using node::test::eventually;
using node::test::free_port;

class Purse : public Worker {
 public:
  using handles = messages<put_in, content, whoami>;
  std::int64_t on(put_in p) { return cents_ += p.cents; }
  std::int64_t on(content) const { return cents_; }
  Pid on(whoami) const { return self(); }

 private:
  std::int64_t cents_ = 0;
};

SupervisorOptions web() {
  SupervisorOptions options;
  options.name = "web";
  return options;
}

std::string id_of(int number) {
  return "purse-" + std::to_string(number);
}

/// A node without a name, with 60 children that have something in them.
class Promote : public ::testing::Test {
 protected:
  static constexpr int count = 60;
  void SetUp() override {
    NodeOptions options;
    options.cookie = "secret";
    options.epmd = false;
    node_ = std::make_unique<Node>(std::move(options));
    ASSERT_TRUE(node_->workers().add<Purse>("purse"));
    web_ = std::make_unique<Supervisor>(*node_, web());
    for (int i = 0; i < count; ++i) {
      ChildSpec spec;
      spec.id = id_of(i);
      spec.run = WorkerSpec{"purse"};
      auto started = web_->start_child(spec).get();
      ASSERT_TRUE(started) << started.error().message;
      pids_.push_back(started->pid);
      ASSERT_TRUE(web_->call<std::int64_t>(id_of(i), put_in{i}).get());
    }
  }
  void TearDown() override {
    web_.reset();
    node_.reset();
  }
  const std::string name_ = "n1@127.0.0.1";
  const std::string address_ = name_ + ":" + std::to_string(free_port());
  std::unique_ptr<Node> node_;
  std::unique_ptr<Supervisor> web_;
  std::vector<Pid> pids_;  ///< As they were before.
};

TEST_F(Promote, ChildrenRunOnAndAnswerAllTheTime) {
  std::atomic<bool> stop = false;
  std::atomic<int> good = 0, bad = 0;
  std::thread caller([&] {
    for (int i = 0; !stop; i = (i + 1) % count) {
      const auto by_id = web_->call<std::int64_t>(id_of(i), content{}).get();
      const auto by_pid = node_->call<std::int64_t>(pids_[static_cast<std::size_t>(i)], content{}).get();
      ++(by_id && *by_id == i && by_pid && *by_pid == i ? good : bad);
    }
  });
  ASSERT_TRUE(eventually([&] { return good > 100; }));
  const auto promoted = node_->promote(address_);
  ASSERT_TRUE(promoted) << promoted.error().message;
  const int before = good;
  EXPECT_TRUE(eventually([&] { return good > before + 100; }));
  stop = true;
  caller.join();
  EXPECT_EQ(bad, 0);
  EXPECT_EQ(node_->name(), name_);
  EXPECT_TRUE(eventually([&] { return web_->nodes() == std::vector<NodeName>{name_}; }));
  EXPECT_EQ(web_->local_children().size(), static_cast<std::size_t>(count));
}

TEST_F(Promote, PidsOfBeforeStayGood) {
  const auto told = std::make_shared<std::promise<std::string>>();
  ASSERT_TRUE(node_->monitor(pids_[3], [told](const ExitReason& why) { told->set_value(why.text()); }));
  ASSERT_TRUE(node_->promote(address_));
  ASSERT_TRUE(eventually([&] { return web_->whereis(id_of(3))->node.text() == name_; }));
  const Pid now = *web_->whereis(id_of(3));
  EXPECT_NE(now, pids_[3]);
  EXPECT_EQ(*node_->call<Pid>(pids_[3], whoami{}).get(), now);
  EXPECT_EQ(web_->whois(pids_[3])->text(), id_of(3));
  EXPECT_EQ(web_->whois(now)->text(), id_of(3));
  EXPECT_TRUE(web_->terminate_child(pids_[3]).get());
  EXPECT_EQ(told->get_future().get(), "shutdown");
}

TEST_F(Promote, OthersJoinItAndTakeTheirShareOfTheChildren) {
  ASSERT_TRUE(node_->promote(address_));
  NodeOptions options;
  options.name = "n2@127.0.0.1";
  options.cookie = "secret";
  options.epmd = false;
  options.join = {address_};
  Node second(std::move(options));
  ASSERT_TRUE(second.workers().add<Purse>("purse"));
  Supervisor other(second, web());
  EXPECT_TRUE(eventually([&] { return other.nodes().size() == 2 && web_->nodes().size() == 2; }));
  EXPECT_TRUE(eventually([&] {
    for (int i = 0; i < count; ++i) {
      const auto here = web_->whereis(id_of(i)), there = other.whereis(id_of(i));
      if (!here || here != there || here->node.text() != web_->node_for(id_of(i))) return false;
    }
    return true;
  })) << "nothing moves any more";
  int stayed = 0;
  for (int i = 0; i < count; ++i) {
    const auto left = other.call<std::int64_t>(id_of(i), content{}).get();
    ASSERT_TRUE(left) << left.error().message;
    // Those that stayed still have what was in them.
    if (other.whereis(id_of(i))->node.text() != name_) continue;
    ++stayed;
    EXPECT_EQ(*left, i);
  }
  EXPECT_GT(stayed, 10);
  EXPECT_LT(stayed, count - 10);
}

TEST_F(Promote, ItCanJoinOthers) {
  NodeOptions options;
  options.name = "n2@127.0.0.1:" + std::to_string(free_port());
  const std::string seed = options.name;
  options.cookie = "secret";
  options.epmd = false;
  Node second(std::move(options));
  ASSERT_TRUE(second.workers().add<Purse>("purse"));
  Supervisor other(second, web());
  ASSERT_TRUE(node_->promote(address_, {seed}));
  EXPECT_TRUE(eventually([&] { return other.nodes().size() == 2 && web_->nodes().size() == 2; }));
  EXPECT_TRUE(
      eventually([&] { return web_->local_children().size() + other.local_children().size() == count; }));
}

TEST_F(Promote, ASupervisorThatStartsLaterHasTheNameFromTheBeginning) {
  ASSERT_TRUE(node_->promote(address_));
  SupervisorOptions options;
  options.name = "later";
  Supervisor later(*node_, options);
  EXPECT_TRUE(eventually([&] { return later.nodes() == std::vector<NodeName>{name_}; }));
}

TEST_F(Promote, OnlyOnceAndOnlyToANameThatCanBe) {
  EXPECT_EQ(node_->promote("no name").error().code, Errc::invalid_argument);
  EXPECT_EQ(node_->promote(address_, {"not a seed"}).error().code, Errc::invalid_argument);
  // A port that is taken: the node stays as it was and may try again.
  NodeOptions options;
  options.name = "n9@127.0.0.1:" + std::to_string(free_port());
  const std::string taken = "n1" + options.name.substr(2);
  options.cookie = "secret";
  options.epmd = false;
  const Node blocker(std::move(options));
  EXPECT_EQ(node_->promote(taken).error().code, Errc::io);
  EXPECT_EQ(node_->name(), "nonode@nohost");
  EXPECT_TRUE(web_->call<std::int64_t>(id_of(1), content{}).get());
  EXPECT_TRUE(node_->promote(address_));
  EXPECT_EQ(node_->promote("n2@127.0.0.1").error().code, Errc::already_exists);
  EXPECT_EQ(node_->name(), name_);
}

TEST_F(Promote, IsARequestToo) {
  const auto ask = [&](const std::string& node) {
    const auto answer =
        node_->call<Term>(remote("brood", node), *parse_term("{promote, '" + address_ + "'}")).get();
    return answer ? to_string(*answer) : std::string(to_string(answer.error().code));
  };
  EXPECT_EQ(ask("nonode@nohost"), "ok");
  EXPECT_EQ(node_->name(), name_);
  EXPECT_EQ(ask(name_), "already_exists");
}

}  // namespace promote_test
}  // namespace brood::inline v0
