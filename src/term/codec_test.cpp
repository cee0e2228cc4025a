// Each row of the table at the head of codec.hpp: good values there and back, then each bad one.
#include <gtest/gtest.h>

#include <brood/codec.hpp>
#include <cmath>
#include <limits>

namespace bank {
struct deposit {
  std::int64_t cents;
  bool operator==(const deposit&) const = default;
};
struct balance {
  bool operator==(const balance&) const = default;
};
struct owner {
  std::string name;
  std::optional<int> age;
  bool operator==(const owner&) const = default;
};
enum class Colour : std::uint8_t { red, green, blue = 40 };
enum class Level { low = -5, high = 1000 };
constexpr auto brood_enum_names(Level) {
  return std::array{std::pair{Level::low, std::string_view("lo")},
                    std::pair{Level::high, std::string_view("hi")}};
}
struct account {
  owner who;
  std::vector<deposit> history;
  std::variant<deposit, balance, std::string> last;
  std::map<std::string, double> rates;
  Colour tone = Colour::red;
  brood::Term extra;
  std::array<int, 2> pair{};
  bool operator==(const account&) const = default;
};
struct point {
  double x = 0, y = 0;
  std::optional<std::string> label;
  bool operator==(const point&) const = default;
};
constexpr auto brood_map_keys(const point*) {
  return std::array{std::string_view("x"), std::string_view("y"), std::string_view("label")};
}
struct path {
  std::vector<point> points;
  bool operator==(const path&) const = default;
};
struct tree {
  std::vector<tree> branches;
};
template <typename T>
struct box {
  T content;
};
}  // namespace bank

namespace brood::inline v0 {
namespace codec_test {

struct local_message {
  int value;
};

template <typename T>
void expect_term(const T& value, std::string_view text) {
  const EncodedTerm bytes = encode(value);
  EXPECT_EQ(encoded_to_string(bytes), text);
  const auto back = decode<T>(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, value);
}

template <typename T>
Result<T> from_text(std::string_view text) {
  const auto term = parse_term(text);
  EXPECT_TRUE(term) << text;
  return decode<T>(encode_term(*term));
}

template <typename T>
void expect_refused(std::initializer_list<std::string_view> texts) {
  for (const auto text : texts) {
    const auto out = from_text<T>(text);
    ASSERT_FALSE(out) << text;
    EXPECT_EQ(out.error().code, Errc::type_mismatch) << text;
    EXPECT_NE(out.error().message.find("does not fit"), std::string::npos) << out.error().message;
  }
}

TEST(TypeName, IsTheUnqualifiedName) {
  static_assert(type_name<bank::deposit>() == "deposit");
  static_assert(type_name<local_message>() == "local_message");
  static_assert(type_name<bank::box<std::vector<bank::deposit>>>() == "box");
  static_assert(type_name<int>() == "int");
  struct inside {};
  EXPECT_EQ(type_name<inside>(), "inside");
}

TEST(Codec, Bool) {
  expect_term(true, "true");
  expect_term(false, "false");
  expect_refused<bool>({"1", "yes", "<<\"true\">>", "[]"});
}

TEST(Codec, Integers) {
  expect_term(0, "0");
  expect_term(std::int64_t{INT64_MIN}, "-9223372036854775808");
  expect_term(std::uint64_t{UINT64_MAX}, "18446744073709551615");
  expect_term(std::int8_t{-128}, "-128");
  expect_term(std::uint16_t{65535}, "65535");
  expect_term(std::uint32_t{4294967295}, "4294967295");
  expect_refused<std::int8_t>({"128", "-129", "1.0", "a", "123456789012345678901234567890"});
  expect_refused<std::uint8_t>({"256", "-1"});
  expect_refused<std::int64_t>({"9223372036854775808", "<<1>>"});
  expect_refused<std::uint64_t>({"18446744073709551616", "-1"});
  expect_refused<std::int32_t>({"2147483648"});
}

TEST(Codec, Floats) {
  expect_term(1.5, "1.5");
  EXPECT_EQ(*from_text<double>("3"), 3.0);
  EXPECT_EQ(*from_text<float>("0.5"), 0.5f);
  EXPECT_TRUE(std::isnan(*decode<double>(encode(std::nan("")))));
  EXPECT_EQ(*decode<double>(encode(-std::numeric_limits<double>::infinity())),
            -std::numeric_limits<double>::infinity());
  expect_refused<double>({"a", "<<>>", "{1.0}"});
}

TEST(Codec, Texts) {
  expect_term(std::string("abc"), "<<\"abc\">>");
  expect_term(std::string(), "<<>>");
  EXPECT_EQ(*from_text<std::string>("abc"), "abc");
  EXPECT_EQ(*from_text<std::string>("\"abc\""), "abc");
  EXPECT_EQ(*from_text<std::string>("[]"), "");
  EXPECT_EQ(encode("abc"), encode(std::string("abc")));
  EXPECT_EQ(encode(std::string_view("abc")), encode(std::string("abc")));
  EXPECT_EQ(decode<std::string>(encode_term(Term::string(std::string(70000, 'x'))))->size(), 70000u);
  expect_refused<std::string>({"1", "[1000]", "[a]", "{}", "<<1:3>>"});
}

TEST(Codec, TermsAndTheirKinds) {
  expect_term(Atom("ok"), "ok");
  expect_term(NodeName("n1@host"), "n1@host");
  expect_term(Binary{"x"}, "<<\"x\">>");
  expect_term(Pid{NodeName("n1@h"), 1, 2, 3}, "<n1@h.1.2>");
  expect_term(Port{NodeName("n1@h"), 1, 2}, "#Port<n1@h.1>");
  expect_term(Ref{NodeName("n1@h"), 1, {2, 3}}, "#Ref<n1@h.3.2>");
  expect_term(Bitstring{"\x80", 1}, "<<1:1>>");
  expect_term(BigInt{false, Bytes(9, '\1')}, "18519084246547628289");
  EXPECT_EQ(decode<BigInt>(encode(-3))->magnitude, "\3");
  expect_term(Term::tuple({1, Term::atom("x")}), "{1,x}");
  expect_refused<Atom>({"1", "<<\"a\">>"});
  expect_refused<NodeName>({"1"});
  expect_refused<Binary>({"a", "\"a\""});
  expect_refused<Pid>({"a"});
  expect_refused<Port>({"a"});
  expect_refused<Ref>({"a"});
  expect_refused<Bitstring>({"<<1>>"});
  expect_refused<BigInt>({"1.0"});
  expect_refused<OpaqueFun>({"1"});
}

TEST(Codec, Optional) {
  expect_term(std::optional<int>(3), "3");
  expect_term(std::optional<int>(), "undefined");
  EXPECT_EQ(*from_text<std::optional<int>>("nil"), std::nullopt);
  EXPECT_EQ(*from_text<std::optional<Atom>>("other"), Atom("other"));
  expect_refused<std::optional<int>>({"none", "1.0"});
}

TEST(Codec, Lists) {
  expect_term(std::vector<int>{1, 1000}, "[1,1000]");
  expect_term(std::vector<std::string>{}, "[]");
  expect_term(std::vector<bool>{true, false}, "[true,false]");
  expect_term(std::array<int, 2>{500, 6}, "[500,6]");
  // Erlang sends a list of bytes as a string.
  EXPECT_EQ(*from_text<std::vector<int>>("[1,2,3]"), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ((*from_text<std::array<std::uint8_t, 2>>("[7,8]")), (std::array<std::uint8_t, 2>{7, 8}));
  EXPECT_EQ((*from_text<std::vector<std::optional<int>>>("\"a\"")).front(), 97);
  expect_refused<std::vector<int>>({"[1000,a]", "[1000|2]", "{1,2}", "a", "#{}"});
  expect_refused<std::array<int, 2>>({"[1000]", "[1000,2,3]", "[1]", "[]"});
  expect_refused<std::vector<std::string>>({"[1]", "[a,1000]"});
  expect_refused<std::vector<std::int8_t>>({"[200]"});
}

TEST(Codec, Maps) {
  using Map = std::map<std::string, int>;
  expect_term(Map{{"a", 1}, {"b", 2}}, "#{<<\"a\">>=>1,<<\"b\">>=>2}");
  using Hashed = std::unordered_map<int, Atom>;
  Hashed hashed;
  for (int key = 0; key < 50; ++key) hashed[key] = Atom("v");
  EXPECT_EQ(*decode<Hashed>(encode(hashed)), hashed);
  EXPECT_EQ(encode(hashed), encode_term(*decode<Term>(encode(hashed))));
  EXPECT_EQ((from_text<Map>("#{a=>1,b=>2}")->size()), 2u);
  // Two keys of the term that are one key of the type.
  EXPECT_EQ((from_text<Map>("#{a=>1,<<\"a\">>=>2}").error().code), Errc::malformed);
  expect_refused<Map>({"#{a=>b}", "#{1=>1}", "[]", "{a,1}"});
}

TEST(Codec, TuplesAndPairs) {
  expect_term(std::pair{1, std::string("x")}, "{1,<<\"x\">>}");
  expect_term(std::tuple{1, Atom("x"), true}, "{1,x,true}");
  expect_term(std::tuple<>{}, "{}");
  using Pair = std::pair<int, std::string>;
  expect_refused<Pair>({"{1}", "{1,x,y}", "{x,x}", "[1,x]", "{1,2}"});
}

TEST(Codec, VariantTakesTheFirstThatFits) {
  using Choice = std::variant<int, bank::deposit, bank::balance, std::string>;
  expect_term(Choice(3), "3");
  expect_term(Choice(bank::deposit{5}), "{deposit,5}");
  expect_term(Choice(bank::balance{}), "balance");
  expect_term(Choice(std::string("x")), "<<\"x\">>");
  EXPECT_EQ(from_text<Choice>("other")->index(), 3u);
  EXPECT_EQ(from_text<Choice>("{balance}")->index(), 2u);
  expect_refused<Choice>({"{withdraw,5}", "{deposit}", "{deposit,a}", "1.5", "#{}"});
}

TEST(Codec, AStructThatNamesItsFieldsIsAMap) {
  expect_term(bank::point{1.5, 2, "here"}, "#{label=><<\"here\">>,x=>1.5,y=>2.0}");
  expect_term(bank::path{{{1, 2, std::nullopt}}}, "{path,[#{label=>undefined,x=>1.0,y=>2.0}]}");
  EXPECT_EQ(*from_text<bank::point>("#{x => 1, y => 2}"), (bank::point{1, 2, std::nullopt}));
  EXPECT_EQ(
      *from_text<bank::point>("#{<<\"y\">> => 2, <<\"x\">> => 1, '__struct__' => 'Elixir.Point', 7 => {a}}"),
      (bank::point{1, 2, std::nullopt}));
  expect_refused<bank::point>({"#{x => 1}", "#{x => 1, y => a}", "#{}", "{point,1,2}", "[]"});
  using Choice = std::variant<bank::deposit, bank::point>;
  EXPECT_EQ(from_text<Choice>("#{x => 1, y => 2}")->index(), 1u);
  EXPECT_NE(decode<bank::point>(encode_term(*parse_term("#{x => 1, y => a}"))).error().message.find("key y"),
            std::string::npos);
}

TEST(Codec, EnumsAreTheNamesOfTheirEnumerators) {
  expect_term(bank::Colour::red, "red");
  expect_term(bank::Colour::blue, "blue");
  expect_term(bank::Level::low, "lo");
  expect_term(bank::Level::high, "hi");
  expect_refused<bank::Colour>({"pink", "0", "<<\"red\">>"});
  expect_refused<bank::Level>({"low"});
}

TEST(Codec, MonostateIsOk) {
  expect_term(std::monostate(), "ok");
  expect_refused<std::monostate>({"error", "1"});
}

TEST(Codec, DurationsAreMilliseconds) {
  using namespace std::chrono_literals;
  expect_term(std::chrono::milliseconds(1500), "1500");
  expect_term(std::chrono::seconds(2), "2000");
  expect_term(std::chrono::microseconds(3000), "3");
  EXPECT_EQ(*from_text<std::chrono::seconds>("2999"), 2s);
  EXPECT_EQ(*from_text<std::chrono::nanoseconds>("-1"), -1ms);
  EXPECT_EQ((*from_text<std::chrono::duration<double>>("500")), 500ms);
  expect_refused<std::chrono::nanoseconds>({"9223372036854775807", "-9223372036854775808", "1.0", "a"});
  using Short = std::chrono::duration<std::int16_t>;
  expect_refused<Short>({"40000000"});
}

TEST(Codec, StructsAreRecords) {
  expect_term(bank::deposit{100}, "{deposit,100}");
  expect_term(bank::balance{}, "balance");
  EXPECT_TRUE(from_text<bank::balance>("{balance}"));
  expect_refused<bank::deposit>(
      {"deposit", "{deposit}", "{deposit,1,2}", "{withdraw,1}", "{deposit,a}", "100", "[]"});
  expect_refused<bank::balance>({"other", "{balance,1}", "{}", "1"});
}

TEST(Codec, NestedStructs) {
  bank::account account;
  account.who = {"bob", 42};
  account.history = {{1}, {2000}};
  account.last = bank::balance{};
  account.rates = {{"eur", 1.5}};
  account.extra = Term::tuple({1, 2});
  account.pair = {300, 4};
  expect_term(account,
              "{account,{owner,<<\"bob\">>,42},[{deposit,1},{deposit,2000}],balance,#{<<\"eur\">>=>1.5},red,{"
              "1,2},[300,"
              "4]}");
  const auto wrong = from_text<bank::account>("{account,{owner,bob,x},[],balance,#{},red,[],[300,4]}");
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("field 1 of account: field 2 of owner"), std::string::npos)
      << wrong.error().message;
}

TEST(Codec, RecursiveTypesAreBoundByTheDepthLimit) {
  const auto nested = [](int depth) {
    Bytes out(1, '\x83');
    for (int level = 0; level < depth; ++level) out += Bytes("\x68\x02\x77\x04tree\x6c\0\0\0\1", 13);
    out += Bytes("\x68\x02\x77\x04tree\x6a", 9);
    for (int level = 0; level < depth; ++level) out += '\x6a';
    return out;
  };
  EXPECT_TRUE(decode<bank::tree>(nested(100)));
  EXPECT_EQ(decode<bank::tree>(nested(100000)).error().code, Errc::malformed);
}

TEST(Codec, BytesThatAreNoTermAreMalformed) {
  EXPECT_EQ(decode<int>("").error().code, Errc::malformed);
  EXPECT_EQ(decode<int>("\x83").error().code, Errc::malformed);
  EXPECT_EQ(decode<int>("\x83\x62").error().code, Errc::malformed);
  EXPECT_EQ(decode<int>(encode(1).octets() + "x").error().code, Errc::malformed);
  EXPECT_EQ(decode<std::string>(BytesView("\x83\x62\x00", 3)).error().code, Errc::malformed);
  for (std::size_t size = 0; size + 1 < encode(bank::deposit{1000}).size(); ++size)
    EXPECT_EQ(decode<bank::deposit>(encode(bank::deposit{1000}).octets().substr(0, size)).error().code,
              Errc::malformed)
        << size;
}

TEST(Codec, AMismatchShowsTheTermAndTheType) {
  const auto out = from_text<bank::deposit>("{withdraw,5}");
  EXPECT_NE(out.error().message.find("{withdraw,5} does not fit deposit: at byte 1: expected {deposit, _}"),
            std::string::npos)
      << out.error().message;
}

TEST(Args, AreAListAndComeBack) {
  const EncodedTerm bytes = args(100, "x", bank::deposit{5});
  EXPECT_EQ(encoded_to_string(bytes), "[100,<<\"x\">>,{deposit,5}]");
  const auto back = decode_args<int, std::string, bank::deposit>(bytes);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::get<0>(*back), 100);
  EXPECT_EQ(std::get<1>(*back), "x");
  EXPECT_EQ(std::get<2>(*back).cents, 5);
  EXPECT_EQ(encoded_to_string(args()), "[]");
  EXPECT_TRUE(decode_args<>(args()));
}

TEST(Args, ThatErlangSentAsAStringAreReadToo) {
  const auto back = decode_args<int, std::uint8_t>(encode_term(Term::list({100, 7})));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::get<0>(*back), 100);
  EXPECT_EQ(std::get<1>(*back), 7);
}

TEST(Args, OfAnotherNumberOrTypeAreRefused) {
  EXPECT_EQ((decode_args<int, int>(args(1)).error().code), Errc::type_mismatch);
  EXPECT_EQ((decode_args<>(args(1)).error().code), Errc::type_mismatch);
  const auto wrong = decode_args<int, int>(args(1, "x"));
  EXPECT_EQ(wrong.error().code, Errc::type_mismatch);
  EXPECT_EQ(wrong.error().message.rfind("argument 2: ", 0), 0u) << wrong.error().message;
  EXPECT_FALSE(decode_args<int>(encode(5)));
  EXPECT_FALSE(decode_args<int>("x"));
}

}  // namespace codec_test
}  // namespace brood::inline v0
