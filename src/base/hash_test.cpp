// Golden values: a change here moves every child of every running cluster.
#include "base/hash.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace brood::inline v0 {
namespace hash_test {

TEST(Hash, Fnv1aHasItsPublishedValues) {
  EXPECT_EQ(fnv1a64(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a64("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a64("foobar"), 0x85944171f73967e8ULL);
}

TEST(Hash, FnvGoesOnFromAnEarlierState) {
  EXPECT_EQ(fnv1a64("bar", fnv1a64("foo")), fnv1a64("foobar"));
}

TEST(Hash, FinaliserIsABijectionOnASample) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t value = 0; value < 10000; ++value) seen.insert(mix64(value));
  EXPECT_EQ(seen.size(), 10000u);
  EXPECT_EQ(mix64(0), 0u);
}

TEST(Hash, OneBitOfTheInputChangesAboutHalfOfTheOutput) {
  int changed = 0;
  for (int bit = 0; bit < 64; ++bit)
    changed += __builtin_popcountll(mix64(12345) ^ mix64(12345 ^ (1ULL << bit)));
  EXPECT_NEAR(changed / 64.0, 32.0, 3.0);
}

TEST(Hash, CombiningDependsOnTheOrder) {
  EXPECT_NE(combine64(1, 2), combine64(2, 1));
}

TEST(Hash, StableHashHasItsGoldenValues) {
  EXPECT_EQ(stable_hash64(""), 0xefd01f60ba992926ULL);
  EXPECT_EQ(stable_hash64("alice"), 0x3507d047a67c08f4ULL);
  EXPECT_EQ(combine64(1, 2), 0x42c2d771c7849bd8ULL);
}

}  // namespace hash_test
}  // namespace brood::inline v0
