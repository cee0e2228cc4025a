// EncodedTerm: an Erlang term as it travels, which is a type of its own: text, a file's content and a term
// that was encoded are all octets, and only the last is what a child's arguments or a message can be.
//
// Thread rule: plain data.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// Octets of any kind.
using Bytes = std::string;
using BytesView = std::string_view;

/// One term in the External Term Format, with the version byte 131. encode() and args() make it; who has the
/// octets of a term from elsewhere says so: `EncodedTerm(octets)`. That is not checked before it is read, by
/// decode() or decode_term(). Empty: no term. It costs what its octets cost: a move copies none of them.
class EncodedTerm {
 public:
  EncodedTerm() noexcept = default;
  explicit EncodedTerm(Bytes octets) noexcept : octets_(std::move(octets)) {}
  template <std::convertible_to<BytesView> Text>
  requires(!std::same_as<Text, EncodedTerm>) EncodedTerm& operator=(const Text& /*text*/) {
    constexpr bool is_term = sizeof(Text) == 0;  // never
    static_assert(is_term, "brood: text is no term: encode() and brood::args() make an EncodedTerm of it");
    return *this;
  }

  [[nodiscard]] bool empty() const noexcept { return octets_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return octets_.size(); }
  /// With the version byte; valid as long as this term is there and does not change.
  [[nodiscard]] BytesView view() const noexcept { return octets_; }
  operator BytesView() const noexcept { return octets_; }  // NOLINT: to read a term is to read its octets
  [[nodiscard]] const Bytes& octets() const& noexcept { return octets_; }
  /// `std::move(term).octets()`: without a copy.
  [[nodiscard]] Bytes octets() && noexcept { return std::move(octets_); }
  void clear() noexcept { octets_.clear(); }
  void reserve(std::size_t octets) { octets_.reserve(octets); }

  friend bool operator==(const EncodedTerm&, const EncodedTerm&) = default;
  friend bool operator==(const EncodedTerm& term, BytesView octets) noexcept {
    return term.octets_ == octets;
  }

 private:
  friend class TermWriter;
  Bytes octets_;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
