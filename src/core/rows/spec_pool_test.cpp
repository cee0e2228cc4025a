#include "core/rows/spec_pool.hpp"

#include <gtest/gtest.h>

#include <string>

namespace brood::core {
namespace spec_pool_test {

SpecPtr spec(const std::string& worker, const Bytes& args = {}, const std::string& tag = {}) {
  auto made = std::make_shared<Spec>();
  made->worker = worker;
  made->args = args;
  if (!tag.empty()) made->extras.change().tag = tag;
  return made;
}

TEST(SpecPool, OfEqualSpecsThereIsOne) {
  SpecPool pool;
  const SpecPtr first = pool.shared(spec("a", "1", "blue"));
  EXPECT_EQ(pool.shared(spec("a", "1", "blue")), first);
  EXPECT_EQ(pool.shared(first), first);
}

TEST(SpecPool, WhatDiffersInAnythingIsAnother) {
  SpecPool pool;
  const SpecPtr plain = pool.shared(spec("a", "1"));
  auto is_static = std::make_shared<Spec>(*plain);
  is_static->is_static = true;
  auto unknown = std::make_shared<Spec>(*plain);
  unknown->extras.change().unknown["colour"] = "red";
  auto quick = std::make_shared<Spec>(*plain);
  quick->shutdown.patience = {};
  for (const SpecPtr& other :
       {spec("a", "1", "blue"), spec("a", "2"), SpecPtr(is_static), SpecPtr(unknown), SpecPtr(quick)}) {
    EXPECT_EQ(pool.shared(other), other);
    EXPECT_NE(pool.shared(spec("a", "1")), other);
  }
}

TEST(SpecPool, HoldsFewAndSmallOnes) {
  SpecPool pool;
  std::vector<std::weak_ptr<const Spec>> made;
  for (int i = 0; i < 1000; ++i) {
    const SpecPtr each = spec("a", std::to_string(i));
    made.push_back(pool.shared(each));
  }
  const auto held = std::count_if(made.begin(), made.end(), [](const auto& one) { return !one.expired(); });
  EXPECT_GT(held, 0);
  EXPECT_LE(held, 64);
  const SpecPtr large = pool.shared(spec("a", Bytes(5000, 'x')));
  EXPECT_EQ(large.use_count(), 1);
}

}  // namespace spec_pool_test
}  // namespace brood::core
