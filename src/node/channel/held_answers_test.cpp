// Answers that a channel holds back for more of them: they do not wait for the handler that runs next.
#include <gtest/gtest.h>

#include "node/runtime_node_test_support.hpp"

namespace brood::node::test {
namespace held_answers_test {

using process::CallResult;
using process::testing::Gate;
using process::testing::message;
using process::testing::scripted;
using process::testing::text;

TEST(HeldAnswers, LeaveWhileTheNextHandlerBlocks) {
  Gate first, last;
  std::atomic<int> handled{0};
  process::testing::Channel<std::string> answers;
  RuntimeNode caller("caller@127.0.0.1"), callee("callee@127.0.0.1");
  caller.knows(callee);
  const Pid pid =
      callee.runtime->spawn(scripted({.call = [&](Context&, Message request) -> Result<EncodedTerm> {
                              const EncodedTerm asked = request.to_bytes();
                              const std::string words = encoded_to_string(asked);
                              EXPECT_TRUE(words != "first" || first.wait());
                              EXPECT_TRUE(words != "last" || last.wait());
                              ++handled;
                              return asked;
                            }}),
                            {});
  const auto delivered_before = callee.runtime->stats().delivered;
  for (const char* request : {"first", "one", "two", "last"})
    caller.runtime->call(pid, message(request), 60s,
                         [&answers](CallResult result) { answers.put(text(result)); });
  ASSERT_TRUE(eventually([&] { return callee.runtime->stats().delivered >= delivered_before + 4; }))
      << "all wait in the mailbox, so that each answer but the last has another behind it";
  first.open();
  for (const char* answer : {"first", "one", "two"}) EXPECT_EQ(answers.take(), answer);
  EXPECT_EQ(handled, 3);
  last.open();
  EXPECT_EQ(answers.take(), "last");
}

}  // namespace held_answers_test
}  // namespace brood::node::test
