#include "supervisor/driver/outbox.hpp"

#include <gtest/gtest.h>

#include "core/wire/wire.hpp"

namespace brood::supervisor {
namespace outbox_test {

TEST(Outbox, EachReceiverGetsTheSameTermUnderTheSupervisorsName) {
  std::vector<std::pair<NodeName, EncodedTerm>> sent;
  Outbox outbox("web", [&](const NodeName& to, std::vector<EncodedTerm> terms) {
    for (EncodedTerm& term : terms) sent.emplace_back(to, std::move(term));
  });
  outbox.send(
      {core::Send{{NodeName("a@t"), NodeName("b@t")}, core::Goodbye{}}, core::Send{{}, core::Goodbye{}}});
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_EQ(sent[0].first.text(), "a@t");
  EXPECT_EQ(sent[0].second, sent[1].second);
  TermReader reader(sent[1].second);
  ASSERT_TRUE(reader.version() && reader.tuple(2));
  EXPECT_EQ(*reader.atom(), "web");
  const auto body = core::decode(*reader.binary());
  ASSERT_TRUE(body);
  EXPECT_TRUE(std::holds_alternative<core::Goodbye>(*body));
  EXPECT_EQ(outbox.sent().messages, 2U);
  EXPECT_EQ(outbox.sent().bytes, 2 * sent[1].second.size());
}

TEST(Outbox, WhatAStepSaysToOneIsOnePieceInItsOrderAndWhoHasTheLastWordComesFirst) {
  const NodeName a("a@t"), b("b@t"), c("c@t");
  std::vector<std::pair<NodeName, std::vector<std::string>>> sent;
  Outbox outbox("web", [&](const NodeName& to, std::vector<EncodedTerm> terms) {
    auto& [receiver, tags] = sent.emplace_back(to, std::vector<std::string>());
    for (const EncodedTerm& term : terms) {
      TermReader reader(term);
      ASSERT_TRUE(reader.version() && reader.tuple(2) && reader.atom());
      const auto body = core::decode(*reader.binary());
      ASSERT_TRUE(body);
      tags.emplace_back(std::holds_alternative<core::Delta>(*body)      ? "delta"
                        : std::holds_alternative<core::DeltaAck>(*body) ? "ack"
                                                                        : "answer");
    }
  });
  outbox.send({core::Send{{a, b, c}, core::Delta{}}, core::Send{{b}, core::DeltaAck{}},
               core::Send{{a}, core::Answer{}}, core::Send{{}, core::Goodbye{}}});
  const std::vector<std::pair<NodeName, std::vector<std::string>>> expected = {
      {a, {"delta", "answer"}}, {b, {"delta", "ack"}}, {c, {"delta"}}};
  EXPECT_EQ(sent, expected);
  EXPECT_EQ(outbox.sent().messages, 5U);
}

}  // namespace outbox_test
}  // namespace brood::supervisor
