#include <gtest/gtest.h>

#include <brood/discovery.hpp>
#include <set>

#include "node/discovery/gossip_packet.hpp"
#include "node/epmd/epmd_names.hpp"
#include "node/test_support.hpp"

namespace brood::node {
namespace discovery_test {

using namespace test;

TEST(EpmdNames, AreReadFromTheText) {
  const Bytes answer = Bytes("\0\0\x11\x11", 4) +
                       "name n1 at port 4001\nname e at port x at port 40000\nname at port 5\n"
                       "name n2 at port 70000\nnonsense\nname n3 at port 4003";
  const auto nodes = epmd::names_answer(answer);
  ASSERT_TRUE(nodes);
  EXPECT_EQ(*nodes, (std::vector<epmd::RegisteredNode>{{"n1", 4001}, {"e at port x", 40000}, {"n3", 4003}}));
  EXPECT_EQ(epmd::names_answer(Bytes("\0\0\x11\x11", 4))->size(), 0U);
  EXPECT_FALSE(epmd::names_answer("abc"));
}

TEST(Gossip, IsReadByWhoHasTheCookieOnly) {
  const milliseconds now{1'700'000'000'000};
  const Bytes sent = make_gossip("n1@10.0.0.1:9000", "secret", now);
  EXPECT_EQ(read_gossip(sent, "secret", now), "n1@10.0.0.1:9000");
  EXPECT_EQ(read_gossip(sent, "other", now), std::nullopt);
  EXPECT_EQ(read_gossip(sent, "secret", now + gossip_age_max), "n1@10.0.0.1:9000");
  EXPECT_EQ(read_gossip(sent, "secret", now - gossip_age_max), "n1@10.0.0.1:9000");
  EXPECT_EQ(read_gossip(sent, "secret", now + gossip_age_max + milliseconds(1)), std::nullopt)
      << "a repetition";
  EXPECT_EQ(read_gossip(sent, "secret", now - gossip_age_max - milliseconds(1)), std::nullopt);
}

TEST(Gossip, AnyChangeOfAnyByteIsRefused) {
  const milliseconds now{1'700'000'000'000};
  const Bytes sent = make_gossip("n1@h", "secret", now);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    Bytes changed = sent;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_EQ(read_gossip(changed, "secret", now), std::nullopt) << i;
    EXPECT_EQ(read_gossip(BytesView(sent).substr(0, i), "secret", now), std::nullopt) << i;
  }
  EXPECT_EQ(read_gossip(sent + "x", "secret", now), std::nullopt);
  EXPECT_EQ(read_gossip(Bytes(100'000, 'x'), "secret", now), std::nullopt);
}

/// What a strategy has found.
class Found {
 public:
  DiscoveryHost host(const std::string& name, std::uint16_t port = 4242) {
    DiscoveryHost out;
    out.name = name;
    out.port = port;
    out.cookie = "secret";
    out.found = [this](const std::string& address) {
      const std::lock_guard lock(mutex_);
      found_.insert(address);
    };
    return out;
  }
  std::set<std::string> all() {
    const std::lock_guard lock(mutex_);
    return found_;
  }

 private:
  std::mutex mutex_;
  std::set<std::string> found_;
};

TEST(Discovery, EpmdNamesWhatIsRegisteredAtEachHost) {
  Epmd epmd;
  TestNode one(options_of("b1@127.0.0.1", epmd.port())), two(options_of("c1@127.0.0.1", epmd.port()));
  ASSERT_TRUE(one.started() && two.started());
  Found all, some;
  auto host = all.host("b1@127.0.0.1"), filtered = some.host("b1@127.0.0.1");
  host.epmd_port = filtered.epmd_port = epmd.port();
  const auto scan =
      discover_epmd({.hosts = {"127.0.0.1", "no-such-host.invalid"}, .every = milliseconds(20)});
  const auto scan_some = discover_epmd({.hosts = {"127.0.0.1"}, .prefix = "c", .every = milliseconds(20)});
  scan->start(host);
  scan_some->start(filtered);
  EXPECT_TRUE(eventually([&] { return all.all() == std::set<std::string>{"b1@127.0.0.1", "c1@127.0.0.1"}; }));
  EXPECT_TRUE(eventually([&] { return some.all() == std::set<std::string>{"c1@127.0.0.1"}; }));
  scan->stop();
  scan_some->stop();
}

TEST(Discovery, DnsNamesANodeOnEachAddress) {
  Found found, without_epmd;
  const auto poll = discover_dns({.name = "localhost", .every = milliseconds(20)});
  poll->start(found.host("n7@127.0.0.1"));
  EXPECT_TRUE(eventually([&] { return found.all().count("n7@127.0.0.1") == 1; }));
  poll->stop();
  auto host = without_epmd.host("n7@10.1.1.1", 9001);
  host.epmd = false;
  const auto fixed = discover_dns({.name = "localhost", .base = "pod", .every = milliseconds(20)});
  fixed->start(host);
  EXPECT_TRUE(eventually([&] { return without_epmd.all().count("pod@127.0.0.1:9001") == 1; }));
  fixed->stop();
}

TEST(Discovery, MulticastFindsThoseWithTheSameCookie) {
  MulticastGossip options;
  options.port = free_port();
  options.every = milliseconds(20);
  Found one, two, stranger;
  auto other_cookie = stranger.host("n3@127.0.0.1");
  other_cookie.cookie = "another";
  auto without_epmd = two.host("n2@127.0.0.1", 9002);
  without_epmd.epmd = false;
  const auto first = discover_multicast(options), second = discover_multicast(options),
             third = discover_multicast(options);
  first->start(one.host("n1@127.0.0.1"));
  second->start(without_epmd);
  third->start(other_cookie);
  const std::set<std::string> both{"n1@127.0.0.1", "n2@127.0.0.1:9002"};
  EXPECT_TRUE(eventually([&] { return one.all() == both && two.all() == both; }));
  EXPECT_TRUE(eventually([&] { return stranger.all() == std::set<std::string>{"n3@127.0.0.1"}; }));
  for (const auto& each : {first, second, third}) each->stop();
}

}  // namespace discovery_test
}  // namespace brood::node
