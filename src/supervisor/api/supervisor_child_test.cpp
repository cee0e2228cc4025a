// Children of type supervisor, through the public API of a node that is a cluster of its own.
#include <gtest/gtest.h>

#include <brood/brood.hpp>

#include "supervisor/node/node_test_support.hpp"

namespace brood::inline v0 {
namespace supervisor_child_test {

using namespace std::chrono_literals;

struct put {
  int value;
};
struct get {};
struct get_from {
  std::string sibling;
};
struct crash {};

class Shelf : public Worker {
 public:
  using handles = messages<put, get, get_from, crash>;
  static constexpr std::string_view worker_name = "shelf";
  explicit Shelf(int value) : value_(value) {}

  void on(put p) { value_ = p.value; }
  int on(get) const { return value_; }
  /// Of another inner child, which its supervisor tells of. That has the id of all that is below it.
  Task<Result<int>> on(get_from from) {
    const auto found =
        child(context().identity().child_id).call<std::optional<Pid>>(which_child{from.sibling});
    const Result<std::optional<Pid>> pid = co_await found;
    if (!pid) co_return pid.error();
    if (!*pid) co_return Error{Errc::no_such_child, "it does not run"};
    const auto asked = call<int>(**pid, get{});
    co_return co_await asked;
  }
  void on(crash) { throw std::runtime_error("as it was told"); }

 private:
  int value_;
};

struct SupervisorChildApi : ::testing::Test {
  SupervisorChildApi() { EXPECT_TRUE(node.workers().add<Shelf>("shelf")); }

  Pid inner(const char* id) {
    return home.call<std::optional<Pid>>("g", which_child{id}).get()->value_or(Pid{});
  }
  int value(const char* id) { return node.call<int>(inner(id), get{}).get().value_or(-1); }

  Node node{NodeOptions{}};
  Supervisor home{node, {.name = "home"}};
};

TEST_F(SupervisorChildApi, ItIsOneChildAndItsOwnAreFoundByACall) {
  const auto started = home.start_child(
      {.id = "g",
       .run = SupervisorSpec{.children = {InnerSpec::of<Shelf>("a", 1), InnerSpec::of<Shelf>("b", 2)}}});
  ASSERT_TRUE(started.get().has_value()) << started.get().error().message;
  EXPECT_EQ(home.children().size(), 1U);
  EXPECT_EQ(home.child_lookup("g")->worker, "supervisor");
  const auto told = home.call<std::vector<InnerInfo>>("g", which_children{}).get();
  ASSERT_TRUE(told.has_value()) << told.error().message;
  ASSERT_EQ(told->size(), 2U);
  EXPECT_EQ(std::get<0>(told->front()), Term::binary("b"));
  EXPECT_EQ(value("a"), 1);
  EXPECT_EQ(value("b"), 2);
  const auto other = node.call<int>(inner("a"), get_from{"b"}).get();
  ASSERT_TRUE(other.has_value()) << other.error().message;
  EXPECT_EQ(*other, 2);
  EXPECT_TRUE(home.stop_child("g").get().has_value());
  EXPECT_FALSE(home.whereis("g").has_value());
}

TEST_F(SupervisorChildApi, OneForAllStartsAllOfThemAnewAndTheChildStays) {
  const auto started = home.start_child(
      {.id = "g",
       .run = SupervisorSpec{.strategy = RestartStrategy::one_for_all,
                             .children = {InnerSpec::of<Shelf>("a", 1), InnerSpec::of<Shelf>("b", 2)}}});
  ASSERT_TRUE(started.get().has_value());
  ASSERT_TRUE(node.call<Atom>(inner("a"), put{7}).get().has_value());
  const Pid before = *home.whereis("g");
  EXPECT_FALSE(node.call<Atom>(inner("b"), crash{}).get().has_value());
  EXPECT_TRUE(test::eventually([&] { return value("a") == 1; }));
  EXPECT_EQ(home.whereis("g"), before);
}

TEST_F(SupervisorChildApi, WhatIsWrongWithItIsToldBeforeItStarts) {
  const auto refused = [&](const SupervisorSpec& spec) {
    const auto result = home.start_child({.id = "g", .run = spec}).get();
    return result ? "started" : std::string(to_string(result.error().code)) + ": " + result.error().message;
  };
  EXPECT_EQ(refused({.period = 0s}),
            "invalid_argument: child spec, start: supervisor, period: must be a number "
            "from 1 to 1000000000, not 0");
  InnerSpec significant = InnerSpec::of<Shelf>("a", 1);
  significant.significant = true;
  EXPECT_EQ(refused({.children = {significant}})
                .find("invalid_argument: child spec, start: inner child 'a', "
                      "significant: true needs auto_shutdown"),
            0U);
  EXPECT_EQ(refused({.children = {{.id = "a", .run = WorkerSpec{"nobody"}}}}).find("no_such_worker"), 0U);
}

TEST_F(SupervisorChildApi, NoWorkerMayHaveItsName) {
  const auto added = node.workers().add<Shelf>("supervisor");
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(added.error().code, Errc::invalid_argument);
}

}  // namespace supervisor_child_test
}  // namespace brood::inline v0
