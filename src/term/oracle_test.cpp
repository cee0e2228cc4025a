// Erlang/OTP as the oracle of the codec: see oracle.erl, which this test runs. Skipped where no Erlang is
// installed.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <brood/codec.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "term/phash2.hpp"
#include "term/random_term_test_support.hpp"

namespace brood::inline v0 {
namespace oracle_test {

namespace fs = std::filesystem;
using test::has_large_map;

void add_record(Bytes& out, BytesView content) {
  char size[4];
  detail::put_big_endian(size, static_cast<std::uint32_t>(content.size()));
  out.append(size, 4).append(content);
}

std::vector<Bytes> split_records(BytesView all) {
  std::vector<Bytes> out;
  while (all.size() >= 4) {
    const std::size_t size = detail::get_u32(all.data());
    out.emplace_back(all.substr(4, size));
    all.remove_prefix(4 + out.back().size());
  }
  return out;
}

class Oracle : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("erl -version >/dev/null 2>&1") != 0) GTEST_SKIP() << "erl is not installed";
    folder_ = fs::temp_directory_path() / ("brood_oracle_" + std::to_string(::getpid()));
    fs::create_directories(folder_);
  }

  void TearDown() override {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }

  /// What oracle:`function` writes for `input`.
  Bytes ask(const std::string& function, const Bytes& input) {
    std::ofstream(folder_ / "in", std::ios::binary) << input;
    const std::string source = fs::path(__FILE__).parent_path() / "oracle.erl";
    const std::string code =
        "{ok,oracle,B}=compile:file(\"" + source +
        "\",[binary]),{module,oracle}=" + "code:load_binary(oracle,\"oracle.beam\",B),oracle:" + function +
        "(\"" + (folder_ / "in").string() + "\",\"" + (folder_ / "out").string() + "\"),halt(0).";
    const std::string command = "erl -noshell -kernel logger_level none -eval '" + code + "' </dev/null";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
    std::ifstream out(folder_ / "out", std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(out), {});
  }

 private:
  fs::path folder_;
};

TEST_F(Oracle, ReadsAndWritesEveryTermAsWeDo) {
  test::RandomTerms random(11);
  std::vector<Term> terms;
  Bytes input;
  for (int count = 0; count < 100'000; ++count) {
    terms.push_back(random.next());
    add_record(input, encode_term(terms.back()));
  }
  const auto answers = split_records(ask("main", input));
  ASSERT_GT(answers.size(), terms.size() + 3000);
  std::size_t same_bytes = 0;
  for (std::size_t index = 0; index < terms.size(); ++index) {
    const auto back = decode_term(answers[index]);
    ASSERT_TRUE(back) << "Erlang refused " << to_string(terms[index], 500);
    ASSERT_EQ(*back, terms[index]) << to_string(*back, 500) << "\n" << to_string(terms[index], 500);
    const bool same = answers[index] == encode_term(terms[index]);
    same_bytes += same;
    ASSERT_TRUE(same || has_large_map(terms[index])) << to_string(terms[index], 500);
  }
  RecordProperty("terms_with_equal_bytes", static_cast<int>(same_bytes));
  for (std::size_t index = terms.size(); index < answers.size(); ++index) {
    const auto term = decode_term(answers[index]);
    ASSERT_TRUE(term) << term.error().message;
    const EncodedTerm again = encode_term(*term);
    ASSERT_EQ(again.size(), answers[index].size()) << to_string(*term, 500);
    ASSERT_TRUE(again == answers[index] || has_large_map(*term)) << to_string(*term, 500);
  }
}

TEST_F(Oracle, OrdersTermsAsWeDo) {
  test::RandomTerms random(12);
  std::vector<Term> terms;
  for (int count = 0; count < 3000; ++count) terms.push_back(random.next(2));
  for (int count = 0; count < 300; ++count) {
    terms.push_back(Term(static_cast<std::int64_t>(random.below(20))));
    terms.push_back(Term(static_cast<double>(random.below(40)) / 2));
    terms.push_back(Term::tuple(
        {Term(static_cast<std::int64_t>(random.below(3))), static_cast<double>(random.below(3))}));
  }
  std::sort(terms.begin(), terms.end());
  Bytes input;
  for (const Term& term : terms) add_record(input, encode_term(term));
  const Bytes answer = ask("order", input);
  ASSERT_EQ(answer.size(), terms.size() * 4);
  for (std::size_t index = 0; index < terms.size(); ++index) {
    const std::size_t other = detail::get_u32(answer.data() + index * 4);
    ASSERT_EQ(other, index) << to_string(terms[index], 300) << " against " << to_string(terms[other], 300);
  }
}

TEST_F(Oracle, ReadsOurTextAsTheSameTerm) {
  test::RandomTerms random(13);
  random.identities = false;
  random.ascii = true;
  Bytes input;
  std::vector<std::string> texts;
  for (int count = 0; count < 3000; ++count) {
    const Term term = random.next(3);
    std::string text = to_string(term);
    // Erlang wants /utf8 behind such a binary.
    if (!utf8::is_ascii(text)) continue;
    texts.push_back(std::move(text));
    add_record(input, texts.back());
    add_record(input, encode_term(term));
  }
  const Bytes answer = ask("text", input);
  ASSERT_EQ(answer.size(), texts.size());
  for (std::size_t index = 0; index < texts.size(); ++index)
    ASSERT_EQ(answer[index], 1) << texts[index].substr(0, 500);
}

TEST_F(Oracle, HashesTermsAsWeDo) {
  test::RandomTerms random(14);
  Bytes input;
  std::vector<Term> terms;
  while (terms.size() < 10'000) {
    Term term = random.next(3);
    if (!phash2(term)) continue;
    add_record(input, encode_term(term));
    terms.push_back(std::move(term));
  }
  const Bytes answer = ask("phash2", input);
  ASSERT_EQ(answer.size(), terms.size() * 4);
  for (std::size_t index = 0; index < terms.size(); ++index)
    ASSERT_EQ(phash2(terms[index]), detail::get_u32(answer.data() + index * 4))
        << to_string(terms[index], 500);
}

}  // namespace oracle_test
}  // namespace brood::inline v0
