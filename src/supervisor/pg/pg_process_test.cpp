#include <gtest/gtest.h>

#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_test_support.hpp"

namespace brood::supervisor {
namespace pg_process_test {

TEST(PgProcess, BeginsAnewWhateverHasEndedIt) {
  Node node({});
  const Supervisor web(node, {.name = "web"});
  process::Runtime& runtime = node.impl().runtime();
  for (int i = 0; i < 3; ++i) {
    const auto before = runtime.whereis(Atom("web"));
    ASSERT_TRUE(before);
    // As its own fault would; what others can send does not end it.
    runtime.exit(*before, ExitReason::killed());
    ASSERT_TRUE(test::eventually([&] {
      const auto now = runtime.whereis(Atom("web"));
      return now && now != before;
    }));
  }
}

TEST(PgProcess, StaysEndedWithItsSupervisor) {
  Node node({});
  process::Runtime& runtime = node.impl().runtime();
  { const Supervisor web(node, {.name = "web"}); }
  EXPECT_FALSE(runtime.whereis(Atom("web")));
}

}  // namespace pg_process_test
}  // namespace brood::supervisor
