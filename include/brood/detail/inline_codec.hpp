// The parts of TermWriter and TermReader that are short and run for every field of every message, inline.
// Included by codec.hpp only.
#pragma once

#include <brood/codec.hpp>
#include <cstring>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

/// Appends `sizeof(T)` bytes, most significant first.
template <typename T>
inline char* put_big_endian(char* at, T value) {
  for (std::size_t shift = sizeof(T) * 8; shift > 0; shift -= 8)
    *at++ = static_cast<char>(static_cast<std::uint8_t>(value >> (shift - 8)));
  return at;
}

inline std::uint32_t get_u32(const char* at) {
  const auto* byte = reinterpret_cast<const unsigned char*>(at);
  return std::uint32_t{byte[0]} << 24 | std::uint32_t{byte[1]} << 16 | std::uint32_t{byte[2]} << 8 | byte[3];
}

inline std::uint16_t get_u16(const char* at) {
  const auto* byte = reinterpret_cast<const unsigned char*>(at);
  return static_cast<std::uint16_t>(byte[0] << 8 | byte[1]);
}

/// A tag and a length of 32 bits.
inline void put_header(Bytes& out, char tag, std::size_t length) {
  BROOD_CHECK(length <= UINT32_MAX, "a term of more than 4 GiB cannot be encoded");
  char header[5] = {tag};
  put_big_endian(header + 1, static_cast<std::uint32_t>(length));
  out.append(header, sizeof header);
}

/// Whether all of up to 255 bytes are below 128.
inline bool is_ascii(const char* at, std::size_t size) {
  std::uint64_t seen = 0;
  for (; size >= 8; at += 8, size -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    seen |= word;
  }
  for (; size > 0; ++at, --size) seen |= static_cast<unsigned char>(*at);
  return (seen & 0x8080808080808080ULL) == 0;
}

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

inline void TermWriter::version() {
  out_.push_back(static_cast<char>(131));
}
inline void TermWriter::nil() {
  out_.push_back(106);
}

inline void TermWriter::integer(std::int64_t value) {
  if (value >= 0 && value < 256) {
    const char small[2] = {97, static_cast<char>(static_cast<std::uint8_t>(value))};
    out_.append(small, 2);
  } else if (value >= INT32_MIN && value <= INT32_MAX) {
    char bytes[5] = {98};
    detail::put_big_endian(bytes + 1, static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
    out_.append(bytes, 5);
  } else {
    wide_integer(value < 0,
                 value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
  }
}

inline void TermWriter::unsigned_integer(std::uint64_t value) {
  if (value <= INT32_MAX) {
    integer(static_cast<std::int64_t>(value));
  } else {
    wide_integer(false, value);
  }
}

inline void TermWriter::atom(std::string_view name) {
  if (name.size() > 255 || !detail::is_ascii(name.data(), name.size())) return atom_slow(name);
  const char header[2] = {119, static_cast<char>(static_cast<std::uint8_t>(name.size()))};
  out_.append(header, 2).append(name);
}

inline void TermWriter::binary(BytesView bytes) {
  detail::put_header(out_, 109, bytes.size());
  out_.append(bytes);
}

inline void TermWriter::tuple(std::size_t arity) {
  if (arity < 256) {
    const char header[2] = {104, static_cast<char>(static_cast<std::uint8_t>(arity))};
    out_.append(header, 2);
  } else {
    detail::put_header(out_, 105, arity);
  }
}

inline void TermWriter::list(std::size_t length) {
  if (length > 0) detail::put_header(out_, 108, length);
}

inline void TermWriter::map(std::size_t size) {
  detail::put_header(out_, 116, size);
}

inline Result<std::int64_t> TermReader::integer() {
  if (left() >= 2 && byte_at(0) == 97) {
    const std::int64_t value = byte_at(1);
    position_ += 2;
    return value;
  }
  if (left() >= 5 && byte_at(0) == 98) {
    const auto value = static_cast<std::int32_t>(detail::get_u32(bytes_.data() + position_ + 1));
    position_ += 5;
    return std::int64_t{value};
  }
  return integer_slow();
}

inline Result<std::string_view> TermReader::atom_view() {
  if (left() >= 2 && byte_at(0) == 119) {
    const std::size_t size = byte_at(1);
    if (left() - 2 >= size && detail::is_ascii(bytes_.data() + position_ + 2, size)) {
      const auto name = bytes_.substr(position_ + 2, size);
      position_ += 2 + size;
      return name;
    }
  }
  return atom_view_slow();
}

inline Result<BytesView> TermReader::binary() {
  if (left() >= 5 && byte_at(0) == 109) {
    const std::size_t size = detail::get_u32(bytes_.data() + position_ + 1);
    if (left() - 5 >= size) {
      const auto content = bytes_.substr(position_ + 5, size);
      position_ += 5 + size;
      return content;
    }
  }
  return binary_failed();
}

inline Result<std::size_t> TermReader::tuple() {
  if (left() >= 2 && byte_at(0) == 104) {
    const std::size_t arity = byte_at(1);
    if (left() - 2 >= arity) {
      position_ += 2;
      return arity;
    }
  }
  return tuple_slow();
}

inline bool TermReader::try_unsigned(std::uint64_t& value) noexcept {
  const std::size_t size = left();
  if (size < 2) return false;
  const std::uint8_t tag = byte_at(0);
  if (tag == 97) {
    value = byte_at(1);
    position_ += 2;
    return true;
  }
  if (tag == 98 && size >= 5 && byte_at(1) < 0x80) {
    value = detail::get_u32(bytes_.data() + position_ + 1);
    position_ += 5;
    return true;
  }
  const std::size_t length = byte_at(1);
  if (tag != 110 || length > 8 || size < 3 + length || byte_at(2) != 0) return false;
  value = 0;
  for (std::size_t at = length; at-- > 0;) value = value << 8 | byte_at(3 + at);
  position_ += 3 + length;
  return true;
}

inline bool TermReader::try_nil() noexcept {
  if (left() < 1 || byte_at(0) != 106) return false;
  ++position_;
  return true;
}

inline bool TermReader::try_tuple(std::size_t arity) noexcept {
  if (left() < 2 + arity || byte_at(0) != 104 || byte_at(1) != arity) return false;
  position_ += 2;
  return true;
}

inline bool TermReader::try_binary(BytesView& content) noexcept {
  if (left() < 5 || byte_at(0) != 109) return false;
  const std::size_t size = detail::get_u32(bytes_.data() + position_ + 1);
  if (left() - 5 < size) return false;
  content = BytesView(bytes_.data() + position_ + 5, size);
  position_ += 5 + size;
  return true;
}

inline bool TermReader::try_atom(std::string_view& name) noexcept {
  if (left() < 2 || byte_at(0) != 119) return false;
  const std::size_t size = byte_at(1);
  if (left() - 2 < size) return false;
  name = std::string_view(bytes_.data() + position_ + 2, size);
  position_ += 2 + size;
  return true;
}

inline bool TermReader::enter() {
  if (depth_ >= limits_.depth_max) return false;
  ++depth_;
  return true;
}

}  // namespace brood::inline v0

#pragma GCC visibility pop
