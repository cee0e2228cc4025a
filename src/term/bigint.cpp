#include "term/bigint.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace brood::bigint {
namespace {

constexpr std::size_t decimal_bytes_max = 1024;

std::uint8_t byte(const BigInt& value, std::size_t index) {
  return static_cast<std::uint8_t>(value.magnitude[index]);
}

/// magnitude = magnitude * factor + addend.
void multiply_add(BigInt& value, unsigned factor, unsigned addend) {
  std::uint32_t carry = addend;
  for (char& digit : value.magnitude) {
    carry += static_cast<std::uint8_t>(digit) * factor;
    digit = static_cast<char>(carry & 0xFF);
    carry >>= 8;
  }
  for (; carry != 0; carry >>= 8) value.magnitude.push_back(static_cast<char>(carry & 0xFF));
}

int digit_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'Z') return digit - 'A' + 10;
  return 99;
}

std::string to_hex(const BigInt& value) {
  std::string out = value.negative ? "-16#" : "16#";
  constexpr char digits[] = "0123456789ABCDEF";
  for (std::size_t index = value.magnitude.size(); index-- > 0;) {
    const std::uint8_t octet = byte(value, index);
    if (octet >= 16 || index + 1 != value.magnitude.size()) out.push_back(digits[octet >> 4]);
    out.push_back(digits[octet & 15]);
  }
  return out;
}

}  // namespace

void normalise(BigInt& value) {
  const std::size_t last = value.magnitude.find_last_not_of('\0');
  value.magnitude.resize(last == std::string::npos ? 0 : last + 1);
  if (value.magnitude.empty()) value.negative = false;
}

std::optional<std::int64_t> to_int64(const BigInt& value) {
  if (value.magnitude.size() > 8) return std::nullopt;
  std::uint64_t magnitude = 0;
  for (std::size_t index = value.magnitude.size(); index-- > 0;)
    magnitude = magnitude << 8 | byte(value, index);
  constexpr std::uint64_t half = std::uint64_t{1} << 63;
  if (magnitude > half || (magnitude == half && !value.negative)) return std::nullopt;
  return static_cast<std::int64_t>(value.negative ? 0 - magnitude : magnitude);
}

BigInt from_uint64(std::uint64_t value) {
  BigInt out;
  for (; value != 0; value >>= 8) out.magnitude.push_back(static_cast<char>(value & 0xFF));
  return out;
}

BigInt from_int64(std::int64_t value) {
  const auto raw = static_cast<std::uint64_t>(value);
  BigInt out = from_uint64(value < 0 ? 0 - raw : raw);
  out.negative = value < 0;
  return out;
}

BigInt from_double(double value) {
  int exponent = 0;
  const double fraction = std::frexp(std::trunc(std::fabs(value)), &exponent);
  if (exponent <= 0) return {};
  // The 53 bits of the fraction as an integer, to be shifted by what is left of the exponent.
  auto bits = static_cast<std::uint64_t>(std::ldexp(fraction, 53));
  int shift = exponent - 53;
  if (shift < 0) {
    bits >>= -shift;
    shift = 0;
  }
  BigInt out = from_uint64(bits);
  for (; shift % 8 != 0; --shift) multiply_add(out, 2, 0);
  out.magnitude.insert(0, static_cast<std::size_t>(shift / 8), '\0');
  out.negative = value < 0;
  normalise(out);
  return out;
}

std::strong_ordering compare(const BigInt& a, const BigInt& b) {
  if (a.negative != b.negative)
    return a.negative ? std::strong_ordering::less : std::strong_ordering::greater;
  auto order = a.magnitude.size() <=> b.magnitude.size();
  for (std::size_t index = a.magnitude.size(); order == 0 && index-- > 0;)
    order = byte(a, index) <=> byte(b, index);
  return a.negative ? 0 <=> order : order;
}

std::string to_text(const BigInt& value) {
  if (value.magnitude.empty()) return "0";
  if (value.magnitude.size() > decimal_bytes_max) return to_hex(value);
  std::vector<std::uint32_t> groups;  // of nine decimal digits, least first
  for (std::size_t index = value.magnitude.size(); index-- > 0;) {
    std::uint64_t carry = byte(value, index);
    for (std::uint32_t& group : groups) {
      carry += std::uint64_t{group} << 8;
      group = static_cast<std::uint32_t>(carry % 1000000000);
      carry /= 1000000000;
    }
    if (carry != 0) groups.push_back(static_cast<std::uint32_t>(carry));
  }
  std::string out = value.negative ? "-" : "";
  out += std::to_string(groups.back());
  for (std::size_t index = groups.size() - 1; index-- > 0;) {
    const std::string digits = std::to_string(groups[index]);
    out.append(9 - digits.size(), '0').append(digits);
  }
  return out;
}

std::optional<BigInt> from_digits(std::string_view digits, unsigned radix, bool negative) {
  if (digits.empty() || (radix != 16 && digits.size() > digits_max)) return std::nullopt;
  for (const char digit : digits)
    if (digit_value(digit) >= static_cast<int>(radix)) return std::nullopt;
  BigInt out;
  if (radix == 16) {
    for (std::size_t end = digits.size(); end > 0; end -= std::min<std::size_t>(end, 2)) {
      const int high = end > 1 ? digit_value(digits[end - 2]) : 0;
      out.magnitude.push_back(static_cast<char>(high * 16 + digit_value(digits[end - 1])));
    }
  } else {
    for (const char digit : digits) multiply_add(out, radix, static_cast<unsigned>(digit_value(digit)));
  }
  out.negative = negative;
  normalise(out);
  return out;
}

}  // namespace brood::bigint
