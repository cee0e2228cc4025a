// phash2: Erlang's erlang:phash2, for what names things: atoms, binaries, integers and tuples of them. The
// same number on every OTP release, machine and byte order, which OTP promises too.
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
#include <string_view>

namespace brood {

/// The hash of one term, built from its parts: a tuple is its arity and then each of its items, so that a
/// tuple need not be made to be hashed.
class Phash2 {
 public:
  Phash2& tuple(std::uint32_t arity);
  Phash2& atom(std::string_view utf8);
  Phash2& binary(BytesView bytes);
  Phash2& integer(std::int64_t value);
  Phash2& big(const BigInt& value);
  /// erlang:phash2(Term, 1 bsl 32). Of `erlang:phash2(Term, Range)` it is the remainder by Range.
  [[nodiscard]] std::uint32_t value() const { return hash_; }

 private:
  void words(std::uint32_t first, std::uint32_t second, std::uint32_t constant);

  std::uint32_t hash_ = 0;
};

/// erlang:phash2(term, 1 bsl 32); nullopt for a term that is, or has in it, something else than atoms,
/// binaries, integers and tuples.
[[nodiscard]] std::optional<std::uint32_t> phash2(const Term& term);

}  // namespace brood
