// Nodes that are named by IPv6 addresses, with a real Erlang node that has no other either.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <brood/brood.hpp>

#include "node/test_support.hpp"

namespace brood::inline v0 {
namespace ipv6_test {

struct add {
  std::int64_t amount;
};

using namespace std::chrono_literals;
using node::test::ChildProcess;
using node::test::eventually;
using node::test::free_port;

class Counter : public Worker {
 public:
  using handles = messages<add>;
  std::int64_t on(add a) { return sum_ += a.amount; }

 private:
  std::int64_t sum_ = 0;
};

class Ipv6 : public ::testing::Test {
 protected:
  void SetUp() override {
    boost::asio::io_context io;
    boost::asio::ip::tcp::acceptor probe(io);
    boost::system::error_code error;
    probe.open(boost::asio::ip::tcp::v6(), error);
    if (!error) probe.bind({boost::asio::ip::address_v6::loopback(), 0}, error);
    if (error) GTEST_SKIP() << "no IPv6 on this machine: " << error.message();
  }
  static NodeOptions options_of(const std::string& name) {
    NodeOptions options;
    options.name = name;
    options.cookie = "secret";
    return options;
  }
};

TEST_F(Ipv6, CppNodesFindEachOtherByAddressAndPort) {
  auto options = options_of("n1@[::1]:" + std::to_string(free_port()));
  options.epmd = false;
  const std::string seed = options.name;
  Node first(options);
  EXPECT_EQ(first.name(), "n1@::1");
  ASSERT_TRUE(first.spawn<Counter>("counter"));
  Supervisor web_of_first(first, {.name = "web"});

  options.name = "n2@::1";
  options.join = {seed};
  Node second(options);
  Supervisor web_of_second(second, {.name = "web"});
  // The third knows the second alone by name; of the first, and where it listens, it hears from it.
  EXPECT_TRUE(eventually([&] { return web_of_first.nodes().size() == 2; }));
  EXPECT_EQ(second.call<std::int64_t>(remote("counter", "n1@::1"), add{5}, 20s).get().value_or(-1), 5);
  options.name = "n3@[::1]:" + std::to_string(free_port());
  options.join = {seed};
  Node third(options);
  Supervisor web_of_third(third, {.name = "web"});
  EXPECT_TRUE(eventually([&] {
    const auto peers = third.peers();
    return std::find(peers.begin(), peers.end(), "n2@::1") != peers.end();
  }));
}

TEST_F(Ipv6, AnErlangNodeOfInet6AndACppNodeReachEachOther) {
  const std::uint16_t port = free_port();
  const std::vector<std::pair<std::string, std::string>> environment = {
      {"ERL_EPMD_PORT", std::to_string(port)}, {"ERL_EPMD_ADDRESS", "::1"}};
  const ChildProcess epmd({"epmd", "-port", std::to_string(port), "-address", "::1"}, environment);
  auto options = options_of("cpp@::1");
  options.epmd_port = port;
  std::unique_ptr<Node> node;
  ASSERT_TRUE(eventually([&] {
    auto started = Node::start(options);
    if (started) node = std::move(*started);
    return node != nullptr;
  }));
  ASSERT_TRUE(node->spawn<Counter>("counter"));

  // It connects to us; then, cut off, it is connected to.
  const std::string program =
      "register(told, spawn(fun() -> Sum = gen_server:call({counter, 'cpp@::1'}, {add, 5}), "
      "(fun L() -> receive {'$gen_call', F, sum} -> gen_server:reply(F, Sum), L() end end)() end)).";
  const ChildProcess erlang({"erl", "-noinput", "-proto_dist", "inet6_tcp", "-name", "e@::1", "-setcookie",
                             "secret", "-eval", program},
                            environment);
  const auto sum = [&] {
    return node->call<std::int64_t>(remote("told", "e@::1"), Atom("sum"), 2s).get().value_or(-1);
  };
  EXPECT_TRUE(eventually([&] { return node->peers() == std::vector<NodeName>{"e@::1"}; }));
  EXPECT_TRUE(eventually([&] { return sum() == 5; }));
  ASSERT_TRUE(node->call<Term>(remote("told", "e@::1"), Atom("sum"), 20s).get());
  node.reset();
  ASSERT_TRUE(eventually([&] {
    auto started = Node::start(options);
    if (started) node = std::move(*started);
    return node != nullptr;
  }));
  EXPECT_TRUE(eventually([&] { return sum() == 5; }));
}

}  // namespace ipv6_test
}  // namespace brood::inline v0
