// What is said to clients of a coordinator that has no room for more: `busy` means that nothing is done.
#include <gtest/gtest.h>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace busy_test {

/// Three nodes, of which the first has room for a single request; the clients are the second's.
struct Crowded : Cluster {
  explicit Crowded(const std::function<std::size_t(std::size_t)>& room = only_one_at_first) : Cluster(3) {
    change = [&](std::size_t i, Settings& settings) { settings.inbox_max = room(i); };
    form();
    change = {};
    view = nodes[0].core->view_hash();
  }
  static std::size_t only_one_at_first(std::size_t i) { return i == 0 ? 1 : 100; }
  /// One that the first node coordinates, after so many others.
  [[nodiscard]] std::string id_at_first(int number = 0) const {
    for (int i = 0;; ++i) {
      std::string id = "k" + std::to_string(i);
      if (nodes[0].core->node_for(id_of(id)) == nodes[0].name && number-- == 0) return id;
    }
  }
  /// The third node says to the first that it sees that view; another one than theirs keeps the first
  /// waiting.
  void say(std::uint64_t seen) { give(0, PeerMessage{nodes[2].name, 1, View{seen}}); }
  std::uint64_t view = 0;
};

TEST(Busy, ACopyThatFindsNoRoomSaysNothingOfTheOneThatWaits) {
  Crowded cluster;
  const std::string id = cluster.id_at_first();
  cluster.say(1);
  const auto client = cluster.start(1, {spec_of(id)});
  cluster.run(3s);  // it is asked once more, as there was no answer
  ASSERT_GT(cluster.nodes[0].core->stats().busy, 0U);
  EXPECT_EQ(cluster.result(client), "no answer");
  cluster.say(cluster.view);
  cluster.run();
  EXPECT_EQ(cluster.alive(id), 1U);
  EXPECT_EQ(cluster.result(client), "ok");
}

TEST(Busy, ACopyThatIsDoneMeetsARefusalOfTheFirst) {
  Crowded cluster;
  const std::string id = cluster.id_at_first();
  cluster.pause(0);
  cluster.say(1);
  cluster.start(2, {spec_of(cluster.id_at_first(1))});  // takes all the room
  cluster.run();
  const auto client = cluster.start(1, {spec_of(id)});
  cluster.run();
  cluster.say(cluster.view);
  cluster.run(3s);  // asked once more, behind that
  cluster.resume(0);
  ASSERT_GT(cluster.nodes[0].core->stats().busy, 0U);
  EXPECT_EQ(cluster.alive(id), 1U);
  EXPECT_EQ(cluster.result(client), "ok");
}

TEST(Busy, ACopyOfWhatIsDoneIsToldSo) {
  Crowded cluster;
  const std::string id = cluster.id_at_first();
  cluster.lost.insert(MessageBody(Answer{}).index());
  const auto client = cluster.start(1, {spec_of(id)});
  cluster.run();
  ASSERT_EQ(cluster.alive(id), 1U);
  cluster.lost.clear();
  cluster.say(1);
  cluster.start(2, {spec_of(cluster.id_at_first(1))});
  cluster.run(3s);
  ASSERT_GT(cluster.nodes[0].core->stats().busy, 0U);
  EXPECT_EQ(cluster.result(client), "ok") << "it need not wait for room";
}

TEST(Busy, EveryCopyIsRefusedBeforeTheClientIsToldSo) {
  Crowded cluster;
  cluster.pause(0);
  cluster.say(1);
  cluster.start(2, {spec_of(cluster.id_at_first(1))});
  cluster.run();
  const std::string id = cluster.id_at_first();
  const auto client = cluster.start(1, {spec_of(id)});
  cluster.run(3s);
  cluster.resume(0);
  EXPECT_EQ(cluster.result(client), "busy");
  cluster.say(cluster.view);
  cluster.run(60s);
  EXPECT_EQ(cluster.alive(id), 0U);
}

// It has not answered and is lost; what those say that come after it is nothing about it.
TEST(Busy, AnotherCoordinatorDoesNotSayThatNothingWasDone) {
  for (const bool stops : {false, true}) {
    Crowded cluster([](std::size_t i) { return i == 0 ? 1U : 0U; });
    const std::string id = cluster.id_at_first();
    cluster.pause(0);
    const auto client = stops ? cluster.stop(1, id) : cluster.start(1, {spec_of(id)});
    cluster.run();
    cluster.kill(0);
    cluster.run(1s);
    EXPECT_EQ(cluster.result(client), "timeout") << (stops ? "stop" : "start");
  }
}

}  // namespace busy_test
}  // namespace brood::core::testing
