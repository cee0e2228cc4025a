#include "node/frames.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "node/send_queue.hpp"
#include "node/wire.hpp"

namespace brood::node {
namespace {

void feed(FrameBuffer& buffer, BytesView bytes) {
  while (!bytes.empty()) {
    const auto space = buffer.space();
    const std::size_t count = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), count);
    buffer.commit(count);
    bytes.remove_prefix(count);
  }
}

Bytes frame(BytesView body) {
  Bytes out;
  wire::put(out, body.size(), 4);
  return out.append(body);
}

TEST(FrameBuffer, CutsTheSameFramesHoweverTheBytesArrive) {
  std::mt19937 random(1);
  Bytes stream;
  std::vector<Bytes> bodies;
  for (int i = 0; i < 300; ++i) {
    const std::size_t size = i % 10 == 0 ? 0 : i % 97 == 1 ? 400'000 : random() % 300;
    bodies.emplace_back(size, static_cast<char>('a' + i % 26));
    stream += frame(bodies.back());
  }
  FrameBuffer buffer(1'000'000);
  std::size_t seen = 0;
  for (std::size_t at = 0; at < stream.size();) {
    const std::size_t count = std::min<std::size_t>(1 + random() % 5000, stream.size() - at);
    feed(buffer, BytesView(stream).substr(at, count));
    at += count;
    for (;;) {
      auto next = buffer.next();
      ASSERT_TRUE(next.has_value());
      if (!next->has_value()) break;
      ASSERT_LT(seen, bodies.size());
      ASSERT_EQ(**next, bodies[seen++]);
    }
  }
  EXPECT_EQ(seen, bodies.size());
}

TEST(FrameBuffer, AFrameOverTheLimitIsAnErrorBeforeItArrives) {
  FrameBuffer buffer(1000);
  feed(buffer, BytesView("\x7f\xff\xff\xff", 4));
  const auto next = buffer.next();
  ASSERT_FALSE(next.has_value());
  EXPECT_EQ(next.error().code, Errc::limit_exceeded);
}

TEST(FrameBuffer, TakesNoMemoryOnAClaimedLength) {
  FrameBuffer buffer(0xffffffff);
  feed(buffer, BytesView("\xf0\x00\x00\x00 xyz", 8));
  ASSERT_TRUE(buffer.next().has_value());
  EXPECT_LT(buffer.space().size(), 1024U * 1024U);
}

TEST(SendQueue, WhatIsGatheredIsWhatWasAppendedHoweverItIsConsumed) {
  std::mt19937 random(2);
  const Pid from{NodeName("a@h"), 1, 2, 3};
  const Pid to{NodeName("b@h"), 4, 5, 6};
  const OutgoingControl control{.op = Op::send_sender, .from = &from, .to = &to};
  SendQueue queue;
  SendQueue waiting;
  Bytes expected;
  Bytes written;
  for (int i = 0; i < 500; ++i) {
    Bytes payload(i % 50 == 0 ? 100'000 : random() % 200, static_cast<char>('a' + i % 26));
    payload.insert(0, 1, static_cast<char>(131));
    Bytes alone;
    const std::size_t start = begin_frame(alone);
    TermWriter writer(alone);
    encode_control(writer, control);
    alone += payload;
    end_frame(alone, start, 0);
    expected += alone;
    EXPECT_EQ(waiting.append(control, std::move(payload)), alone.size());
    if (i % 7 == 0) {
      waiting.append_tick();
      expected.append(4, '\0');
    }
    if (i % 20 == 0) queue.append_all(std::move(waiting));
    iovec slots[8];
    const std::size_t filled = queue.gather(slots);
    std::size_t left = random() % 40'000;
    std::size_t taken = 0;
    for (std::size_t s = 0; s < filled && left > 0; ++s) {
      const std::size_t count = std::min(left, slots[s].iov_len);
      written.append(static_cast<const char*>(slots[s].iov_base), count);
      left -= count;
      taken += count;
    }
    queue.consume(taken);
    ASSERT_EQ(queue.bytes() + waiting.bytes(), expected.size() - written.size());
  }
  queue.append_all(std::move(waiting));
  while (!queue.empty()) {
    iovec slots[3];
    const std::size_t filled = queue.gather(slots);
    std::size_t taken = 0;
    for (std::size_t s = 0; s < filled; ++s) {
      written.append(static_cast<const char*>(slots[s].iov_base), slots[s].iov_len);
      taken += slots[s].iov_len;
    }
    queue.consume(taken);
  }
  EXPECT_EQ(written, expected);
  EXPECT_EQ(queue.bytes(), 0U);
}

}  // namespace
}  // namespace brood::node
