// When a node is up, on the public API.
#include <gtest/gtest.h>

#include <algorithm>
#include <brood/brood.hpp>
#include <future>
#include <iterator>

#include "node/test_support.hpp"

namespace brood::inline v0 {
namespace wait_up_test {

using namespace std::chrono_literals;

NodeOptions options(const std::string& name, const std::string& cookie, std::vector<std::string> join = {}) {
  NodeOptions made;
  made.name = name;
  made.cookie = cookie;
  made.join = std::move(join);
  made.epmd = false;
  return made;
}

std::string at_free_port(const std::string& node) {
  return node + "@127.0.0.1:" + std::to_string(node::test::free_port());
}

class Nothing : public Worker {
 public:
  using handles = messages<>;
};

TEST(WaitUp, ANodeIsUpWhenItsSupervisorsAre) {
  const std::string first = at_free_port("n1");
  Node n1(options(first, "secret"));
  EXPECT_TRUE(n1.wait_up(0ms)) << "without supervisors at once";
  Supervisor here(n1, {.name = "web"});
  EXPECT_TRUE(n1.wait_up(20s));
  Node n2(options(at_free_port("n2"), "secret", {first}));
  Supervisor there(n2, {.name = "web"});
  EXPECT_TRUE(n2.wait_up(20s));
  EXPECT_EQ(there.nodes().size(), 2U);
}

TEST(WaitUp, ATimeOutNamesWhatIsNotUp) {
  Node n1(options(at_free_port("n1"), "secret", {at_free_port("n2")}));
  Supervisor web(n1, {.name = "web", .form_wait = 60s});
  const auto up = n1.wait_up(10ms);
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().code, Errc::timeout);
  EXPECT_EQ(up.error().message, "not up in time: supervisor web");
}

TEST(WaitUp, ASeedThatRefusesTheCookieIsToldWithTheCure) {
  const std::string first = at_free_port("n1");
  Node n1(options(first, "secret"));
  Node n2(options(at_free_port("n2"), "another", {first}));
  Supervisor web(n2, {.name = "web", .form_wait = 60s});
  const auto up = n2.wait_up(20s);
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().code, Errc::not_allowed);
  EXPECT_NE(up.error().message.find("it refused our cookie; give both nodes the same one"), std::string::npos)
      << up.error().message;
}

TEST(WaitUp, ANodeWithOtherSettingsIsToldWhatDiffersAndAnswersNobody) {
  const std::string first = at_free_port("n1");
  Node n1(options(first, "secret"));
  Supervisor here(n1, {.name = "web"});
  ASSERT_TRUE(n1.wait_up(20s));
  Node n2(options(at_free_port("n2"), "secret", {first}));
  (void)n2.workers().add<Nothing>("nothing");
  Supervisor there(n2, {.name = "web", .strategies = {.migration = "hot_swap"}});
  Supervisor other(n2, {.name = "other"});
  const auto up = n2.wait_up(20s);
  ASSERT_FALSE(up);
  EXPECT_EQ(up.error().code, Errc::refused);
  EXPECT_NE(up.error().message.find("supervisor web: setting `migration` is hot_swap/1 at n2@127.0.0.1"),
            std::string::npos)
      << up.error().message;
  EXPECT_EQ(there.start_child({.id = "a", .run = WorkerSpec{"nothing"}}).get().error().code, Errc::refused);
  EXPECT_EQ(there.stop_child("a").get().error().code, Errc::refused);
  EXPECT_TRUE(other.start_child({.id = "a", .run = WorkerSpec{"nothing"}}).get())
      << "the other one is not concerned";
}

// They come up one after the other.
TEST(WaitUp, WhereNodesAreExpectedItIsUpWhenAQuorumOfThemIs) {
  for (int round = 0; round < 4; ++round) {
    std::vector<std::string> names;
    for (const char* name : {"n1", "n2", "n3", "n4"}) names.push_back(at_free_port(name));
    const Strategies strategies{.partition =
                                    StrategyChoice{"static_quorum", {{"quorum_size", std::int64_t{4}}}}};
    std::vector<std::unique_ptr<Node>> nodes;
    std::vector<std::unique_ptr<Supervisor>> webs;
    for (const std::string& name : names) {
      std::vector<std::string> others;
      std::copy_if(names.begin(), names.end(), std::back_inserter(others),
                   [&](const std::string& other) { return other != name; });
      nodes.push_back(std::make_unique<Node>(options(name, "secret", others)));
      ASSERT_TRUE(nodes.back()->workers().add<Nothing>("nothing"));
      webs.push_back(std::make_unique<Supervisor>(
          *nodes.back(),
          SupervisorOptions{.name = "web", .strategies = strategies, .form_wait = 20s, .expect = 4}));
    }
    std::vector<std::future<std::string>> answers;
    for (std::size_t i = 0; i < nodes.size(); ++i)
      answers.push_back(std::async(std::launch::async, [&, i]() -> std::string {
        if (const auto up = nodes[i]->wait_up(20s); !up) return up.error().message;
        const auto started =
            webs[i]->start_child({.id = "c" + std::to_string(i), .run = WorkerSpec{"nothing"}}).get();
        return started ? "ok" : std::string(to_string(started.error().code)) + ": " + started.error().message;
      }));
    for (auto& answer : answers) EXPECT_EQ(answer.get(), "ok");
    webs.clear();
  }
}

}  // namespace wait_up_test
}  // namespace brood::inline v0
