#include "supervisor/driver/registry.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace brood::supervisor {
namespace registry_test {

ChildId id(const std::string& text) {
  return *ChildId::binary(text);
}

Entry entry_at(const std::string& node, std::uint32_t process, core::Phase phase = core::Phase::running) {
  auto spec = std::make_shared<core::Spec>();
  auto host = std::make_shared<const core::SessionId>(core::SessionId{NodeName(node), 7, 1});
  Entry entry;
  entry.spec = spec;
  Place& place = entry.places.emplace_back();
  place.host = host;
  place.pid = {process, 1};
  place.phase = phase;
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
  const auto pid = registry.running(id("a"));
  ASSERT_TRUE(pid);
  EXPECT_EQ(*pid, (Pid{NodeName("n1@h"), 5, 1, 7}));
  EXPECT_EQ(registry.whois(*pid), id("a"));
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

TEST(Registry, ThePassiveInstanceIsKnownButNotWhatACallGoesTo) {
  Entry entry = entry_at("n1@h", 5);
  entry.places.push_back(entry_at("n2@h", 6).places.front());
  const auto nearest = [&](const std::string& here) {
    const Place* place = entry.nearest([&](const NodeName& node) { return node.text() == here; });
    return place ? place->host->node.text() : "";
  };
  EXPECT_EQ(nearest("n2@h"), "n2@h") << "all are active: the one that is here";
  EXPECT_EQ(nearest("n3@h"), "n1@h");
  entry.places[1].role = core::Role::passive;
  EXPECT_EQ(nearest("n2@h"), "n1@h");
  entry.places[0].role = core::Role::claiming;
  EXPECT_EQ(entry.running(), nullptr) << "nobody is active just now";
  Registry registry;
  registry.put(id("a"), entry);
  EXPECT_EQ(registry.whois(entry.places[1].full_pid()), id("a"));
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

TEST(Registry, APidIsFoundByWhoHasItNow) {
  Registry registry;
  registry.put(id("a"), entry_at("n1@h", 5));
  registry.put(id("b"), entry_at("n2@h", 5));
  EXPECT_EQ(registry.whois({NodeName("n2@h"), 5, 1, 7}), id("b")) << "the same number on another node";
  registry.put(id("a"), entry_at("n1@h", 6));
  EXPECT_FALSE(registry.whois({NodeName("n1@h"), 5, 1, 7}));
  EXPECT_EQ(registry.whois({NodeName("n1@h"), 6, 1, 7}), id("a"));
  registry.put(id("c"), entry_at("n1@h", 5));
  EXPECT_EQ(registry.whois({NodeName("n1@h"), 5, 1, 7}), id("c"));
  registry.erase(id("a"));
  EXPECT_FALSE(registry.whois({NodeName("n1@h"), 6, 1, 7}));
  EXPECT_FALSE(registry.whois({NodeName("n3@h"), 5, 1, 7}));
}

TEST(Registry, InstancesAreCountedByNode) {
  using Counts = std::map<NodeName, std::int64_t>;
  Registry registry;
  EXPECT_TRUE(registry.counts_by_node().empty());
  registry.put(id("a"), entry_at("n1@h", 5));
  registry.put(id("b"), entry_at("n1@h", 6));
  Entry starting = entry_at("n2@h", 0, core::Phase::starting);
  starting.places.front().pid = {};
  registry.put(id("c"), starting);
  EXPECT_EQ(registry.counts_by_node(), (Counts{{NodeName("n1@h"), 2}}));
  registry.put(id("b"), entry_at("n2@h", 9));
  registry.put(id("b"), entry_at("n2@h", 9));
  EXPECT_EQ(registry.counts_by_node(), (Counts{{NodeName("n1@h"), 1}, {NodeName("n2@h"), 1}}));
  registry.erase(id("a"));
  registry.erase(id("a"));
  EXPECT_EQ(registry.counts_by_node(), (Counts{{NodeName("n2@h"), 1}}));
  EXPECT_EQ(registry.size(), 2U);
}

TEST(Registry, WhatIsStoppedIsShownUntilItHasEnded) {
  Entry entry = entry_at("n1@h", 5);
  EXPECT_TRUE(entry.is_shown());
  entry.wanted = false;
  EXPECT_TRUE(entry.is_stopping());
  EXPECT_TRUE(entry.is_shown());
  entry.places.clear();
  EXPECT_FALSE(entry.is_shown());
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
    const auto pid = registry.running(id("a"));
    ASSERT_TRUE(pid);
    ASSERT_GE(pid->id, last);
    last = pid->id;
  }
  writer.join();
}

}  // namespace registry_test
}  // namespace brood::supervisor
