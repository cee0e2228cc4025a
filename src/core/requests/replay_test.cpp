#include "core/requests/replay.hpp"

#include "core/parts_testing.hpp"

namespace brood::core::testing {
namespace {

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

TEST(Replay, FinishedRequestsGoOutInPortionsThoughOldOnesLeaveMeanwhile) {
  World world;
  Replay replay;
  for (int i = 0; i < 30; ++i) {
    if (i == 10) world.pass(59s);
    Step s = world.step();
    EXPECT_TRUE(replay.finish(s, key_of(1), id_of(i), {}));
    EXPECT_FALSE(replay.finish(s, key_of(1), id_of(i), {})) << "it was known";
  }
  std::uint64_t from = 0;
  std::vector<Replay::Key> keys;
  EXPECT_FALSE(replay.finished_after(from, 8, keys));
  world.pass(2s);
  Step later = world.step();
  replay.on_time(later);  // the first ten are forgotten
  while (!replay.finished_after(from, 8, keys)) {
  }
  EXPECT_EQ(keys.size(), 8U + 20U);
  EXPECT_EQ(keys.back().second, id_of(29));
}

}  // namespace
}  // namespace brood::core::testing
