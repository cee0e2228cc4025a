// Large calls and small ones over one connection: the small ones pass between, both ways.
#include <gtest/gtest.h>

#include "node/runtime_node_test_support.hpp"

namespace brood::node::test {
namespace large_calls_test {

using process::CallResult;
using process::testing::scripted;
using std::chrono::steady_clock;

constexpr std::size_t large_bytes = 64 * 1024 * 1024;

Pid spawn_echo(const RuntimeNode& node) {
  return node.runtime->spawn(
      scripted({.call = [](Context&, Message request) -> Result<EncodedTerm> { return request.to_bytes(); }}),
      {});
}

TEST(LargeCalls, SmallOnesPassBetweenThemAndNoneIsBusy) {
  RuntimeNode caller("caller@127.0.0.1"), callee("callee@127.0.0.1");
  caller.knows(callee);
  const Pid echo = spawn_echo(callee);
  const Pid other = spawn_echo(callee);
  const EncodedTerm small = encode(1);
  const EncodedTerm large = encode(Binary{Bytes(large_bytes, 'x')});
  ASSERT_TRUE(caller.runtime->call_and_wait(other, Message::encoded(small), 20s));
  std::atomic<int> under_way{0};
  std::atomic<int> answered{0};
  constexpr int larges = 4;
  for (int i = 0; i < larges; ++i) {
    ++under_way;
    caller.runtime->call(echo, Message::encoded(large), 60s, [&](const CallResult& result) {
      // Those that find 64 MiB before them are refused; nothing was sent.
      const bool is_whole = result && result->size() == large.size();
      EXPECT_TRUE(is_whole || (!result && result.error().code == Errc::busy));
      if (is_whole) ++answered;
      --under_way;
    });
  }
  int passed = 0;
  steady_clock::duration longest{0};
  while (under_way > 0) {
    const auto since = steady_clock::now();
    const auto result = caller.runtime->call_and_wait(other, Message::encoded(small), 20s);
    ASSERT_TRUE(result) << result.error().message;
    longest = std::max(longest, steady_clock::now() - since);
    ++passed;
  }
  EXPECT_GE(answered, 1);
  EXPECT_GE(passed, 5);
  RecordProperty("passed", passed);
  std::printf("    %d small calls beside %d of 64 MiB, the longest %lld ms\n", passed, answered.load(),
              static_cast<long long>(std::chrono::duration_cast<milliseconds>(longest).count()));
}

TEST(LargeCalls, BeyondTheLimitAreRefusedToTheirCallerAndItsConnectionStays) {
  RuntimeNode caller("caller@127.0.0.1"), callee("callee@127.0.0.1");
  caller.knows(callee);
  const Pid echo = spawn_echo(callee);
  const Pid generous = callee.runtime->spawn(scripted({.call = [](Context&, Message) -> Result<EncodedTerm> {
                                               return encode(Binary{Bytes(257 * 1024 * 1024, 'x')});
                                             }}),
                                             {});
  const EncodedTerm large = encode(Binary{Bytes(257 * 1024 * 1024, 'x')});
  ASSERT_TRUE(caller.runtime->call_and_wait(echo, Message::encoded(encode(1)), 20s));
  const auto refused = caller.runtime->call_and_wait(echo, Message::encoded(large), 20s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::limit_exceeded);
  EXPECT_EQ(caller.runtime->send(echo, Message::encoded(large)).error().code, Errc::limit_exceeded);
  const auto answer = caller.runtime->call_and_wait(generous, Message::encoded(encode(1)), 20s);
  ASSERT_TRUE(answer);
  EXPECT_EQ(encoded_to_string(*answer).substr(0, 24), "{error,{limit_exceeded,<");
  EXPECT_TRUE(caller.runtime->call_and_wait(echo, Message::encoded(encode(1)), 20s));
  EXPECT_EQ(caller.peers(), 1U);
}

}  // namespace large_calls_test
}  // namespace brood::node::test
