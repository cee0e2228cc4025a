#include <gtest/gtest.h>

#include <brood/codec.hpp>
#include <brood/encoded_term.hpp>
#include <thread>
#include <vector>

namespace brood {
namespace encoded_term_test {

constexpr std::size_t large_bytes = 100'000;

EncodedTerm made(std::size_t bytes) {
  return encode(Binary{Bytes(bytes, 'x')});
}

TEST(EncodedTerm, CopiesOfALargeOneShareItsOctets) {
  for (const EncodedTerm& term : {made(large_bytes), encode_term(Term::binary(Bytes(large_bytes, 'x'))),
                                  EncodedTerm(Bytes(large_bytes, 'x'))}) {
    const EncodedTerm copy = term;
    EXPECT_EQ(copy, term);
    EXPECT_EQ(copy.view().data(), term.view().data());
  }
  const EncodedTerm small = made(100);
  const EncodedTerm copy = small;
  EXPECT_NE(copy.view().data(), small.view().data());
}

TEST(EncodedTerm, WhatHasTheOctetsAloneGivesThemAway) {
  EncodedTerm term = made(large_bytes);
  const char* const at = term.view().data();
  EncodedTerm copy = term;
  const Bytes copied = std::move(copy).octets();
  EXPECT_NE(copied.data(), at);
  EXPECT_EQ(copied, term);
  const Bytes taken = std::move(term).octets();
  EXPECT_EQ(taken.data(), at);
  EXPECT_EQ(taken, copied);
  EXPECT_TRUE(term.empty());  // NOLINT: moved from
}

TEST(EncodedTerm, WhatIsDoneToACopyIsNotDoneToOthers) {
  const EncodedTerm term = made(large_bytes);
  EncodedTerm longer = term;
  TermWriter(longer).nil();
  EXPECT_EQ(longer.size(), term.size() + 1);
  EncodedTerm cleared = term;
  cleared.clear();
  EXPECT_TRUE(cleared.empty());
  EncodedTerm reserved = term;
  reserved.reserve(2 * large_bytes);
  EXPECT_EQ(reserved, term);
  EXPECT_EQ(*decode<Binary>(term), Binary{Bytes(large_bytes, 'x')});
}

TEST(EncodedTerm, SharesWhatItHasWhateverItsSize) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, large_bytes}) {
    EncodedTerm term(Bytes(bytes, 'x'));
    EXPECT_EQ(*std::move(term).shared(), Bytes(bytes, 'x'));
    EXPECT_TRUE(term.empty());  // NOLINT: moved from
  }
}

TEST(EncodedTerm, CopiesMayGoOnOtherThreadsWhileOneIsTaken) {
  for (int round = 0; round < 200; ++round) {
    EncodedTerm term = made(large_bytes);
    std::jthread other([copy = term]() mutable {
      EXPECT_EQ(copy.view().back(), 'x');
      copy.clear();
    });
    Bytes taken = std::move(term).octets();
    taken.back() = 'y';
    EXPECT_EQ(taken.size(), large_bytes + 6);
  }
}

}  // namespace encoded_term_test
}  // namespace brood
