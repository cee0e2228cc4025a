// Id: the name of a child in its supervisor, the same on every node.
#pragma once

#include <brood/term.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace brood {

/// What an id is.
enum class IdKind : std::uint8_t { atom, binary, term };

/// Any Erlang term: text (a binary on the wire), an atom, or a tuple, a number, a list and so on. Each is
/// another id: "a" is <<"a">>, not the atom a. At most 255 bytes (of a term that is neither text nor atom as
/// it is encoded), not empty, without funs: what takes an id says invalid_argument of any other. Plain data.
class Id {
 public:
  Id(const char* text) : term_(Term::binary(text)) {}         // NOLINT: implicit on purpose
  Id(const std::string& text) : term_(Term::binary(text)) {}  // NOLINT
  Id(std::string_view text) : term_(Term::binary(text)) {}    // NOLINT
  Id(Atom atom) : term_(std::move(atom)) {}                   // NOLINT
  /// `Term::tuple({Term::atom("user"), 42})` is {user,42}. One that is no id is found out when it is used.
  Id(Term term) : term_(std::move(term)) {}  // NOLINT

  [[nodiscard]] const Term& term() const { return term_; }
  [[nodiscard]] IdKind kind() const {
    if (term_.as_atom() != nullptr) return IdKind::atom;
    return term_.as_binary() != nullptr ? IdKind::binary : IdKind::term;
  }
  [[nodiscard]] bool is_atom() const { return kind() == IdKind::atom; }
  /// The text, the atom's name, or else the term as Erlang writes it.
  [[nodiscard]] std::string text() const { return kind() == IdKind::term ? to_string(term_) : *term_.text(); }

  friend bool operator==(const Id& a, const Id& b) { return a.term_ == b.term_; }
  friend bool operator<(const Id& a, const Id& b) { return a.term_ < b.term_; }

 private:
  Term term_;
};

}  // namespace brood

#pragma GCC visibility pop
