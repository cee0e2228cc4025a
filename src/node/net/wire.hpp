// Big-endian integers in the fixed-layout messages of EPMD and the handshake. Pure functions; a Cursor never
// reads past the end: it goes bad and stays so.
#pragma once

#include <brood/term.hpp>
#include <cstdint>

namespace brood::node::wire {

inline void put(Bytes& out, std::uint64_t value, unsigned bytes) {
  for (unsigned i = bytes; i-- > 0;) out.push_back(static_cast<char>((value >> (8 * i)) & 0xff));
}

/// Overwrites four bytes at `at`.
inline void patch32(Bytes& out, std::size_t at, std::uint32_t value) {
  for (unsigned i = 0; i < 4; ++i) out[at + i] = static_cast<char>((value >> (24 - 8 * i)) & 0xff);
}

/// The `bytes` first octets of `in`, which must have that many.
[[nodiscard]] inline std::uint64_t get(BytesView in, unsigned bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < bytes; ++i) value = (value << 8) | static_cast<unsigned char>(in[i]);
  return value;
}

class Cursor {
 public:
  explicit Cursor(BytesView in) : in_(in) {}
  /// 0 once bad.
  std::uint64_t number(unsigned bytes) {
    const BytesView taken = take(bytes);
    return taken.size() == bytes ? get(taken, bytes) : 0;
  }
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  /// Empty once bad.
  BytesView take(std::size_t count) {
    if (bad_ || count > in_.size()) {
      bad_ = true;
      return {};
    }
    const BytesView taken = in_.substr(0, count);
    in_.remove_prefix(count);
    return taken;
  }
  [[nodiscard]] BytesView rest() const { return in_; }
  [[nodiscard]] bool bad() const { return bad_; }

 private:
  BytesView in_;
  bool bad_ = false;
};

}  // namespace brood::node::wire
