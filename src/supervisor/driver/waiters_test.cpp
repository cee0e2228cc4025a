#include "supervisor/driver/waiters.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace waiters_test {

using namespace std::chrono_literals;

ChildId id_of(const std::string& text) {
  return *ChildId::binary(text);
}

Entry running(std::uint64_t epoch) {
  Entry entry;
  Place place;
  place.host = std::make_shared<core::SessionId>();
  place.pid = {1, 1};
  place.phase = core::Phase::running;
  place.epoch_clock = core::Hlc{epoch};
  entry.places.push_back(std::move(place));
  return entry;
}

struct World {
  Registry registry;
  Waiters waiters{registry};
  std::string told;
  void wait(const char* id, std::uint64_t not_epoch, SteadyTime until = SteadyTime{} + 1h,
            Waiters::Row row = Waiters::Row::may_come) {
    waiters.add(
        id_of(id), core::Hlc{not_epoch}, until,
        [this, id](bool runs) { told += std::string(id) + (runs ? "+" : "-"); }, row);
  }
  void put(const char* id, Entry entry) {
    registry.put(id_of(id), std::move(entry));
    waiters.look_at({id_of(id)});
  }
};

TEST(Waiters, OneThatRunsIsNotWaitedFor) {
  World world;
  world.put("a", running(5));
  world.wait("a", 4);
  EXPECT_EQ(world.told, "a+");
  EXPECT_EQ(world.waiters.size(), 0U);
}

TEST(Waiters, WhoNamesANodeWaitsUntilItRunsThere) {
  World world;
  const auto on = [](const char* node) {
    Entry entry = running(5);
    entry.places[0].host = std::make_shared<core::SessionId>(core::SessionId{NodeName(node), 1, 1});
    return entry;
  };
  world.put("a", on("n1@h"));
  world.waiters.add(
      id_of("a"), core::Hlc{}, SteadyTime{} + 1h, [&world](bool runs) { world.told += runs ? "+" : "-"; },
      Waiters::Row::is_here, NodeName("n2@h"));
  world.put("a", on("n1@h"));
  EXPECT_EQ(world.told, "");
  world.put("a", on("n2@h"));
  EXPECT_EQ(world.told, "+");
}

TEST(Waiters, TheInstanceThatIsNotMeantDoesNotCount) {
  World world;
  world.put("a", running(5));
  world.wait("a", 5);
  world.wait("b", 0);
  world.put("a", running(5));
  EXPECT_EQ(world.told, "");
  world.put("a", running(6));
  EXPECT_EQ(world.told, "a+");
  EXPECT_EQ(world.waiters.size(), 1U);
}

TEST(Waiters, OneThatIsGoneForGoodIsToldAtOnce) {
  World world;
  world.wait("a", 0);
  world.wait("a", 0);
  Entry entry;
  entry.failed = true;
  world.put("a", entry);
  EXPECT_EQ(world.told, "a-a-");
}

TEST(Waiters, OneThatIsGoneOrFailedAlreadyIsNotWaitedFor) {
  World world;
  const auto until = SteadyTime{} + 1h;
  world.wait("a", 0, until, Waiters::Row::is_here);
  EXPECT_EQ(world.told, "a-");
  Entry entry;
  entry.wanted = false;
  world.put("b", entry);
  world.wait("b", 0, until, Waiters::Row::is_here);
  EXPECT_EQ(world.told, "a-b-");
  entry.wanted = entry.failed = true;
  world.put("c", entry);
  world.wait("c", 0);
  EXPECT_EQ(world.told, "a-b-c-");
  EXPECT_EQ(world.waiters.size(), 0U);
}

// They come from different nodes.
TEST(Waiters, AnInstanceThatIsKnownBeforeItsRowIsWaitedFor) {
  World world;
  Entry entry = running(5);
  entry.wanted = false;
  world.put("a", entry);
  world.wait("a", 0);
  world.put("a", entry);
  EXPECT_EQ(world.told, "");
  world.put("a", running(5));
  EXPECT_EQ(world.told, "a+");
  // Its row has come and is gone again.
  world.wait("b", 0);
  Entry wanted;
  world.put("b", wanted);
  wanted.wanted = false;
  world.put("b", wanted);
  EXPECT_EQ(world.told, "a+b-");
}

TEST(Waiters, EachHasItsOwnTime) {
  World world;
  world.wait("a", 0, SteadyTime{} + 2s);
  world.wait("a", 0, SteadyTime{} + 1s);
  world.wait("b", 0, SteadyTime{} + 9s);
  EXPECT_EQ(world.waiters.next_deadline(), SteadyTime{} + 1s);
  world.waiters.expire(SteadyTime{} + 3s);
  EXPECT_EQ(world.told, "a-a-");
  world.waiters.give_up_all();
  EXPECT_EQ(world.told, "a-a-b-");
  EXPECT_EQ(world.waiters.next_deadline(), std::nullopt);
}

TEST(Waiters, WhoIsToldMayWaitAnew) {
  World world;
  world.waiters.add(
      id_of("a"), core::Hlc{}, SteadyTime{} + 1s, [&](bool) { world.wait("a", 9); }, Waiters::Row::may_come);
  world.put("a", running(9));
  EXPECT_EQ(world.waiters.size(), 1U);
  world.put("a", running(10));
  EXPECT_EQ(world.told, "a+");
}

}  // namespace waiters_test
}  // namespace brood::supervisor
