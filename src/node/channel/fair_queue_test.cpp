#include "node/channel/fair_queue.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>

#include "node/channel/assembler.hpp"
#include "node/channel/frames.hpp"

namespace brood::node {
namespace fair_queue_test {

const NodeName near("a@h");
const Pid to{NodeName("b@h"), 4, 5, 6};

Pid process(std::uint32_t id) {
  return {near, id, 0, 3};
}

EncodedTerm payload(std::size_t size, char fill = 'x') {
  return EncodedTerm(Bytes(1, version_byte).append(size, fill));
}

/// What arrives at the other end, in order: the sender, and the payload with version byte.
class Receiver {
 public:
  struct Message {
    IncomingControl control;
    Bytes term;
  };

  void feed(BytesView bytes) {
    while (!bytes.empty()) {
      const auto space = frames_.space();
      const std::size_t count = std::min(space.size(), bytes.size());
      std::memcpy(space.data(), bytes.data(), count);
      frames_.commit(count);
      bytes.remove_prefix(count);
      read();
    }
  }
  std::vector<Message> messages;
  std::size_t longest_frame = 0;
  std::size_t ticks = 0;

 private:
  void read() {
    for (;;) {
      const auto frame = frames_.next();
      if (!frame) return;
      ASSERT_FALSE(frame->is_cut);
      if (frame->body.empty()) {
        ++ticks;
        continue;
      }
      longest_frame = std::max(longest_frame, frame->body.size());
      auto message = assembler_.take(*frame);
      ASSERT_TRUE(message.has_value()) << message.error().message;
      if (!message->has_value()) continue;
      Message& got = messages.emplace_back();
      auto decoded = decode_control((*message)->body, {}, got.control, assembler_.payload());
      ASSERT_TRUE(decoded.has_value()) << decoded.error().message;
      got.term = got.control.term();
    }
  }

  FrameBuffer frames_{1 << 30};
  Assembler assembler_{{.message_bytes_max = 1 << 30, .bytes_max = 1 << 30}};
};

/// Writes at most `limit` bytes of `out`, as a socket would.
std::size_t write_some(SendQueue& out, std::size_t limit, Receiver& receiver) {
  iovec slots[8];
  const std::size_t filled = out.gather(slots);
  std::size_t written = 0;
  for (std::size_t s = 0; s < filled && written < limit; ++s) {
    const std::size_t count = std::min(limit - written, slots[s].iov_len);
    receiver.feed(BytesView(static_cast<const char*>(slots[s].iov_base), count));
    written += count;
  }
  out.consume(written);
  return written;
}

void write_all(FairQueue& queue, Receiver& receiver) {
  SendQueue out;
  while (queue.refill(out)) {
    while (!out.empty()) write_some(out, SIZE_MAX, receiver);
  }
}

TEST(FairQueue, APeerWithoutFragmentsGetsEachMessageInAFrameOfItsOwn) {
  FairQueue queue;
  queue.set_framing(Framing::bare);
  Receiver receiver;
  const Pid from = process(7);
  const EncodedTerm large = payload(5 * fragment_bytes);
  queue.append({.op = Op::send, .from = &from, .to = &to}, EncodedTerm(large));
  queue.append({.op = Op::send, .from = &from, .to = &to}, payload(3));
  queue.append({.op = Op::link, .from = &from, .to = &to}, {});
  const EncodedTerm reason = encode_term(Term::atom("crashed"));
  queue.append({.op = Op::exit, .from = &from, .to = &to}, EncodedTerm(reason));
  write_all(queue, receiver);
  ASSERT_EQ(receiver.messages.size(), 4U);
  EXPECT_EQ(receiver.messages[0].term, large);
  EXPECT_EQ(receiver.messages[1].term, payload(3));
  EXPECT_EQ(receiver.messages[2].control.op, Op::link);
  EXPECT_EQ(receiver.messages[3].control.op, Op::payload_exit);
  EXPECT_EQ(receiver.messages[3].control.reason, reason.view().substr(1));
  EXPECT_GT(receiver.longest_frame, large.size());
}

TEST(FairQueue, SmallMessagesOfOthersDoNotCountWhatStandsInLine) {
  FairQueue queue;
  const Pid large = process(1);
  const Pid small = process(2);
  queue.append({.op = Op::send_sender, .from = &large, .to = &to}, payload(10 * fragment_bytes));
  queue.append({.op = Op::send_sender, .from = &small, .to = &to}, payload(100));
  EXPECT_GT(queue.bytes_in_line(), 10 * fragment_bytes);
  EXPECT_LT(queue.bytes() - queue.bytes_in_line(), 1000U);
  EXPECT_FALSE(queue.must_stand_in_line({.op = Op::send_sender, .from = &small, .to = &to}, 100));
  EXPECT_TRUE(queue.must_stand_in_line({.op = Op::send_sender, .from = &large, .to = &to}, 100));
  EXPECT_TRUE(
      queue.must_stand_in_line({.op = Op::send_sender, .from = &small, .to = &to}, 2 * fragment_bytes));
}

TEST(FairQueue, EverySendersMessagesArriveInOrderAndAsTheyWereSent) {
  std::mt19937 random(2);
  FairQueue queue;
  SendQueue out;
  Receiver receiver;
  std::map<std::uint32_t, std::vector<Bytes>> expected;
  std::size_t appended = 0;
  std::size_t written = 0;
  for (int i = 0; i < 2000; ++i) {
    const Pid from = process(1 + static_cast<std::uint32_t>(random() % 5));
    const std::size_t size = i % 40 == 0   ? random() % (6 * fragment_bytes)
                             : i % 13 == 0 ? 20'000 + random() % 50'000
                                           : 1 + random() % 200;
    EncodedTerm term = payload(size + 1, static_cast<char>('a' + i % 26));
    expected[from.id].push_back(term.octets());
    appended += queue.append({.op = Op::send_sender, .from = &from, .to = &to}, std::move(term));
    if (i % 50 == 0) appended += queue.append_tick();
    if (out.empty()) queue.refill(out);
    written += write_some(out, random() % 60'000, receiver);
    ASSERT_EQ(queue.bytes() + out.bytes() + written, appended);
  }
  while (!out.empty()) written += write_some(out, SIZE_MAX, receiver);
  write_all(queue, receiver);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(receiver.ticks, 40U);
  EXPECT_LE(receiver.longest_frame, fragment_bytes + 200);
  std::map<std::uint32_t, std::vector<Bytes>> got;
  for (auto& message : receiver.messages) got[message.control.from.id].push_back(std::move(message.term));
  EXPECT_TRUE(got == expected);
}

TEST(FairQueue, SizesAroundAFragmentArrive) {
  FairQueue queue;
  Receiver receiver;
  const Pid from = process(1);
  std::vector<std::size_t> sizes;
  for (const std::size_t whole : {std::size_t{0}, fragment_bytes / 2, fragment_bytes, 3 * fragment_bytes}) {
    for (std::size_t size = whole == 0 ? 1 : whole - 2; size < whole + 3; ++size) sizes.push_back(size);
  }
  std::size_t appended = 0;
  for (const std::size_t size : sizes)
    appended += queue.append({.op = Op::send_sender, .from = &from, .to = &to}, payload(size));
  EXPECT_EQ(queue.bytes(), appended);
  write_all(queue, receiver);
  ASSERT_EQ(receiver.messages.size(), sizes.size());
  for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(receiver.messages[i].term.size(), sizes[i] + 1);
}

TEST(FairQueue, ALargeTermThatIsSentTwiceIsNotCopiedAndCountsTwice) {
  const Pid from = process(1);
  const EncodedTerm term = payload(3 * fragment_bytes);
  for (const Framing framing : {Framing::header, Framing::bare}) {
    FairQueue queue;
    queue.set_framing(framing);
    Receiver receiver;
    SendQueue out;
    for (int i = 0; i < 2; ++i)
      queue.append({.op = Op::send_sender, .from = &from, .to = &to}, EncodedTerm(term));
    EXPECT_GT(queue.bytes(), 2 * term.size());
    std::size_t in_place = 0;
    while (queue.refill(out)) {
      iovec slots[16];
      const std::size_t filled = out.gather(slots);
      for (std::size_t s = 0; s < filled; ++s) {
        const char* at = static_cast<const char*>(slots[s].iov_base);
        const bool is_of_term = at > term.view().data() && at < term.view().data() + term.size();
        if (is_of_term) in_place += slots[s].iov_len;
      }
      while (!out.empty()) write_some(out, SIZE_MAX, receiver);
    }
    EXPECT_EQ(in_place, 2 * (term.size() - 1));
    ASSERT_EQ(receiver.messages.size(), 2U);
    EXPECT_EQ(receiver.messages[0].term, term);
    EXPECT_EQ(receiver.messages[1].term, term);
  }
}

TEST(FairQueue, SmallMessagesOfOthersPassALargeOne) {
  FairQueue queue;
  Receiver receiver;
  SendQueue out;
  const Pid large = process(1);
  const Pid small = process(2);
  queue.append({.op = Op::send_sender, .from = &large, .to = &to}, payload(100 * fragment_bytes));
  queue.append({.op = Op::send_sender, .from = &large, .to = &to}, payload(1));
  ASSERT_TRUE(queue.refill(out));
  while (!out.empty()) write_some(out, SIZE_MAX, receiver);
  queue.append({.op = Op::send_sender, .from = &small, .to = &to}, payload(2));
  ASSERT_TRUE(queue.refill(out));
  while (!out.empty()) write_some(out, SIZE_MAX, receiver);
  ASSERT_EQ(receiver.messages.size(), 1U);
  EXPECT_EQ(receiver.messages[0].control.from, small);
  write_all(queue, receiver);
  ASSERT_EQ(receiver.messages.size(), 3U);
  EXPECT_EQ(receiver.messages[1].term.size(), 100 * fragment_bytes + 1);
  EXPECT_EQ(receiver.messages[2].term.size(), 2U);
}

TEST(FairQueue, LargeMessagesOfTwoSendersTakeTurns) {
  FairQueue queue;
  Receiver receiver;
  const Pid first = process(1);
  const Pid second = process(2);
  queue.append({.op = Op::send_sender, .from = &first, .to = &to}, payload(50 * fragment_bytes));
  queue.append({.op = Op::send_sender, .from = &second, .to = &to}, payload(2 * fragment_bytes));
  write_all(queue, receiver);
  ASSERT_EQ(receiver.messages.size(), 2U);
  EXPECT_EQ(receiver.messages[0].control.from, second);
}

TEST(FairQueue, CallersFromOutsideProcessesDoNotWaitForEachOther) {
  FairQueue queue;
  Receiver receiver;
  const Pid outside = process(0);
  const Pid other{NodeName("b@h"), 44, 5, 6};
  const Atom name("server");
  const Ref alias{NodeName("b@h"), 6, {1, 2, 3}};
  queue.append({.op = Op::send_sender, .from = &outside, .to = &to}, payload(10 * fragment_bytes));
  queue.append({.op = Op::send_sender, .from = &outside, .to = &to}, payload(1));
  queue.append({.op = Op::send_sender, .from = &outside, .to = &other}, payload(2));
  queue.append({.op = Op::reg_send, .from = &outside, .name = &name}, payload(3));
  queue.append({.op = Op::alias_send, .from = &outside, .ref = &alias}, payload(4));
  write_all(queue, receiver);
  std::vector<std::size_t> sizes;
  for (const auto& message : receiver.messages) sizes.push_back(message.term.size() - 1);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{2, 3, 4, 10 * fragment_bytes, 1}));
}

}  // namespace fair_queue_test
}  // namespace brood::node
