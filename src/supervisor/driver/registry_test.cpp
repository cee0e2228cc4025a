#include "supervisor/driver/registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace brood::supervisor {
namespace {

ChildId id(const std::string& text) {
  return *ChildId::binary(text);
}

Entry entry_at(const std::string& node, std::uint32_t process, core::Phase phase = core::Phase::running) {
  auto spec = std::make_shared<core::Spec>();
  auto host = std::make_shared<const core::SessionId>(core::SessionId{NodeName(node), 7, 1});
  Entry entry;
  entry.spec = spec;
  entry.places.push_back({host, {process, 1}, phase, 0, 0, {}, {}, {}});
  return entry;
}

TEST(Registry, AnUnknownIdIsNotFound) {
  Registry registry;
  EXPECT_FALSE(registry.find(id("a")));
  EXPECT_FALSE(registry.running(id("a")));
}

TEST(Registry, TheRunningInstanceIsFoundByIdAndByPid) {
  Registry registry;
  registry.put(id("a"), entry_at("n1@h", 5));
  auto place = registry.running(id("a"));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->full_pid(), (Pid{NodeName("n1@h"), 5, 1, 7}));
  EXPECT_EQ(registry.whois(place->full_pid()), id("a"));
  EXPECT_FALSE(registry.whois(Pid{NodeName("n1@h"), 5, 1, 8})) << "a pid of another start of the node";
}

TEST(Registry, AnInstanceThatIsStartingHasNoPidAndDoesNotRun) {
  Registry registry;
  registry.put(id("a"), entry_at("n1@h", 0, core::Phase::starting));
  registry.put(id("b"), entry_at("n1@h", 9, core::Phase::stopping));
  EXPECT_FALSE(registry.running(id("b")));
  auto found = registry.find(id("a"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->running(), nullptr);
}

TEST(Registry, AnErasedIdIsGone) {
  Registry registry;
  registry.put(id("a"), entry_at("n1@h", 5));
  registry.erase(id("a"));
  EXPECT_FALSE(registry.find(id("a")));
}

TEST(Registry, UnwantedEntriesAreNotCounted) {
  Registry registry;
  registry.put(id("a"), entry_at("n1@h", 5));
  Entry stopped = entry_at("n1@h", 6);
  stopped.wanted = false;
  registry.put(id("b"), stopped);
  EXPECT_EQ(registry.wanted_count(), 1U);
}

TEST(Registry, ReadersSeeWholeEntriesWhileAWriterWrites) {
  Registry registry;
  registry.put(id("a"), entry_at("n1@h", 1));
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    for (std::uint32_t i = 1; i < 20'000; ++i) registry.put(id("a"), entry_at("n1@h", i));
    stop = true;
  });
  std::uint32_t last = 0;
  while (!stop) {
    auto place = registry.running(id("a"));
    ASSERT_TRUE(place);
    ASSERT_GE(place->pid.id, last);
    last = place->pid.id;
  }
  writer.join();
}

}  // namespace
}  // namespace brood::supervisor
