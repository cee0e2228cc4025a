#include "node/channel/frames.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "node/net/wire.hpp"

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

}  // namespace
}  // namespace brood::node
