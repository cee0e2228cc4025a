// phash2: Erlang's erlang:phash2, for all terms but funs. The same number on every OTP release, machine and
// byte order, which OTP promises too.
//
// Source: "erlang:phash2", ERTS reference manual, for the promise; the algorithm (Bob Jenkins' hash of 1996
// over the parts of a term, hashpjw over the names of atoms) is told by OTP itself: phash2_test.cpp and
// oracle_test.cpp compare.
//
// Thread rule: pure functions.
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace brood::inline v0 {

/// The hash of one term, built from its parts: a tuple is its arity and then each of its items, so that a
/// tuple need not be made to be hashed. Each part counts upon the hash of those before it.
class Phash2 {
 public:
  Phash2& tuple(std::uint32_t arity);
  Phash2& atom(std::string_view utf8);
  Phash2& binary(BytesView bytes);
  Phash2& integer(std::int64_t value);
  Phash2& big(const BigInt& value);
  Phash2& real(double value);
  Phash2& bitstring(const Bitstring& value);
  Phash2& pid(const Pid& value);
  Phash2& port(const Port& value);
  Phash2& ref(const Ref& value);
  /// The end of a proper list, and the empty one.
  Phash2& nil();
  /// Bytes of a list, one behind the other. They end where another item comes, or the list does.
  Phash2& octets(std::span<const std::uint8_t> bytes);
  /// A map of so many entries; `entries`: the hashes of each key with its value behind it, xor-ed together.
  Phash2& map(std::uint32_t size, std::uint32_t entries);
  /// erlang:phash2(Term, 1 bsl 32). Of `erlang:phash2(Term, Range)` it is the remainder by Range.
  [[nodiscard]] std::uint32_t value() const { return hash_; }

 private:
  void words(std::uint32_t first, std::uint32_t second, std::uint32_t constant);

  std::uint32_t hash_ = 0;
};

/// erlang:phash2(term, 1 bsl 32); nullopt for a term that is a fun, or has one in it.
[[nodiscard]] std::optional<std::uint32_t> phash2(const Term& term);

}  // namespace brood::inline v0
