// Whole nodes in one process, on the public API: what a program sees.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <brood/brood.hpp>
#include <functional>
#include <thread>

namespace brood::inline v0 {
namespace node_test {

struct deposit {
  std::int64_t cents;
};
struct balance {};
struct fall_over {};
struct where {};

using namespace std::chrono_literals;

class Account : public Worker {
 public:
  using handles = messages<deposit, balance, fall_over, where>;
  explicit Account(std::int64_t opening = 0) : cents_(opening) {
    if (opening < 0) throw std::runtime_error("no overdraft");
  }
  std::int64_t on(deposit d) { return cents_ += d.cents; }
  std::int64_t on(balance) const { return cents_; }
  void on(fall_over) { throw std::runtime_error("fell over"); }
  std::string on(where) const { return self().node.text(); }

 private:
  std::int64_t cents_;
};

std::uint16_t free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

bool eventually(const std::function<bool()>& condition, std::chrono::seconds bound = 20s) {
  const auto until = std::chrono::steady_clock::now() + bound;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

struct Member {
  std::unique_ptr<Node> node;
  std::unique_ptr<Supervisor> bank;
};

class Cluster {
 public:
  explicit Cluster(int size) {
    for (int i = 0; i < size; ++i)
      names_.push_back("n" + std::to_string(i + 1) + "@127.0.0.1:" + std::to_string(free_port()));
    for (const auto& name : names_) members.push_back(boot(name));
  }
  Member boot(const std::string& name, const std::string& cookie = "secret") {
    NodeOptions options;
    options.name = name;
    options.cookie = cookie;
    for (const auto& other : names_) {
      if (other != name) options.join.push_back(other);
    }
    options.epmd = false;
    options.tick_timeout = 2000ms;
    Member member;
    auto node = Node::start(options);
    EXPECT_TRUE(node) << node.error().message;
    member.node = std::move(*node);
    EXPECT_TRUE(member.node->workers().add<Account>("account"));
    SupervisorOptions supervisor;
    supervisor.name = "bank";
    supervisor.form_wait = 500ms;
    supervisor.expect = static_cast<std::uint32_t>(names_.size());
    auto bank = Supervisor::start(*member.node, supervisor);
    EXPECT_TRUE(bank);
    member.bank = std::move(*bank);
    return member;
  }
  bool formed() {
    return eventually([&] {
      for (auto& member : members) {
        if (member.bank->nodes().size() != members.size()) return false;
      }
      return true;
    });
  }
  [[nodiscard]] const std::string& name(std::size_t i) const { return names_[i]; }
  std::vector<Member> members;

 private:
  std::vector<std::string> names_;
};

TEST(Node, WithoutANameIsAClusterOfOne) {
  Node node({});
  ASSERT_TRUE(node.workers().add<Account>("account"));
  Supervisor bank(node, {.name = "bank"});
  auto child = bank.start_child({.id = "alice", .run = WorkerSpec{"account", args(100)}}).get();
  ASSERT_TRUE(child) << child.error().message;
  EXPECT_EQ(bank.call<std::int64_t>("alice", deposit{25}).get().value(), 125);
  EXPECT_EQ(bank.whereis("alice"), child->pid);
  EXPECT_EQ(bank.whois(child->pid), Id("alice"));
  EXPECT_EQ(bank.nodes(), std::vector<NodeName>{"nonode@nohost"});
  EXPECT_TRUE(bank.mine("anything"));
  EXPECT_TRUE(bank.stop_child("alice").get());
  EXPECT_FALSE(bank.whereis("alice"));
  EXPECT_EQ(bank.stop_child("alice").get().error().code, Errc::no_such_child);
}

TEST(Supervisor, EachWrongStartHasItsOwnError) {
  Node node({});
  ASSERT_TRUE(node.workers().add<Account>("account"));
  Supervisor bank(node, {.name = "bank"});
  ASSERT_TRUE(bank.start_child({.id = "alice", .run = WorkerSpec{"account"}}).get());
  auto taken = bank.start_child({.id = "alice", .run = WorkerSpec{"account"}}).get();
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Errc::already_started);
  EXPECT_EQ(decode<Pid>(taken.error().detail).value(), bank.whereis("alice").value());
  EXPECT_EQ(bank.start_child({.id = "alice", .run = WorkerSpec{"account", args(5)}}).get().error().code,
            Errc::conflict);
  EXPECT_EQ(bank.start_child({.id = "bob", .run = WorkerSpec{"unheard-of"}}).get().error().code,
            Errc::no_such_worker);
  auto failed = bank.start_child({.id = "bob", .run = WorkerSpec{"account", args(-1)}}).get();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Errc::start_failed);
  EXPECT_NE(failed.error().message.find("no overdraft"), std::string::npos) << failed.error().message;
  EXPECT_FALSE(bank.whereis("bob"));
  EXPECT_EQ(
      bank.start_child({.id = "bob", .run = WorkerSpec{"account"}}, {.on = "n9@nowhere"}).get().error().code,
      Errc::not_member);
  EXPECT_EQ(bank.start_child({.id = "bob"}).get().error().code, Errc::invalid_argument);
  EXPECT_EQ(bank.start_child({.id = "", .run = WorkerSpec{"account"}}).get().error().code,
            Errc::invalid_argument);
  EXPECT_EQ(bank.start_child({.id = std::string(256, 'x'), .run = WorkerSpec{"account"}}).get().error().code,
            Errc::invalid_argument);
  EXPECT_EQ(bank.start_child({.id = "cmd", .run = Command{{"true"}}}).get().error().code, Errc::not_allowed);
  EXPECT_EQ(bank.children().size(), 1U);
}

TEST(Supervisor, ASecondOneOfTheNameIsRefused) {
  Node node({});
  Supervisor bank(node, {.name = "bank"});
  auto second = Supervisor::start(node, {.name = "bank"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::already_exists);
  Supervisor other(node, {.name = "other"});
}

TEST(Supervisor, ACrashedChildIsRestartedUnderAnotherPidAndCountsIt) {
  Node node({});
  ASSERT_TRUE(node.workers().add<Account>("account"));
  Supervisor bank(node, {.name = "bank"});
  auto child = bank.start_child({.id = "alice", .run = WorkerSpec{"account", args(7)}}).get();
  ASSERT_TRUE(child);
  EXPECT_EQ(bank.call<void>("alice", fall_over{}).get().error().code, Errc::died);
  ASSERT_TRUE(eventually([&] {
    auto pid = bank.whereis("alice");
    return pid && *pid != child->pid;
  }));
  EXPECT_EQ(bank.call<std::int64_t>("alice", balance{}).get().value(), 7);
}

TEST(Supervisor, ACallToAnUnknownChildIsNoSuchChildAtOnce) {
  Node node({});
  Supervisor bank(node, {.name = "bank"});
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(bank.call<std::int64_t>("nobody", balance{}, 20s).get().error().code, Errc::no_such_child);
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
}

TEST(Supervisor, ThreeNodesShareTheChildrenAndCallThemFromAnywhere) {
  Cluster cluster(3);
  ASSERT_TRUE(cluster.formed());
  std::vector<ChildSpec> specs;
  for (int i = 0; i < 60; ++i)
    specs.push_back({.id = "a" + std::to_string(i), .run = WorkerSpec{"account", args(i)}});
  const auto started = cluster.members[0].bank->start_children(specs).get();
  ASSERT_TRUE(started->ok()) << started->format();
  std::set<std::string> used;
  for (auto& member : cluster.members) {
    ASSERT_TRUE(eventually([&] { return member.bank->children().size() == 60; }));
    for (int i = 0; i < 60; ++i) {
      const Id id("a" + std::to_string(i));
      EXPECT_EQ(member.bank->call<std::int64_t>(id, balance{}).get().value(), i);
      auto node = member.bank->call<std::string>(id, where{}).get();
      ASSERT_TRUE(node) << node.error().message;
      EXPECT_EQ(member.bank->node_for(id), *node);
      used.insert(*node);
    }
  }
  EXPECT_EQ(used.size(), 3U);
}

TEST(Supervisor, ANodeThatEndsLosesNoChildAndOneThatLeavesHandsItsChildrenOver) {
  Cluster cluster(3);
  ASSERT_TRUE(cluster.formed());
  std::vector<ChildSpec> specs;
  for (int i = 0; i < 50; ++i)
    specs.push_back({.id = "a" + std::to_string(i), .run = WorkerSpec{"account", args(i)}});
  ASSERT_TRUE(cluster.members[0].bank->start_children(specs).get()->ok());

  cluster.members[2].node.reset();  // ended without a drain: as a crash looks to the others
  cluster.members[2].bank.reset();
  cluster.members.pop_back();
  for (auto& member : cluster.members) {
    for (int i = 0; i < 50; ++i) {
      auto answer = member.bank->call<std::int64_t>(Id("a" + std::to_string(i)), balance{}, 15s).get();
      EXPECT_TRUE(answer) << i << ": " << answer.error().message;
    }
  }
  ASSERT_TRUE(cluster.members[1].node->drain(20s));
  EXPECT_TRUE(cluster.members[1].bank->local_children().empty());
  EXPECT_TRUE(eventually([&] { return cluster.members[0].bank->local_children().size() == 50; }));
  EXPECT_EQ(cluster.members[0].bank->nodes().size(), 1U);
}

TEST(Node, DrainOfTheLastNodeSaysThatNobodyCanTakeTheChildren) {
  Node node({});
  ASSERT_TRUE(node.workers().add<Account>("account"));
  Supervisor bank(node, {.name = "bank"});
  ASSERT_TRUE(bank.start_child({.id = "alice", .run = WorkerSpec{"account"}}).get());
  auto drained = node.drain(5s);
  ASSERT_FALSE(drained);
  EXPECT_EQ(drained.error().code, Errc::no_target);
  EXPECT_TRUE(bank.call<std::int64_t>("alice", balance{}).get());
}

TEST(Node, AWrongNameAndATakenPortAreErrorsThatNameThem) {
  EXPECT_EQ(Node::start({.name = "no-at-sign"}).error().code, Errc::invalid_argument);
  const auto port = free_port();
  NodeOptions options;
  options.name = "a@127.0.0.1:" + std::to_string(port);
  options.cookie = "secret";
  options.epmd = false;
  auto first = Node::start(options);
  ASSERT_TRUE(first) << first.error().message;
  options.name = "b@127.0.0.1:" + std::to_string(port);
  auto second = Node::start(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::io);
  EXPECT_NE(second.error().message.find(std::to_string(port)), std::string::npos) << second.error().message;
}

}  // namespace node_test
}  // namespace brood::inline v0
