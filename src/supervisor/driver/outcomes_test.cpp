#include "supervisor/driver/outcomes.hpp"

#include <gtest/gtest.h>

#include <brood/codec.hpp>

namespace brood::supervisor {
namespace outcomes_test {

using namespace std::chrono_literals;

TEST(Outcomes, AFailedChildIsNotAlreadyStarted) {
  core::Outcome outcome;
  outcome.id = *ChildId::binary("x");
  outcome.error = Error{Errc::start_failed, "it is failed: exited with code 1"};
  const Error error = told(outcome);
  EXPECT_EQ(error.code, Errc::start_failed);
  EXPECT_NE(error.message.find("exited with code 1"), std::string::npos) << error.message;
  EXPECT_NE(error.message.find("retry"), std::string::npos) << error.message;
}

TEST(Outcomes, OneThatRunsIsAlreadyStartedWithItsPid) {
  core::Outcome outcome;
  outcome.error = Error{Errc::already_started, "a child of that id runs"};
  outcome.host = core::SessionId{NodeName("n1@h"), 7, 1};
  outcome.pid = {5, 2};
  const Error error = told(outcome);
  EXPECT_EQ(error.code, Errc::already_started);
  EXPECT_EQ(decode<Pid>(error.detail).value(), (Pid{NodeName("n1@h"), 5, 2, 7}));
}

TEST(Outcomes, AStopMayTakeAsLongAsTheChild) {
  core::Spec spec;
  EXPECT_EQ(time_to_stop(nullptr), 10s);
  spec.shutdown.patience = 1s;
  EXPECT_EQ(time_to_stop(&spec), 10s);
  spec.shutdown.patience = 60s;
  EXPECT_EQ(time_to_stop(&spec), 65s);
  spec.shutdown.patience = std::chrono::milliseconds::max();
  EXPECT_EQ(time_to_stop(&spec), 24h);
  spec.shutdown = {0ms, true};
  EXPECT_EQ(time_to_stop(&spec), 24h);
}

}  // namespace outcomes_test
}  // namespace brood::supervisor
