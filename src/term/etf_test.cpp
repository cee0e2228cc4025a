// The External Term Format: golden bytes, foreign encodings, and every way an encoding can be wrong.
#include <gtest/gtest.h>

#include <brood/codec.hpp>

#include "term/random_term_test_support.hpp"

namespace brood::inline v0 {
namespace etf_test {

/// Bytes from hexadecimal text; blanks are ignored.
Bytes hex(std::string_view text) {
  Bytes out;
  int high = -1;
  for (const char letter : text) {
    if (letter == ' ') continue;
    const int value = letter <= '9' ? letter - '0' : letter - 'a' + 10;
    if (high < 0) {
      high = value;
    } else {
      out.push_back(static_cast<char>(high * 16 + value));
      high = -1;
    }
  }
  return out;
}

Errc code_of(BytesView bytes) {
  const auto out = decode_term(bytes);
  return out ? Errc::io : out.error().code;
}

TEST(Etf, EncodesAsTermToBinaryDoes) {
  EXPECT_EQ(encode_term(0), hex("83 61 00"));
  EXPECT_EQ(encode_term(255), hex("83 61 ff"));
  EXPECT_EQ(encode_term(256), hex("83 62 00000100"));
  EXPECT_EQ(encode_term(-1), hex("83 62 ffffffff"));
  EXPECT_EQ(encode_term(std::int64_t{2147483648}), hex("83 6e 04 00 00000080"));
  EXPECT_EQ(encode_term(INT64_MIN), hex("83 6e 08 01 0000000000000080"));
  EXPECT_EQ(encode_term(1.5), hex("83 46 3ff8000000000000"));
  EXPECT_EQ(encode_term(Term::atom("ok")), hex("83 77 02 6f6b"));
  EXPECT_EQ(encode_term(Term::binary("ab")), hex("83 6d 00000002 6162"));
  EXPECT_EQ(encode_term(Bitstring{"\xa0", 3}), hex("83 4d 00000001 03 a0"));
  EXPECT_EQ(encode_term(Term()), hex("83 6a"));
  EXPECT_EQ(encode_term(Term::string("ab")), hex("83 6b 0002 6162"));
  EXPECT_EQ(encode_term(Term::list({256})), hex("83 6c 00000001 62 00000100 6a"));
  EXPECT_EQ(encode_term(Term::improper_list({1}, 2)), hex("83 6c 00000001 61 01 61 02"));
  EXPECT_EQ(encode_term(Term::tuple({})), hex("83 68 00"));
  EXPECT_EQ(encode_term(Term::map({{1, 2}})), hex("83 74 00000001 61 01 61 02"));
  EXPECT_EQ(encode_term(Pid{NodeName("a@b"), 1, 2, 3}), hex("83 58 77 03 614062 00000001 00000002 00000003"));
  EXPECT_EQ(encode_term(Port{NodeName("a@b"), 1, 3}), hex("83 59 77 03 614062 00000001 00000003"));
  EXPECT_EQ(encode_term(Port{NodeName("a@b"), 1ull << 32, 3}),
            hex("83 78 77 03 614062 0000000100000000 00000003"));
  EXPECT_EQ(encode_term(Ref{NodeName("a@b"), 3, {7, 8}}),
            hex("83 5a 0002 77 03 614062 00000003 00000007 00000008"));
}

TEST(Etf, LongStringsAndTuplesUseTheirWideForms) {
  EXPECT_EQ(encode_term(Term::string(std::string(65535, 'a'))).octets().substr(0, 4), hex("83 6b ffff"));
  EXPECT_EQ(encode_term(Term::string(std::string(65536, 'a'))).octets().substr(0, 6), hex("83 6c 00010000"));
  EXPECT_EQ(encode_term(Term::tuple(std::vector<Term>(256))).octets().substr(0, 6), hex("83 69 00000100"));
  EXPECT_EQ(encode_term(BigInt{false, Bytes(256, '\1')}).octets().substr(0, 7), hex("83 6f 00000100 00"));
  std::string wide;
  for (int count = 0; count < 200; ++count) wide += "\xc3\xa9";
  EXPECT_EQ(encode_term(Term::atom(wide)).octets().substr(0, 4), hex("83 76 0190"));
}

TEST(Etf, ReadsTheOldEncodings) {
  EXPECT_EQ(*decode_term(hex("83 64 0002 6f6b")), Term::atom("ok"));
  EXPECT_EQ(*decode_term(hex("83 73 01 e9")), Term::atom("\xc3\xa9"));
  EXPECT_EQ(*decode_term(hex("83 67 77 03 614062 00000001 00000002 03")),
            Term(Pid{NodeName("a@b"), 1, 2, 3}));
  EXPECT_EQ(*decode_term(hex("83 66 77 03 614062 00000001 03")), Term(Port{NodeName("a@b"), 1, 3}));
  EXPECT_EQ(*decode_term(hex("83 65 77 03 614062 00000007 03")), Term(Ref{NodeName("a@b"), 3, {7}}));
  EXPECT_EQ(*decode_term(hex("83 72 0002 77 03 614062 03 00000007 00000008")),
            Term(Ref{NodeName("a@b"), 3, {7, 8}}));
  Bytes text = "1.50000000000000000000e+00";
  text.resize(31);
  EXPECT_EQ(*decode_term(hex("83 63") + text), Term(1.5));
  EXPECT_EQ(*decode_term(hex("83 6e 03 01 050000")), Term(-5));
  EXPECT_EQ(*decode_term(hex("83 6c 00000001 61 01 6b 0001 02")), Term::list({1, 2}));
}

TEST(Etf, FunsAreSentOnUnchanged) {
  const Bytes exported = hex("83 71 77 05 6c69737473 77 03 6d6170 61 02");
  const auto term = decode_term(exported);
  ASSERT_TRUE(term);
  ASSERT_NE(term->as_fun(), nullptr);
  EXPECT_EQ(encode_term(*term), exported);
  EXPECT_EQ(to_string(*term), "fun lists:map/2");
  Bytes inner = hex("00") + Bytes(16, 'u') + hex("00000001 00000001 77 01 6d 61 01 61 02") +
                hex("58 77 03 614062 00000001 00000002 00000003") + hex("61 09");
  const Bytes closure = hex("83 70 000000") + Bytes(1, static_cast<char>(inner.size() + 4)) + inner;
  const auto fun = decode_term(closure);
  ASSERT_TRUE(fun) << fun.error().message;
  EXPECT_EQ(encode_term(*fun), closure);
  Bytes lying = closure;
  ++lying[5];
  EXPECT_EQ(code_of(lying + "x"), Errc::malformed);
}

TEST(Etf, RefusesWhatIsNotWellFormed) {
  for (const std::string_view bad : {"",
                                     "83",
                                     "82 61 01",
                                     "61 01",
                                     "83 61",
                                     "83 62 000000",
                                     "83 46 7ff0000000000000",
                                     "83 46 7ff8000000000000",
                                     "83 46 00",
                                     "83 77 03 6161",
                                     "83 77 02 c328",
                                     "83 64 0100",
                                     "83 6d 00000005 6162",
                                     "83 6d ffffffff",
                                     "83 4d 00000001 00 ff",
                                     "83 4d 00000001 09 ff",
                                     "83 4d 00000000 08",
                                     "83 6b 0005 61",
                                     "83 6e 05 00 01",
                                     "83 6f ffffffff 00 01",
                                     "83 68 01",
                                     "83 69 ffffffff 61 01",
                                     "83 6c ffffffff 61 01 6a",
                                     "83 6c 00000001 61 01",
                                     "83 74 00000001 61 01",
                                     "83 74 ffffffff",
                                     "83 74 00000002 61 01 61 02 61 01 61 03",
                                     "83 61 01 00",
                                     "83 5a 0000 77 01 61 00000001",
                                     "83 5a 0006 77 01 61 00000001",
                                     "83 58 77 01 61 00000001",
                                     "83 58 61 01",
                                     "83 50 00000001 789c",
                                     "83 ff",
                                     "83 52 00",
                                     "83 75 00",
                                     "83 71 77 01 61 77 01 61 62 00000001"})
    EXPECT_EQ(code_of(hex(bad)), Errc::malformed) << bad;
}

TEST(Etf, EveryPrefixOfATermIsRefused) {
  test::RandomTerms random(7);
  for (int count = 0; count < 300; ++count) {
    const EncodedTerm whole = encode_term(random.next(3));
    if (whole.size() > 2000) continue;
    for (std::size_t size = 0; size < whole.size(); ++size)
      ASSERT_EQ(code_of(BytesView(whole).substr(0, size)), Errc::malformed);
  }
}

TEST(Etf, NestingIsLimited) {
  const auto nested = [](int depth) {
    Bytes out = hex("83");
    for (int level = 0; level < depth; ++level) out += hex("68 01");
    return out + hex("6a");
  };
  EXPECT_TRUE(decode_term(nested(256)));
  EXPECT_EQ(code_of(nested(257)), Errc::malformed);
  EXPECT_EQ(code_of(nested(1000000)), Errc::malformed);
  TermLimits limits;
  limits.depth_max = 2;
  EXPECT_TRUE(decode_term(nested(2), limits));
  EXPECT_FALSE(decode_term(nested(3), limits));
  const Bytes deep = nested(257);
  TermReader reader(deep);
  ASSERT_TRUE(reader.version());
  EXPECT_FALSE(reader.skip());
}

TEST(Etf, AListThatIsTheTailOfAListCostsNoStack) {
  Bytes out = hex("83");
  for (int level = 0; level < 100000; ++level) out += hex("6c 00000001 61 01");
  out += hex("6a");
  const auto term = decode_term(out);
  ASSERT_TRUE(term);
  EXPECT_EQ(term->as_list()->size(), 100000u);
}

TEST(Etf, ClaimsInsideClaimsCannotExceedTheBytes) {
  // Each list claims all the bytes that are left; only the innermost could be right.
  Bytes out = hex("83");
  for (int level = 0; level < 200; ++level) out += hex("6c 00010000");
  out += Bytes(70000, '\x6a');
  EXPECT_EQ(code_of(out), Errc::malformed);
}

TEST(Etf, SizeIsLimited) {
  TermLimits limits;
  limits.bytes_max = 10;
  EXPECT_EQ(decode_term(encode_term(Term::binary("0123456789")), limits).error().code, Errc::limit_exceeded);
}

TEST(Etf, RandomTermsComeBackEqualWithEqualBytes) {
  test::RandomTerms random(42);
  for (int count = 0; count < 5000; ++count) {
    const Term term = random.next();
    const EncodedTerm bytes = encode_term(term);
    const auto back = decode_term(bytes);
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(*back, term) << to_string(term, 500);
    ASSERT_EQ(encode_term(*back), bytes);
    TermReader reader(bytes);
    ASSERT_TRUE(reader.version());
    const auto skipped = reader.skip();
    ASSERT_TRUE(skipped);
    ASSERT_EQ(skipped->size() + 1, bytes.size());
  }
}

TEST(TermReader, AFailureLeavesThePositionWhereItWas) {
  const Bytes bytes = hex("68 02 61 01");
  TermReader reader(bytes);
  EXPECT_FALSE(reader.integer());
  EXPECT_FALSE(reader.atom());
  EXPECT_FALSE(reader.binary());
  EXPECT_FALSE(reader.pid());
  EXPECT_FALSE(reader.ref());
  EXPECT_FALSE(reader.port());
  EXPECT_FALSE(reader.list());
  EXPECT_FALSE(reader.list_end());
  EXPECT_FALSE(reader.map());
  EXPECT_FALSE(reader.real());
  EXPECT_FALSE(reader.boolean());
  EXPECT_FALSE(reader.term());
  EXPECT_FALSE(reader.skip());
  EXPECT_FALSE(reader.tuple(3));
  EXPECT_EQ(reader.position(), 0u);
  EXPECT_TRUE(reader.tuple(2));
}

TEST(TermReader, AnotherKindIsAMismatchAndACutTermIsMalformed) {
  EXPECT_EQ(TermReader(hex("6a")).integer().error().code, Errc::type_mismatch);
  const Bytes cut = hex("62 0000");
  EXPECT_EQ(TermReader(cut).integer().error().code, Errc::malformed);
  EXPECT_EQ(TermReader(cut).atom().error().code, Errc::type_mismatch);
  EXPECT_EQ(TermReader("").atom().error().code, Errc::malformed);
  const Bytes large = hex("6e 08 00 ffffffffffffffff");
  EXPECT_EQ(TermReader(large).integer().error().code, Errc::type_mismatch);
  EXPECT_EQ(*TermReader(large).unsigned_integer(), UINT64_MAX);
  const Bytes negative = hex("62 ffffffff");
  EXPECT_EQ(TermReader(negative).unsigned_integer().error().code, Errc::type_mismatch);
}

TEST(TermReader, PeekKnowsEachKind) {
  using Kind = TermReader::Kind;
  const std::vector<std::pair<std::string_view, Kind>> kinds{{"61 01", Kind::integer},
                                                             {"6e 01 00 01", Kind::integer},
                                                             {"6e 08 00 ffffffffffffffff", Kind::big},
                                                             {"46 00", Kind::real},
                                                             {"77 00", Kind::atom},
                                                             {"6d 00", Kind::binary},
                                                             {"4d 00", Kind::bitstring},
                                                             {"58", Kind::pid},
                                                             {"78", Kind::port},
                                                             {"5a", Kind::ref},
                                                             {"70", Kind::fun},
                                                             {"68 00", Kind::tuple},
                                                             {"6c", Kind::list},
                                                             {"6b", Kind::list},
                                                             {"6a", Kind::nil},
                                                             {"74", Kind::map},
                                                             {"", Kind::end},
                                                             {"ff", Kind::invalid}};
  for (const auto& [bytes, kind] : kinds) {
    const Bytes raw = hex(bytes);
    EXPECT_EQ(TermReader(raw).peek(), kind) << bytes;
  }
}

TEST(TermReader, StringsAreReadAsOctetsOrAsATerm) {
  const Bytes bytes = hex("6b 0002 6162");
  EXPECT_EQ(TermReader(bytes).list().error().code, Errc::type_mismatch);
  EXPECT_EQ(*TermReader(bytes).string_octets(), "ab");
  EXPECT_EQ(*TermReader(bytes).term(), Term::string("ab"));
}

TEST(TermWriter, SplicesAnEncodedTermWithoutItsVersionByte) {
  Bytes out;
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.encoded(encode_term(Term::atom("a")));
  writer.encoded(hex("61 07"));
  EXPECT_EQ(*decode_term(out), Term::tuple({Term::atom("a"), 7}));
}

TEST(TermReader, WhatIsTriedIsReadAsTheFunctionOfThatKindReadsItOrNotAtAll) {
  // Whatever the bytes are, cut at any place: trying reads what the other function reads, or nothing.
  const auto unsigned_of = [](BytesView bytes) {
    TermReader reader(bytes);
    std::uint64_t value = 0;
    return reader.try_unsigned(value) ? std::optional(std::pair(value, reader.position())) : std::nullopt;
  };
  std::vector<Bytes> all;
  for (const std::uint64_t value : {0ULL, 255ULL, 256ULL, 0x7fffffffULL, 0x80000000ULL, ~0ULL})
    all.push_back(encode_term(Term(std::uint64_t{value})).octets().substr(1));
  for (const std::int64_t value : {std::int64_t{-1}, std::int64_t{-256}, std::int64_t{INT64_MIN}})
    all.push_back(encode_term(Term(std::int64_t{value})).octets().substr(1));
  for (const Term& term : {Term::atom("a"), Term::atom(""), Term::binary(""), Term::binary("abc"), Term(),
                           Term::tuple({}), Term::tuple({1, 2}), Term::list({1}), Term(1.5)})
    all.push_back(encode_term(term).octets().substr(1));
  all.emplace_back("n\x09\0\1\2\3\4\5\6\7\x08\x09", 12);  // nine bytes
  all.emplace_back("n\2\0\5\0", 5);                       // with a zero at its end
  for (const Bytes& whole : all) {
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      const BytesView bytes = BytesView(whole).substr(0, size);
      TermReader slow(bytes);
      const auto number = slow.unsigned_integer();
      EXPECT_EQ(unsigned_of(bytes),
                number ? std::optional(std::pair(*number, slow.position())) : std::nullopt);
      TermReader fast(bytes);
      slow.seek(0);
      BytesView content;
      const auto binary = slow.binary();
      EXPECT_EQ(fast.try_binary(content), binary.has_value());
      EXPECT_EQ(content, binary.value_or(""));
      fast.seek(0), slow.seek(0);
      std::string_view name;
      const auto atom = slow.atom_view();
      EXPECT_EQ(fast.try_atom(name), atom.has_value());
      EXPECT_EQ(name, atom.value_or(""));
      fast.seek(0), slow.seek(0);
      EXPECT_EQ(fast.try_tuple(2), slow.tuple(2).has_value());
      fast.seek(0), slow.seek(0);
      EXPECT_EQ(fast.try_nil(), slow.list_end().has_value());
    }
  }
}

}  // namespace etf_test
}  // namespace brood::inline v0
