// Id: the name of a child in its supervisor, the same on every node.
#pragma once

#include <brood/term.hpp>
#include <optional>
#include <string>
#include <string_view>

#pragma GCC visibility push(default)

namespace brood {

/// Text (a binary on the wire) or an atom; they are different ids. 1 to 255 bytes: what takes an id says
/// invalid_argument of any other. Plain data.
class Id {
 public:
  Id(const char* text) : term_(Term::binary(text)) {}         // NOLINT: implicit on purpose
  Id(const std::string& text) : term_(Term::binary(text)) {}  // NOLINT
  Id(std::string_view text) : term_(Term::binary(text)) {}    // NOLINT
  Id(Atom atom) : term_(std::move(atom)) {}                   // NOLINT
  /// Of a term as Erlang has it; one that is no id is found out when it is used.
  [[nodiscard]] static Id of(Term term) { return Id(std::move(term), 0); }

  [[nodiscard]] const Term& term() const { return term_; }
  [[nodiscard]] bool is_atom() const { return term_.as_atom() != nullptr; }
  /// The text, or the atom's name.
  [[nodiscard]] std::string text() const { return term_.text().value_or(std::string()); }

  friend bool operator==(const Id& a, const Id& b) { return a.term_ == b.term_; }
  friend bool operator<(const Id& a, const Id& b) { return a.term_ < b.term_; }

 private:
  Id(Term term, int /*of()*/) : term_(std::move(term)) {}
  Term term_;
};

}  // namespace brood

#pragma GCC visibility pop
