#include "supervisor/driver/start_order.hpp"

#include <gtest/gtest.h>

#include "supervisor/driver/registry.hpp"

namespace brood::supervisor {
namespace start_order_test {

ChildId id(const std::string& name) {
  return ChildId::binary(name).value();
}

core::NamedSpec spec(const std::string& name, const std::vector<std::string>& after) {
  auto made = std::make_shared<core::Spec>();
  for (const auto& other : after) made->extras.change().after.push_back(id(other));
  return {id(name), std::move(made)};
}

TEST(StartOrder, ACircleIsNamedFromItsFirstToItsFirst) {
  const Registry registry;
  EXPECT_TRUE(check_order({spec("a", {"b", "c"}), spec("b", {"c"}), spec("c", {})}, registry));
  const auto unknown = check_order({spec("a", {"nobody"})}, registry);
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().message.find("'a' is to start after 'nobody', and there is no such child"),
            std::string::npos);
  const auto refused =
      check_order({spec("x", {"a"}), spec("a", {"b"}), spec("b", {"c"}), spec("c", {"a"})}, registry);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid_argument);
  EXPECT_NE(refused.error().message.find("a after b after c after a"), std::string::npos)
      << refused.error().message;
  EXPECT_NE(check_order({spec("a", {"a"})}, registry).error().message.find("a after a"), std::string::npos);
}

TEST(StartOrder, WhatRunsAlreadyCountsUnlessItIsGivenAnew) {
  Registry registry;
  Entry entry;
  entry.spec = spec("db", {"web"}).spec;
  registry.put(id("db"), entry);
  EXPECT_FALSE(check_order({spec("web", {"db"})}, registry));
  EXPECT_TRUE(check_order({spec("web", {"db"}), spec("db", {})}, registry));
}

TEST(StartOrder, ALongChainIsNoCircle) {
  const auto circle = find_circle({id("0")}, [](const ChildId& one) {
    const int number = std::stoi(one.text());
    return number == 100'000 ? std::vector<ChildId>{} : std::vector<ChildId>{id(std::to_string(number + 1))};
  });
  EXPECT_TRUE(circle.empty());
}

}  // namespace start_order_test
}  // namespace brood::supervisor
