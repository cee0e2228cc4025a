#include "supervisor/node/node_watch.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "process/callback.hpp"

namespace brood::supervisor {
namespace node_watch_test {

NodeStatus status(const std::string& name) {
  NodeStatus node;
  node.name = name;
  return node;
}

struct Log {
  std::vector<std::string> lines;
  NodeWatch::Told told() {
    return [this](const NodeStatus& node) {
      lines.push_back(node.name.text() + (node.up ? " up" : " " + std::string(to_string(node.reason))));
    };
  }
};
using Lines = std::vector<std::string>;

TEST(NodeWatch, TellsOfWhatIsUpAndThenOfEachChange) {
  NodeWatch watch;
  watch.up(status("n1@h"));
  Log log;
  watch.add(log.told());
  watch.up(status("n2@h"));
  watch.down("n1@h", NodeDownReason::net_tick_timeout, "silence");
  EXPECT_EQ(log.lines, (Lines{"n1@h up", "n2@h up", "n1@h net_tick_timeout"}));
}

TEST(NodeWatch, ANodeThatWasNotUpGoesUnseen) {
  NodeWatch watch;
  Log log;
  watch.add(log.told());
  watch.down("n1@h", NodeDownReason::connection_closed, "");
  watch.up(status("n1@h"));
  watch.down("n1@h", NodeDownReason::connection_closed, "");
  watch.down("n1@h", NodeDownReason::disconnect, "");
  EXPECT_EQ(log.lines, (Lines{"n1@h up", "n1@h connection_closed"}));
}

TEST(NodeWatch, AWatcherThatThrowsIsCountedAndTheOthersAreTold) {
  NodeWatch watch;
  const auto before = process::callbacks_failed();
  watch.up(status("n0@h"));
  watch.add([](const NodeStatus&) { throw std::runtime_error("not mine"); });
  Log log;
  watch.add(log.told());
  watch.up(status("n1@h"));
  EXPECT_EQ(log.lines, (Lines{"n0@h up", "n1@h up"}));
  EXPECT_EQ(process::callbacks_failed(), before + 2);
}

TEST(NodeWatch, AWatcherMayRemoveItself) {
  NodeWatch watch;
  Log log;
  std::uint64_t itself = 0;
  itself = watch.add([&](const NodeStatus& node) {
    log.told()(node);
    watch.remove(itself);
  });
  Log other;
  watch.add(other.told());
  watch.up(status("n1@h"));
  watch.up(status("n2@h"));
  EXPECT_EQ(log.lines, Lines{"n1@h up"});
  EXPECT_EQ(other.lines, (Lines{"n1@h up", "n2@h up"}));
}

TEST(NodeWatch, AWatcherThatThrowsHarmsNobodyElse) {
  NodeWatch watch;
  int heard = 0;
  watch.add([](const NodeStatus&) { throw std::runtime_error("of the program"); });
  watch.add([&](const NodeStatus&) { ++heard; });
  watch.up(status("a@h"));
  watch.add([](const NodeStatus&) { throw 7; });
  watch.down("a@h", NodeDownReason::disconnect, "");
  EXPECT_EQ(heard, 2);
}

}  // namespace node_watch_test
}  // namespace brood::supervisor
