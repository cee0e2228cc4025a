#include "node/channel/frames.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "node/net/wire.hpp"

namespace brood::node {
namespace frames_test {

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
      const auto next = buffer.next();
      if (!next) break;
      ASSERT_LT(seen, bodies.size());
      ASSERT_FALSE(next->is_cut);
      ASSERT_EQ(next->body, bodies[seen++]);
    }
  }
  EXPECT_EQ(seen, bodies.size());
}

TEST(FrameBuffer, OfAFrameOverTheLimitTheBeginningIsShownAndTheRestPassedOver) {
  for (const std::size_t chunk : {std::size_t{1000}, std::size_t{100'000}}) {
    FrameBuffer buffer(70'000);
    const Bytes stream =
        frame(Bytes(300'000, 'x')) + frame("next") + frame(Bytes(70'001, 'y')) + frame("last");
    std::vector<Frame> seen;
    std::vector<Bytes> bodies;
    for (std::size_t at = 0; at < stream.size(); at += chunk) {
      feed(buffer, BytesView(stream).substr(at, chunk));
      while (const auto next = buffer.next()) {
        seen.push_back(*next);
        bodies.emplace_back(next->body);
      }
    }
    ASSERT_EQ(seen.size(), 4U);
    EXPECT_TRUE(seen[0].is_cut && seen[2].is_cut);
    EXPECT_EQ(bodies[0], Bytes(FrameBuffer::cut_bytes, 'x'));
    EXPECT_EQ(bodies[1], "next");
    EXPECT_EQ(bodies[2], Bytes(FrameBuffer::cut_bytes, 'y'));
    EXPECT_EQ(bodies[3], "last");
    EXPECT_LT(buffer.space().size(), 1024U * 1024U);
  }
}

TEST(FrameBuffer, TakesNoMemoryOnAClaimedLength) {
  FrameBuffer buffer(0xffffffff);
  feed(buffer, BytesView("\xf0\x00\x00\x00 xyz", 8));
  EXPECT_FALSE(buffer.next().has_value());
  EXPECT_LT(buffer.space().size(), 1024U * 1024U);
}

}  // namespace frames_test
}  // namespace brood::node
