#include <gtest/gtest.h>

#include <brood/result.hpp>

namespace brood::inline v0 {
namespace result_test {

TEST(Errc, EveryCodeHasANameThatLeadsBackToIt) {
  for (int index = 0; index <= static_cast<int>(Errc::io); ++index) {
    const auto code = static_cast<Errc>(index);
    EXPECT_EQ(errc_from_string(to_string(code)), code) << index;
  }
}

TEST(Errc, NamesAreThoseOfTheEnumeration) {
  EXPECT_EQ(to_string(Errc::invalid_argument), "invalid_argument");
  EXPECT_EQ(to_string(Errc::no_such_child), "no_such_child");
  EXPECT_EQ(to_string(Errc::stopped), "stopped");
  EXPECT_EQ(to_string(Errc::type_mismatch), "type_mismatch");
  EXPECT_EQ(to_string(Errc::deadlock), "deadlock");
}

TEST(Errc, UnknownNamesAndCodesAreTold) {
  EXPECT_EQ(errc_from_string("no_such_code"), std::nullopt);
  EXPECT_EQ(errc_from_string(""), std::nullopt);
  EXPECT_EQ(to_string(static_cast<Errc>(200)), "unknown");
}

TEST(Result, HoldsAValueOrAnError) {
  const Result<int> good = 3;
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 3);
  const Result<int> bad(Errc::timeout, "late");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Errc::timeout);
  EXPECT_EQ(bad.error().message, "late");
  const Result<void> nothing;
  EXPECT_TRUE(nothing);
}

TEST(ResultDeathTest, TheValueOfAFailedResultEndsTheProgramWithItsMessage) {
  const Result<std::string> bad(Errc::io, "no disk");
  EXPECT_DEATH(static_cast<void>(*bad), "io: no disk");
  EXPECT_DEATH(static_cast<void>(bad->size()), "io: no disk");
  EXPECT_DEATH(static_cast<void>(bad.value()), "io: no disk");
  // The place of who asked, or where C++ has no room for it the addresses.
  const std::string here = "result_test.cpp:" + std::to_string(__LINE__ + 1) + ": io: no disk";
  EXPECT_DEATH(static_cast<void>(bad.value()), here);
  EXPECT_DEATH(static_cast<void>(*bad), "addr2line.*\\[0x[0-9a-f]+\\]");
  EXPECT_DEATH(static_cast<void>(Result<std::string>(Errc::io, "no disk").value()), "io: no disk");
  EXPECT_DEATH(Result<void>(Errc::io, "no disk").value(), "io: no disk");
}

TEST(CheckDeathTest, ABrokenInvariantSaysWhatAndWhy) {
  EXPECT_DEATH(BROOD_CHECK(1 + 1 == 3, "sums"), "broken invariant: sums \\(1 \\+ 1 == 3\\) at .*result_test");
}

}  // namespace result_test
}  // namespace brood::inline v0
