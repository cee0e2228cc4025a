#include "supervisor/driver/coming_up.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace coming_up_test {

using namespace std::chrono_literals;

constexpr SteadyTime begin{};

TEST(ComingUp, WhereNobodyIsExpectedItIsSaidAtOnceAndOnce) {
  ComingUp up;
  EXPECT_FALSE(up.look(begin, {.up_nodes = 0}));
  EXPECT_EQ(up.deadline(), std::nullopt);
  EXPECT_TRUE(up.look(begin, {.is_up = true, .up_nodes = 1, .locked = true})) << "a lock may last for ever";
  EXPECT_FALSE(up.look(begin + 1s, {.is_up = true, .up_nodes = 2}));
  EXPECT_EQ(up.deadline(), std::nullopt);
}

TEST(ComingUp, ThoseThatAreExpectedAndAQuorumAreWaitedFor) {
  ComingUp up;
  EXPECT_FALSE(up.look(begin, {.is_up = true, .up_nodes = 2, .expected = 3}));
  EXPECT_FALSE(up.look(begin + 10ms, {.is_up = true, .up_nodes = 3, .expected = 3, .locked = true}));
  EXPECT_TRUE(up.look(begin + 20ms, {.is_up = true, .up_nodes = 3, .expected = 3}));
}

TEST(ComingUp, WhoDoesNotComeIsNotWaitedForForLong) {
  ComingUp up;
  EXPECT_FALSE(up.look(begin + 5s, {.is_up = true, .up_nodes = 1, .expected = 3, .locked = true}));
  EXPECT_EQ(up.deadline(), begin + 5s + ComingUp::longest);
  EXPECT_TRUE(up.look(*up.deadline(), {.is_up = true, .up_nodes = 1, .expected = 3, .locked = true}));
}

}  // namespace coming_up_test
}  // namespace brood::supervisor
