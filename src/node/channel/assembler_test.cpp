#include "node/channel/assembler.hpp"

#include <gtest/gtest.h>

namespace brood::node {
namespace assembler_test {

/// Stands for a control term: the integer 49.
constexpr BytesView control = "a1";

Bytes first(std::uint64_t sequence, std::uint64_t fragments, BytesView rest) {
  Bytes out;
  put_first_fragment_header(out, sequence, fragments);
  return out.append(control).append(rest);
}

Bytes next(std::uint64_t sequence, std::uint64_t fragment, BytesView rest) {
  Bytes out;
  put_next_fragment_header(out, sequence, fragment);
  return out.append(rest);
}

Bytes whole(BytesView rest) {
  Bytes out;
  put_header(out);
  return out.append(control).append(rest);
}

constexpr AssemblyLimits limits{.message_bytes_max = 100, .bytes_max = 150, .messages_max = 3};

/// What take() gives ("cut: " before one that is too large), "..." while more is to come, or the error's
/// code.
Bytes taken(Assembler& assembler, const Bytes& body) {
  const auto result = assembler.take({.body = body});
  if (!result) return Bytes(to_string(result.error().code));
  if (!result->has_value()) return "...";
  Bytes out = Bytes((*result)->is_cut ? "cut: " : "").append((*result)->body);
  if (const Bytes* payload = assembler.payload()) out.append(*payload, 1);
  return out;
}

TEST(Assembler, WholeMessagesPassThrough) {
  Assembler assembler(limits);
  EXPECT_EQ(taken(assembler, whole("abc")), whole("abc"));
  EXPECT_EQ(taken(assembler, Bytes("p\x83h", 3)), Bytes("p\x83h", 3));
}

TEST(Assembler, FragmentsOfSeveralMessagesMayTakeTurns) {
  Assembler assembler(limits);
  EXPECT_EQ(taken(assembler, first(7, 3, "ab")), "...");
  EXPECT_EQ(taken(assembler, first(9, 2, "AB")), "...");
  EXPECT_EQ(taken(assembler, whole("between")), whole("between"));
  EXPECT_EQ(taken(assembler, next(7, 2, "cd")), "...");
  EXPECT_EQ(taken(assembler, next(9, 1, "CD")), whole("ABCD"));
  EXPECT_EQ(taken(assembler, next(7, 1, "ef")), whole("abcdef"));
  EXPECT_EQ(assembler.incomplete(), 0U);
  EXPECT_EQ(assembler.bytes(), 0U);
  // A number may be used again once its message is complete, and one fragment may be all.
  EXPECT_EQ(taken(assembler, first(7, 1, "xyz")), whole("xyz"));
}

TEST(Assembler, APayloadStandsAloneWithItsVersionByte) {
  Assembler assembler(limits);
  EXPECT_EQ(taken(assembler, whole("abc")), whole("abc"));
  EXPECT_EQ(assembler.payload(), nullptr);
  EXPECT_EQ(taken(assembler, first(7, 2, "ab")), "...");
  EXPECT_EQ(taken(assembler, next(7, 1, "cd")), whole("abcd"));
  ASSERT_NE(assembler.payload(), nullptr);
  EXPECT_EQ(*assembler.payload(), Bytes(1, version_byte) + "abcd");
  EXPECT_EQ(taken(assembler, first(8, 1, "")), whole(""));
  EXPECT_EQ(taken(assembler, whole("abc")), whole("abc"));
  EXPECT_EQ(assembler.payload(), nullptr);
}

TEST(Assembler, FragmentsOutOfTurnAreMalformed) {
  const auto begun = [] {
    Assembler assembler(limits);
    EXPECT_EQ(taken(assembler, first(7, 3, "ab")), "...");
    return assembler;
  };
  Assembler unknown = begun();
  EXPECT_EQ(taken(unknown, next(8, 1, "cd")), "malformed");
  Assembler skipped = begun();
  EXPECT_EQ(taken(skipped, next(7, 1, "cd")), "malformed");
  Assembler repeated = begun();
  EXPECT_EQ(taken(repeated, next(7, 3, "cd")), "malformed");
  Assembler again = begun();
  EXPECT_EQ(taken(again, first(7, 3, "ab")), "malformed");
  Assembler none = begun();
  EXPECT_EQ(taken(none, first(8, 0, "ab")), "malformed");
}

TEST(Assembler, HeadersThatAreNoneAreMalformed) {
  Assembler assembler(limits);
  EXPECT_EQ(taken(assembler, Bytes("x")), "malformed");
  EXPECT_EQ(taken(assembler, Bytes("\x83", 1)), "malformed");
  EXPECT_EQ(taken(assembler, Bytes("\x83\x47\x00", 3)), "malformed");
  // The atom cache was not agreed upon.
  EXPECT_EQ(taken(assembler, Bytes("\x83\x44\x01", 3)), "malformed");
  // The control term ends in the first fragment.
  const Bytes header = first(7, 3, "");
  for (std::size_t cut = 0; cut < header.size(); ++cut)
    EXPECT_EQ(taken(assembler, header.substr(0, cut)), "malformed") << cut;
  EXPECT_EQ(taken(assembler, header), "...");
}

TEST(Assembler, AMessageKeepsToItsLimit) {
  Assembler assembler(limits);
  EXPECT_EQ(taken(assembler, first(7, 4, Bytes(60, 'x'))), "...");
  EXPECT_EQ(taken(assembler, next(7, 3, Bytes(60, 'y'))), "cut: " + whole(Bytes(60, 'x') + Bytes(60, 'y')));
  EXPECT_EQ(assembler.bytes(), 0U) << "what had come of it is not held";
  // The rest is passed over, and others are served.
  EXPECT_EQ(taken(assembler, next(7, 2, Bytes(60, 'x'))), "...");
  EXPECT_EQ(taken(assembler, first(8, 1, "abc")), whole("abc"));
  EXPECT_EQ(taken(assembler, next(7, 1, Bytes(60, 'x'))), "...");
  EXPECT_EQ(assembler.incomplete(), 0U);
  EXPECT_EQ(taken(assembler, first(7, 1, "abc")), whole("abc"));
}

TEST(Assembler, AFragmentThatIsItselfTooLargeEndsItsMessage) {
  Assembler assembler(limits);
  EXPECT_EQ(taken(assembler, first(7, 2, "ab")), "...");
  const Bytes cut = next(7, 1, "cd");
  const auto result = assembler.take({.body = cut, .is_cut = true});
  ASSERT_TRUE(result && result->has_value());
  EXPECT_TRUE((*result)->is_cut);
  EXPECT_EQ((*result)->body, whole("abcd"));
  EXPECT_EQ(assembler.incomplete(), 0U);
}

TEST(Assembler, AllMessagesTogetherKeepToTheirLimit) {
  Assembler assembler(limits);
  EXPECT_EQ(taken(assembler, first(7, 9, Bytes(65, 'x'))), "...");
  EXPECT_EQ(taken(assembler, first(8, 9, Bytes(65, 'x'))), "...");
  EXPECT_EQ(taken(assembler, first(9, 2, Bytes(10, 'x'))), "cut: " + whole(Bytes(10, 'x')));
  EXPECT_EQ(taken(assembler, next(9, 1, Bytes(10, 'x'))), "...");
  EXPECT_EQ(assembler.incomplete(), 2U);
}

TEST(Assembler, OnlySoManyMessagesMayBeIncomplete) {
  Assembler assembler(limits);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence)
    EXPECT_EQ(taken(assembler, first(sequence, 2, "x")), "...");
  EXPECT_EQ(taken(assembler, first(4, 2, "x")), "limit_exceeded");
}

}  // namespace assembler_test
}  // namespace brood::node
