#include "supervisor/node/otp_names.hpp"

#include <gtest/gtest.h>

#include "process/calls/gen_protocol.hpp"

namespace brood::supervisor {
namespace otp_names_test {

const Pid caller{NodeName("erl@h"), 7, 0, 3};
const Ref ref{NodeName("erl@h"), 3, {1, 2, 3}};

Term atom(std::string_view text) {
  return Term::atom(text);
}

process::Incoming call(const Term& request) {
  return {caller, process::make_gen_call(process::make_from(caller, ref), encode_term(request))};
}

TEST(OtpNames, APingIsAnsweredYes) {
  const auto answer = answer_of_net_kernel(call(Term::tuple({atom("is_auth"), atom("erl@h")})));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(encoded_to_string(answer->answer), "yes");
  EXPECT_EQ(answer->caller, process::make_from(caller, ref));
}

TEST(OtpNames, WhatElseNetKernelIsAskedIsRefused) {
  const auto answer =
      answer_of_net_kernel(call(Term::tuple({atom("spawn"), atom("m"), atom("f"), Term(), caller})));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(encoded_to_string(answer->answer), "{error,notsup}");
  EXPECT_FALSE(answer_of_net_kernel({caller, encode_term(atom("hello"))}).has_value());
  EXPECT_FALSE(answer_of_net_kernel({caller, EncodedTerm("rubbish")}).has_value());
}

TEST(OtpNames, RexRefusesInTheShapeOfItsCaller) {
  const Term request = Term::tuple({atom("call"), atom("erlang"), atom("node"), Term(), atom("user")});
  const auto gen = answer_of_rex(call(request));
  ASSERT_TRUE(gen.has_value());
  EXPECT_EQ(encoded_to_string(gen->answer), "{badrpc,notsup}");
  EXPECT_FALSE(gen->caller.empty());
  const auto bare = answer_of_rex({{}, encode_term(Term::tuple({caller, request}))});
  ASSERT_TRUE(bare.has_value());
  EXPECT_TRUE(bare->caller.empty());
  EXPECT_EQ(bare->to, caller);
  EXPECT_EQ(encoded_to_string(bare->answer), "{rex,{badrpc,notsup}}");
  EXPECT_FALSE(answer_of_rex({caller, process::make_gen_cast(encode_term(request))}).has_value());
  EXPECT_FALSE(answer_of_rex({caller, encode_term(Term::tuple({caller, atom("hello")}))}).has_value());
}

}  // namespace otp_names_test
}  // namespace brood::supervisor
