// Any bytes as a message between cores: what is accepted must come back the same from its own encoding.
#include <cstddef>
#include <cstdint>

#include "core/wire/wire.hpp"

using namespace brood;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = core::decode(BytesView(reinterpret_cast<const char*>(data), size));
  if (!body) return 0;
  const Bytes bytes = core::encode(*body);
  const auto again = core::decode(bytes);
  BROOD_CHECK(again, "our own encoding can be read");
  BROOD_CHECK(core::encode(*again) == bytes, "a message has one encoding");
  return 0;
}
