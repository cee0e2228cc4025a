// EncodedTerm: an Erlang term as it travels, which is a type of its own: text, a file's content and a term
// that was encoded are all octets, and only the last is what a child's arguments or a message can be.
//
// Thread rule: plain data.
#pragma once

#include <brood/detail/shared_octets.hpp>
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
/// decode() or decode_term(). Empty: no term. A move copies no octets, and neither does a copy of a large
/// term that encode() or encode_term() made, or that arrived: it can be sent again and again.
class EncodedTerm {
 public:
  EncodedTerm() noexcept = default;
  EncodedTerm(const EncodedTerm&) = default;
  EncodedTerm(EncodedTerm&&) noexcept = default;
  EncodedTerm& operator=(const EncodedTerm&) = default;
  EncodedTerm& operator=(EncodedTerm&&) noexcept = default;
  /// Inline: a message is moved from one place to the next some ten times, and each leaves an empty one.
  [[gnu::always_inline]] ~EncodedTerm() {}  // NOLINT
  explicit EncodedTerm(Bytes octets) : octets_(std::move(octets)) { share(); }
  template <std::convertible_to<BytesView> Text>
  requires(!std::same_as<Text, EncodedTerm>) EncodedTerm& operator=(const Text& /*text*/) {
    constexpr bool is_term = sizeof(Text) == 0;  // never
    static_assert(is_term, "brood: text is no term: encode() and brood::args() make an EncodedTerm of it");
    return *this;
  }

  [[nodiscard]] bool empty() const noexcept { return octets().empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return octets().size(); }
  /// With the version byte; valid as long as this term is there and does not change.
  [[nodiscard]] BytesView view() const noexcept { return octets(); }
  operator BytesView() const noexcept { return octets(); }  // NOLINT: to read a term is to read its octets
  [[nodiscard]] const Bytes& octets() const& noexcept { return shared_ ? *shared_ : octets_; }
  /// `std::move(term).octets()`: without a copy, unless copies of a large term are about.
  [[nodiscard]] Bytes octets() && { return std::move(own()); }
  /// `std::move(term).shared()`: without a copy, for several to hold.
  [[nodiscard]] detail::SharedOctets shared() && {
    if (!shared_) move_to_shared();
    return std::move(shared_);
  }
  void clear() noexcept {
    octets_.clear();
    shared_ = {};
  }
  void reserve(std::size_t octets) { own().reserve(octets); }

  /// To be called once a term is written: copies of it share the octets, if they are many.
  void share() {
    if (octets_.size() >= shared_bytes_min) move_to_shared();
  }

  friend bool operator==(const EncodedTerm& a, const EncodedTerm& b) noexcept { return a.view() == b.view(); }
  friend bool operator==(const EncodedTerm& term, BytesView octets) noexcept { return term.view() == octets; }

 private:
  friend class TermWriter;

  /// A copy of less is cheaper than a place that several hold.
  static constexpr std::size_t shared_bytes_min = 32 * 1024;

  /// The octets, to be changed.
  Bytes& own() {
    if (shared_) octets_ = std::move(shared_).take();
    return octets_;
  }
  void move_to_shared() { shared_ = detail::SharedOctets(std::move(octets_)); }

  Bytes octets_;
  detail::SharedOctets shared_;  ///< Of a large one, in place of octets_.
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
