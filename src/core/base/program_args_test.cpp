#include "core/base/program_args.hpp"

#include <gtest/gtest.h>

#include "core/base/types.hpp"

namespace brood::core {
namespace program_args_test {

using Entries = std::vector<std::pair<Term, Term>>;

Bytes command(Entries more = {}) {
  more.emplace_back(Term::atom("argv"), Term::list({Term::binary("sleep"), Term::binary("9")}));
  return encode_term(Term::map(std::move(more))).octets();
}

std::pair<Term, Term> entry(const char* key, Term value) {
  return {Term::atom(key), std::move(value)};
}

std::string words(const Bytes& now, const Bytes& next) {
  const auto keys = differences_taken_over(now, next);
  if (!keys) return "anew";
  std::string out;
  for (const auto key : *keys) out += (out.empty() ? "" : " ") + std::string(key);
  return out;
}

TEST(ProgramArgs, WhatOnlyTheWatchOverAProgramIsToldIsTakenOver) {
  const auto health = entry("health", Term::map({entry("tcp", Term::binary("127.0.0.1:1"))}));
  EXPECT_EQ(words(command(), command()), "");
  EXPECT_EQ(words(command(), command({health})), "health");
  EXPECT_EQ(words(command({health}), command()), "health");
  EXPECT_EQ(words(command({entry("log_size", Term(9))}), command({entry("log_size", Term(10))})), "log_size");
  EXPECT_EQ(words(command(), command({entry("exit_codes", Term::list({Term(3)})),
                                      entry("stop_signal", Term::atom("sigint"))})),
            "exit_codes stop_signal");
}

TEST(ProgramArgs, WhatAProcessHasFromItsStartIsNot) {
  EXPECT_EQ(words(command(), command({entry("nice", Term(1))})), "anew");
  EXPECT_EQ(words(command(), command({entry("nice", Term(1)), entry("log_size", Term(1))})), "anew");
  EXPECT_EQ(
      words(command(), encode_term(Term::map({entry("argv", Term::list({Term::binary("true")}))})).octets()),
      "anew");
  EXPECT_EQ(words(command(), command({entry("log_size", Term(0))})), "anew") << "its output went to nobody";
  EXPECT_EQ(words(command({entry("log_bytes_max", Term(0))}), command()), "anew");
  EXPECT_EQ(words(command(), "no term"), "anew");
  EXPECT_EQ(words("no term", "no term"), "") << "the same";
}

TEST(ProgramArgs, AWorkersArgumentsAreItsOwn) {
  Spec now;
  now.worker = "counter";
  now.args = command();
  Spec next = now;
  next.args = command({entry("log_size", Term(1))});
  EXPECT_FALSE(now.runs_like(next));
  now.worker = next.worker = "exec";
  EXPECT_TRUE(now.runs_like(next));
  EXPECT_FALSE(now.same_as(next));
}

}  // namespace program_args_test
}  // namespace brood::core
