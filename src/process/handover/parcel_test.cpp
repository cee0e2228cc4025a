#include "process/handover/parcel.hpp"

#include <gtest/gtest.h>

namespace brood::process {
namespace parcel_test {

Parcel sample() {
  Parcel out;
  out.saved = {3, encode_term(*parse_term("{state,1}")).octets()};
  out.traps_exits = true;
  out.mail = {{ParcelMail::Kind::info, encode_term(*parse_term("hello")).octets(), {}, 0},
              {ParcelMail::Kind::call, encode_term(*parse_term("{add,1}")).octets(), "from", 0},
              {ParcelMail::Kind::timer, encode_term(*parse_term("tick")).octets(), {}, 77}};
  out.timers = {{78, std::chrono::milliseconds(1500), encode_term(*parse_term("tock")).octets()}};
  out.callers = {"caller"};
  return out;
}

TEST(Parcels, TravelAsATerm) {
  const EncodedTerm bytes = encode_parcel(sample());
  EXPECT_TRUE(decode_term(bytes).has_value());
  const auto back = decode_parcel(bytes);
  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(*back, sample());
  EXPECT_LE(bytes.size(), sample().bytes());
  EXPECT_EQ(sample().open_calls(), 2U);
  const auto empty = decode_parcel(encode_parcel({}));
  ASSERT_TRUE(empty.has_value());
  EXPECT_FALSE(empty->has_state());
}

TEST(Parcels, ThatAreNoneOrOfAnotherVersionAreRefusedInWords) {
  EXPECT_EQ(decode_parcel("").error().code, Errc::malformed);
  EXPECT_EQ(decode_parcel(encode_term(*parse_term("{brood_parcel,1,nothing}")).octets()).error().code,
            Errc::malformed);
  EXPECT_EQ(decode_parcel(encode_term(*parse_term("{other,1,#{}}")).octets()).error().code, Errc::malformed);
  const auto newer = decode_parcel(encode_term(*parse_term("{brood_parcel,2,#{}}")).octets());
  EXPECT_EQ(newer.error().code, Errc::type_mismatch);
  EXPECT_NE(newer.error().message.find("version 2"), std::string::npos);
  const EncodedTerm whole = encode_parcel(sample());
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(decode_parcel(BytesView(whole).substr(0, size)).has_value());
}

TEST(Parcels, MayHoldMoreInLaterVersions) {
  Term term = *decode_term(encode_parcel(sample()));
  std::string text = to_string(term);
  const std::size_t at = text.find("#{") + 2;
  text.insert(at, "unheard_of => [1,2],");
  const auto parsed = parse_term(text);
  ASSERT_TRUE(parsed.has_value()) << text;
  EXPECT_TRUE(decode_parcel(encode_term(*parsed)).has_value());
}

}  // namespace parcel_test
}  // namespace brood::process
