// Id: the name of a child in its supervisor, the same on every node.
#pragma once

#include <brood/detail/id_key.hpp>
#include <brood/term.hpp>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// Any Erlang term: text (a binary on the wire), an atom, or a tuple, a number, a list and so on. Each is
/// another id: "a" is <<"a">>, not the atom a. At most 255 bytes (of a term that is neither text nor atom as
/// it is encoded), not empty, without funs: what takes an id says invalid_argument of any other. Plain data,
/// cheap to copy and compare; who uses one often keeps it, for making it hashes the text.
class Id {
 public:
  Id() = default;                                              ///< Names no child.
  Id(const char* text) : Id(std::string_view(text)) {}         // NOLINT: implicit on purpose
  Id(const std::string& text) : Id(std::string_view(text)) {}  // NOLINT
  Id(std::string_view text);                                   // NOLINT
  Id(const Atom& atom);                                        // NOLINT
  /// `Term::tuple({Term::atom("user"), 42})` is {user,42}. One that is no id is found out when it is used.
  Id(const Term& term);  // NOLINT
  explicit Id(detail::IdKey key) : key_(std::move(key)) {}

  [[nodiscard]] bool empty() const { return key_.empty() && !odd_; }  ///< As of Id().
  [[nodiscard]] Term term() const;
  [[nodiscard]] IdKind kind() const;
  [[nodiscard]] bool is_atom() const { return kind() == IdKind::atom; }
  /// The text, the atom's name, or else the term as Erlang writes it.
  [[nodiscard]] std::string text() const;

  /// Empty where it is no id.
  [[nodiscard]] const detail::IdKey& key() const { return key_; }

  friend bool operator==(const Id& a, const Id& b) {
    return a.key_ == b.key_ && (!a.key_.empty() || a.term() == b.term());
  }
  /// An order of no meaning.
  friend bool operator<(const Id& a, const Id& b) {
    return a.key_.empty() && b.key_.empty() ? a.term() < b.term() : a.key_ < b.key_;
  }
  template <typename Char, typename Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out, const Id& id) {
    return out << id.text();
  }

 private:
  detail::IdKey key_;
  std::shared_ptr<const Term> odd_;  ///< What is no id, so that this can be said of it.
};

}  // namespace brood::inline v0

template <>
struct std::hash<brood::Id> {
  std::size_t operator()(const brood::Id& id) const noexcept {
    return static_cast<std::size_t>(id.key().hash());
  }
};

#pragma GCC visibility pop
