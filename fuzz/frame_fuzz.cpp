// A stream of bytes cut into frames, put together where they are fragments, and decoded as control messages;
// the same frames must come out however the bytes arrive, and nothing may be held beyond the limits.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "node/channel/assembler.hpp"
#include "node/channel/control.hpp"
#include "node/channel/frames.hpp"

namespace {

using namespace brood;
using namespace brood::node;

/// The bodies; of those that are larger than may be the beginning, behind "cut ".
std::vector<Bytes> cut(BytesView input, std::size_t chunk) {
  std::vector<Bytes> bodies;
  FrameBuffer buffer(1 << 20);
  for (;;) {
    const auto frame = buffer.next();
    if (frame) {
      bodies.push_back(Bytes(frame->is_cut ? "cut " : "").append(frame->body));
      continue;
    }
    if (input.empty()) return bodies;
    const auto space = buffer.space();
    const std::size_t count = std::min({space.size(), input.size(), chunk});
    std::memcpy(space.data(), input.data(), count);
    buffer.commit(count);
    input.remove_prefix(count);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const BytesView input(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto bodies = cut(input, SIZE_MAX);
  BROOD_CHECK(bodies == cut(input, 1 + data[0] % 64), "frames depend on how the bytes arrive");
  IncomingControl control;
  constexpr AssemblyLimits limits{.message_bytes_max = 1 << 16, .bytes_max = 1 << 17, .messages_max = 4};
  Assembler assembler(limits);
  for (const Bytes& body : bodies) {
    const auto message = assembler.take({.body = body});
    BROOD_CHECK(assembler.incomplete() <= limits.messages_max && assembler.bytes() <= limits.bytes_max,
                "more is held than the limits allow");
    if (!message) break;
    if (message->has_value() && decode_control((*message)->body, {}, control, assembler.payload()))
      (void)control.term();
  }
  // Most inputs are no frames; the decoder sees them all the same.
  (void)decode_control(Bytes(1, pass_through).append(input), {}, control);
  Bytes headed;
  put_header(headed);
  (void)decode_control(headed.append(input), {}, control);
  return 0;
}
