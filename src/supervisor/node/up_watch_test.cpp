#include "supervisor/node/up_watch.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace up_watch_test {

class Up : public ::testing::Test {
 protected:
  UpWatch::Told note() {
    return [this](const Result<void>& result) { told += result ? "up " : result.error().message + " "; };
  }
  boost::asio::io_context io;
  UpWatch watch{io, std::chrono::milliseconds(1)};
  std::string told;
};

TEST_F(Up, ANodeIsUpWhenTheLastOfItsSupervisorsIs) {
  watch.begins("a");
  watch.begins("b");
  watch.when_up(note());
  watch.settled("b");
  watch.settled("b");
  EXPECT_EQ(told, "");
  EXPECT_EQ(watch.waits_for(), std::vector<std::string>{"a"});
  watch.settled("a");
  EXPECT_EQ(told, "up ");
  watch.when_up(note());
  EXPECT_EQ(told, "up up ");
}

TEST_F(Up, OneThatStaysOutIsToldWhenTheOthersAreUp) {
  watch.begins("a");
  watch.begins("b");
  watch.when_up(note());
  watch.stays_out("a", {Errc::refused, "a differs"});
  EXPECT_EQ(told, "");
  EXPECT_TRUE(watch.some_are_in());
  watch.settled("b");
  EXPECT_EQ(told, "a differs ");
  EXPECT_TRUE(watch.some_are_in());
  watch.begins("c");
  watch.stays_out("c", {Errc::refused, "c differs"});
  watch.stays_out("b", {Errc::refused, "late"});
  watch.when_up(note());
  EXPECT_EQ(told, "a differs a differs ");
}

TEST_F(Up, ANodeWithoutSupervisorsIsUp) {
  watch.when_up(note());
  EXPECT_EQ(told, "up ");
}

TEST_F(Up, ARefusalIsToldWhenNobodyElseHasLetTheNodeIn) {
  watch.begins("a");
  watch.when_up(note());
  watch.refused("n2@h", {Errc::not_allowed, "wrong cookie"});
  EXPECT_EQ(told, "") << "not before the grace is over";
  io.run();
  EXPECT_EQ(told, "wrong cookie ");
  watch.when_up(note());
  EXPECT_EQ(told, "wrong cookie wrong cookie ") << "who asks later hears it too";
}

TEST_F(Up, ANodeThatAnotherSeedLetsInIsNotRefused) {
  watch.begins("a");
  watch.when_up(note());
  watch.refused("n2@h", {Errc::not_allowed, "wrong cookie"});
  watch.let_in();
  io.run();
  EXPECT_EQ(told, "");
  watch.refused("n2@h", {Errc::not_allowed, "wrong cookie"});
  io.restart();
  EXPECT_EQ(io.run(), 0U);
  watch.settled("a");
  EXPECT_EQ(told, "up ");
}

TEST_F(Up, ASeedThatEndedInTheMiddleOfAHandshakeHasNotRefused) {
  watch.begins("a");
  watch.when_up(note());
  watch.refused("n2@h", {Errc::not_allowed, "wrong cookie"});
  watch.gone("n3@h");
  watch.gone("n2@h");
  io.run();
  EXPECT_EQ(told, "");
  watch.refused("n2@h", {Errc::not_allowed, "wrong cookie"});
  io.restart();
  io.run();
  EXPECT_EQ(told, "wrong cookie ");
}

TEST_F(Up, NothingIsToldAfterTheStop) {
  watch.begins("a");
  watch.when_up(note());
  watch.refused("n2@h", {Errc::not_allowed, "wrong cookie"});
  watch.stop();
  io.run();
  watch.settled("a");
  watch.when_up(note());
  EXPECT_EQ(told, "");
}

}  // namespace up_watch_test
}  // namespace brood::supervisor
