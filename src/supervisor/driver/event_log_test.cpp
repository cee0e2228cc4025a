#include "supervisor/driver/event_log.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace event_log_test {

using namespace std::chrono_literals;

class Events : public ::testing::Test {
 protected:
  static ChildId id(const std::string& text) { return *ChildId::binary(text); }
  void start(const std::string& child, std::int32_t os_pid = 0) {
    log.see(core::Started{id(child), {}, {}, os_pid}, now);
  }
  void end(const std::string& child, bool normal, const std::string& reason) {
    log.see(core::Exited{id(child), {}, normal, reason}, now);
  }
  std::vector<std::string> take() { return std::exchange(lines, {}); }

  std::vector<std::string> lines;
  EventLog::Time now = EventLog::Time(1000s);
  EventLog log{[this](LogLevel level, const std::string& text) {
    lines.push_back(std::string(to_string(level)) + " " + text);
  }};
};

TEST_F(Events, AStartAnEndAndTheNextStartAreLinesWithReasonAndPause) {
  start("a", 123);
  end("a", false, "exited with code 1");
  now += 250ms;
  start("a", 124);
  EXPECT_EQ(take(),
            (std::vector<std::string>{"info a started (process 123)", "warning a ended: exited with code 1",
                                      "info a started (process 124), 0.25 s after its end"}));
  EXPECT_EQ(log.due(), EventLog::Time::max());
}

TEST_F(Events, StartsThatAreHushedAreNotTold) {
  log.hush({id("a"), id("b")}, true);
  start("a");
  log.see(core::StartFailed{id("b"), {}, "no", {}}, now);
  start("c");
  EXPECT_EQ(take(), std::vector<std::string>{"info c started"});
  log.hush({id("a"), id("b")}, false);
  start("a");
  EXPECT_EQ(take(), std::vector<std::string>{"info a started"});
}

TEST_F(Events, AnEndThatWasAskedForSaysWhy) {
  core::Effects effects;
  effects.stops.push_back({id("a"), {}, {}, {1, "client_stop"}});
  log.see(effects);
  end("a", true, "shutdown");
  end("a", true, "normal");
  EXPECT_EQ(take(),
            (std::vector<std::string>{"info a stopped (client stop): shutdown", "info a ended: normal"}));
  core::Effects others;
  others.stops.push_back({id("b"), {}, {}, {1, "peer_message"}});
  log.see(others);
  end("b", true, "shutdown");
  EXPECT_EQ(take(), std::vector<std::string>{"info b stopped (by another node): shutdown"});
}

TEST_F(Events, AFailedStartAndWhatIsAskedForAreToldToo) {
  log.see(core::StartFailed{id("a"), {}, "no such program", {}}, now);
  log.see(core::ClientStop{{}, {id("a"), id("b"), id("c")}}, now);
  log.see(core::ClientDrain{{}, false}, now);
  log.see(core::Tick{}, now);
  EXPECT_EQ(take(), (std::vector<std::string>{"warning a could not be started: no such program",
                                              "info told to stop a and 2 more", "info told to drain"}));
}

TEST_F(Events, AMillionStartsAreAFewLines) {
  for (int i = 0; i < 1'000'000; ++i) start("child-" + std::to_string(i));
  EXPECT_EQ(take().size(), 20U);
  ASSERT_EQ(log.due(), now + 1s);
  now += 1s;
  log.on_time(now);
  EXPECT_EQ(take(), std::vector<std::string>{"info 999980 more started"});
  EXPECT_EQ(log.due(), EventLog::Time::max());
  start("one");
  EXPECT_EQ(take(), std::vector<std::string>{"info one started"});
}

TEST_F(Events, ACrashLoopIsSeenToGoOnAndHidesNobody) {
  start("bad");
  for (int i = 0; i < 100; ++i) {
    end("bad", false, "exited with code " + std::to_string(i));
    start("bad");
    now += 100ms;
  }
  EXPECT_EQ(take().size(), 7U) << "the first start, and six lines from the first end on";
  start("good");
  end("good", true, "normal");
  EXPECT_EQ(take(), (std::vector<std::string>{"info good started", "info good ended: normal"}));
  now = log.due();
  ASSERT_LE(now, EventLog::Time(1060s));
  log.on_time(now);
  EXPECT_EQ(take(),
            std::vector<std::string>{
                "warning bad ended 97 more times within a minute; the last: bad ended: exited with code 99"});
  end("bad", false, "again");
  EXPECT_EQ(take(), std::vector<std::string>{"warning bad ended: again"});
}

TEST_F(Events, ManyCrashLoopsTakeBoundedMemoryAndLines) {
  for (int i = 0; i < 10'000; ++i) {
    end("child-" + std::to_string(i), false, "x");
    now += 1ms;
  }
  EXPECT_LE(take().size(), 10 * 21U);
}

}  // namespace event_log_test
}  // namespace brood::supervisor
