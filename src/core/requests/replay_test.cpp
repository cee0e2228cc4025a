#include "core/requests/replay.hpp"

#include "core/parts_testing.hpp"
#include "core/rows/child_table.hpp"

namespace brood::core::testing {
namespace replay_test {

ChildId id_of(int number) {
  return ChildId::binary("c" + std::to_string(number)).value();
}
RequestKey key_of(std::uint64_t number) {
  return {NodeName("b@test"), 1, number};
}

TEST(Replay, TellsAnAnswerAgainForAsLongAsRequestsAreRepeated) {
  World world;
  Replay replay;
  Step s = world.step();
  replay.keep_answer(s, key_of(1), Outcome{id_of(1), {}, {}, {}, {}});
  EXPECT_NE(replay.answer(key_of(1), id_of(1)), nullptr);
  EXPECT_EQ(replay.answer(key_of(1), id_of(2)), nullptr);
  world.pass(40s);
  Step later = world.step();
  replay.on_time(later);
  EXPECT_EQ(replay.answer(key_of(1), id_of(1)), nullptr);
  EXPECT_EQ(replay.deadline(), Duration::max()) << "nothing is kept";
}

TEST(Replay, FinishedRequestsAreFoundByTheBucketOfTheirChildrenUntilTheyAreOld) {
  World world;
  Replay replay;
  for (int i = 0; i < 30; ++i) {
    if (i == 10) world.pass(59s);
    Step s = world.step();
    EXPECT_TRUE(replay.finish(s, key_of(1), id_of(i), {}));
    EXPECT_FALSE(replay.finish(s, key_of(1), id_of(i), {})) << "it was known";
  }
  const auto all = [&] {
    std::vector<Replay::Key> keys;
    std::vector<Epoch> floors;
    for (std::uint32_t bucket = 0; bucket < buckets; ++bucket) {
      const std::size_t before = keys.size();
      replay.finished_in(bucket, keys, floors);
      for (std::size_t i = before; i < keys.size(); ++i) EXPECT_EQ(bucket_of(keys[i].second.hash()), bucket);
    }
    return keys;
  };
  EXPECT_EQ(all().size(), 30U);
  world.pass(2s);
  Step later = world.step();
  replay.on_time(later);  // the first ten are forgotten
  const auto kept = all();
  EXPECT_EQ(kept.size(), 20U);
  for (const auto& [request, id] : kept) EXPECT_NE(id, id_of(3));
}

TEST(Replay, OfARequestThatIsFinishedTheFloorIsLearnedLater) {
  World world;
  Replay replay;
  Step s = world.step();
  const Epoch floor{Hlc{7}, NodeName("n1@test")}, later{Hlc{9}, NodeName("n1@test")};
  EXPECT_TRUE(replay.finish(s, key_of(1), id_of(1), {}));
  EXPECT_FALSE(replay.finish(s, key_of(1), id_of(1), floor));
  EXPECT_EQ(*replay.finished(key_of(1), id_of(1)), floor);
  EXPECT_FALSE(replay.finish(s, key_of(1), id_of(1), later));
  EXPECT_EQ(*replay.finished(key_of(1), id_of(1)), floor) << "what has started since is newer";
}

}  // namespace replay_test
}  // namespace brood::core::testing
