#include "node/channel/dialect.hpp"

#include <gtest/gtest.h>

#include "node/channel/waiting.hpp"
#include "node/handshake/flags.hpp"

namespace brood::node {
namespace dialect_test {

const Pid from{NodeName("a@h"), 1, 2, 3};
const Pid to{NodeName("b@h"), 4, 5, 6};
const Atom name("server");
const Ref ref{NodeName("a@h"), 3, {7, 8, 9}};

/// What libei and Jinterface of OTP 25 announce.
constexpr std::uint64_t libei =
    flag::mandatory_25 | flag::dist_monitor | flag::small_atom_tags | flag::v4_nc | flag::unlink_id;
constexpr std::uint64_t jinterface = flag::mandatory_25 | flag::v4_nc | flag::unlink_id;

/// The op that is sent for `control`, or what is done instead.
std::string sent(std::uint64_t flags, const OutgoingControl& control) {
  Outgoing message{control, {}};
  switch (fit(Dialect::of(flags), message)) {
    case Fit::goes:
      return std::to_string(static_cast<int>(message.control.op));
    case Fit::goes_quiet:
      return "quiet " + std::to_string(static_cast<int>(message.control.op));
    case Fit::needless:
      return "needless";
    case Fit::no_monitor:
      return "no_monitor";
    case Fit::lost:
      return "lost";
  }
  return "?";
}

TEST(Dialect, ToOtpEveryMessageGoesAsItIs) {
  EXPECT_TRUE(Dialect::of(flag::announced).is_full());
  for (const Op op :
       {Op::send_sender, Op::alias_send, Op::payload_exit, Op::payload_exit2, Op::monitor_p, Op::demonitor_p,
        Op::payload_monitor_p_exit, Op::unlink_id, Op::unlink_id_ack, Op::link, Op::reg_send}) {
    EXPECT_EQ(sent(flag::announced, {.op = op, .from = &from, .to = &to, .ref = &ref}),
              std::to_string(static_cast<int>(op)));
  }
}

TEST(Dialect, CAndJavaNodesAreAskedNothingThatTheyCannotDo) {
  for (const std::uint64_t flags : {libei, jinterface}) {
    const Dialect dialect = Dialect::of(flags);
    EXPECT_FALSE(dialect.is_full());
    EXPECT_FALSE(dialect.answers_anybody);
    EXPECT_EQ(dialect.framing, Framing::bare);
    EXPECT_EQ(sent(flags, {.op = Op::send_sender, .from = &from, .to = &to}), "2");
    EXPECT_EQ(sent(flags, {.op = Op::reg_send, .from = &from, .name = &name}), "6");
    EXPECT_EQ(sent(flags, {.op = Op::alias_send, .from = &from, .to = &to, .ref = &ref}), "2");
    EXPECT_EQ(sent(flags, {.op = Op::alias_send, .from = &from, .ref = &ref}), "lost");
    EXPECT_EQ(sent(flags, {.op = Op::payload_exit, .from = &from, .to = &to}), "3");
    EXPECT_EQ(sent(flags, {.op = Op::payload_exit2, .from = &from, .to = &to}), "8");
    EXPECT_EQ(sent(flags, {.op = Op::payload_monitor_p_exit, .from = &from, .to = &to, .ref = &ref}), "21");
    EXPECT_EQ(sent(flags, {.op = Op::monitor_p, .from = &from, .to = &to, .ref = &ref}), "no_monitor");
    EXPECT_EQ(sent(flags, {.op = Op::monitor_p, .from = &from, .to = &to, .ref = &ref, .of_call = true}),
              "needless");
    EXPECT_EQ(sent(flags, {.op = Op::demonitor_p, .from = &from, .to = &to, .ref = &ref}), "needless");
    EXPECT_EQ(sent(flags, {.op = Op::unlink_id, .from = &from, .to = &to, .id = 5}), "35");
    EXPECT_EQ(sent(flags, {.op = Op::link, .from = &from, .to = &to}), "1");
  }
}

TEST(Dialect, ThePlainestPeerUnlinksWithoutAcknowledgement) {
  EXPECT_EQ(sent(flag::required, {.op = Op::unlink_id, .from = &from, .to = &to, .id = 5}), "quiet 4");
  EXPECT_EQ(sent(flag::required, {.op = Op::unlink_id_ack, .from = &from, .to = &to, .id = 0}), "needless");
}

TEST(Waiting, KeepsMessagesAsTheyWereWhateverBecomesOfWhatTheyPointedAt) {
  Waiting waiting;
  {
    const Pid sender = from;
    const Atom receiver = name;
    const Ref alias = ref;
    const Bytes head = "head";
    waiting.append({.op = Op::reg_send, .from = &sender, .name = &receiver, .head = head},
                   EncodedTerm("payload"));
    waiting.append({.op = Op::alias_send, .from = &sender, .to = &to, .ref = &alias, .id = 9}, {});
  }
  EXPECT_EQ(waiting.size(), 2U);
  EXPECT_GT(waiting.bytes(), 10U);
  std::vector<Op> seen;
  waiting.hand_over([&](const Outgoing& message) {
    seen.push_back(message.control.op);
    EXPECT_EQ(*message.control.from, from);
    if (message.control.op == Op::reg_send) {
      EXPECT_EQ(*message.control.name, name);
      EXPECT_EQ(message.control.to, nullptr);
      EXPECT_EQ(message.control.head, "head");
      EXPECT_EQ(message.payload, "payload");
    } else {
      EXPECT_EQ(*message.control.ref, ref);
      EXPECT_EQ(*message.control.to, to);
    }
  });
  EXPECT_EQ(seen, (std::vector{Op::reg_send, Op::alias_send}));
  EXPECT_TRUE(waiting.empty());
  EXPECT_EQ(waiting.bytes(), 0U);
}

}  // namespace dialect_test
}  // namespace brood::node
