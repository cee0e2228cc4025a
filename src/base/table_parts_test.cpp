#include "base/table_parts.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/hash.hpp"

namespace brood::inline v0 {
namespace table_parts_test {

/// The hashes of one part must differ in their highest and in their lowest bits, by chance: of 256 that are
/// drawn some 162 values are met.
class Parts {
 public:
  void add(std::size_t part, std::uint64_t hash) {
    places_[part].insert(hash >> 56);
    tags_[part].insert(hash & 0xff);
  }
  [[nodiscard]] std::size_t fewest() const {
    std::size_t least = 256;
    for (const auto* seen : {&places_, &tags_})
      for (const auto& values : *seen) least = std::min(least, values.size());
    return least;
  }

 private:
  std::array<std::set<std::uint64_t>, table_parts> places_, tags_;
};

TEST(TableParts, TheHashesOfOnePartDifferWhereFlatTablesLook) {
  Parts parts;
  for (std::uint64_t key = 0; key < 256 * table_parts; ++key) parts.add(table_part(mix64(key)), mix64(key));
  EXPECT_GT(parts.fewest(), 110u);
}

TEST(TableParts, SoDoThoseOfPartsInTheOrderOfTheHashes) {
  Parts parts;
  for (std::uint64_t key = 0; key < 256 * table_parts; ++key)
    parts.add(mix64(key) >> 56, table_hash(mix64(key)));
  EXPECT_GT(parts.fewest(), 110u);
}

}  // namespace table_parts_test
}  // namespace brood::inline v0
