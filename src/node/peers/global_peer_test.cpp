#include "node/peers/global_peer.hpp"

#include <gtest/gtest.h>

namespace brood::node {
namespace global_peer_test {

const NodeName self("a@h");

EncodedTerm cast(const Term& message) {
  return encode_term(Term::tuple({Term::atom("$gen_cast"), message}));
}

TEST(GlobalPeer, AGreetingIsAnsweredAsInSync) {
  const auto answer = answer_to_global(
      self, cast(Term::tuple({Term::atom("init_connect"), Term::tuple({8, 17}), Term::atom("b@h"), Term()})));
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(encoded_to_string(*answer), "{'$gen_cast',{in_sync,a@h,true}}");
}

TEST(GlobalPeer, NothingElseIsAnswered) {
  EXPECT_FALSE(answer_to_global(self, "").has_value());
  EXPECT_FALSE(answer_to_global(self, encode_term(Term::atom("init_connect"))).has_value());
  EXPECT_FALSE(answer_to_global(self, cast(Term::tuple({Term::atom("in_sync"), Term::atom("b@h"), true}))));
  EXPECT_FALSE(answer_to_global(self, cast(Term::tuple({Term::atom("resolved"), 1, 2, 3}))).has_value());
}

}  // namespace global_peer_test
}  // namespace brood::node
