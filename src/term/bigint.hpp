// Arithmetic on BigInt that terms need: normal form, order, text. No general arithmetic.
//
// Thread rule: pure functions.
#pragma once

#include <brood/term.hpp>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace brood::bigint {

/// Removes leading zeros (the last bytes); zero is never negative.
void normalise(BigInt& value);
/// As 64 bits where it fits. `value` is in normal form.
[[nodiscard]] std::optional<std::int64_t> to_int64(const BigInt& value);
[[nodiscard]] BigInt from_int64(std::int64_t value);
[[nodiscard]] BigInt from_uint64(std::uint64_t value);
/// The whole part of a finite float, towards zero.
[[nodiscard]] BigInt from_double(double value);
[[nodiscard]] std::strong_ordering compare(const BigInt& a, const BigInt& b);

/// Decimal digits up to 1024 bytes of magnitude, beyond that Erlang's 16#..., for decimal costs quadratic
/// time.
[[nodiscard]] std::string to_text(const BigInt& value);
/// Digits of that radix (2 to 36) without sign; nullopt at a character that is no digit. At most
/// `digits_max` digits for another radix than 16, for the same reason.
inline constexpr std::size_t digits_max = 10000;
[[nodiscard]] std::optional<BigInt> from_digits(std::string_view digits, unsigned radix, bool negative);

}  // namespace brood::bigint
