#include "supervisor/driver/outbox.hpp"

#include <gtest/gtest.h>

#include "core/wire/wire.hpp"

namespace brood::supervisor {
namespace outbox_test {

TEST(Outbox, EachReceiverGetsTheSameTermUnderTheSupervisorsName) {
  std::vector<std::pair<NodeName, EncodedTerm>> sent;
  Outbox outbox("web", [&](const NodeName& to, EncodedTerm term) { sent.emplace_back(to, std::move(term)); });
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

}  // namespace outbox_test
}  // namespace brood::supervisor
