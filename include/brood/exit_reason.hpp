// ExitReason: why a process ended, with OTP's meaning.
#pragma once

#include <brood/term.hpp>
#include <string>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// `normal`, `shutdown` and `{shutdown, Term}` are normal ends; `killed` and everything else are abnormal.
class ExitReason {
 public:
  ExitReason() : term_(Term::atom("normal")) {}
  explicit ExitReason(Term term) : term_(std::move(term)) {}
  [[nodiscard]] static ExitReason normal() { return ExitReason(); }
  [[nodiscard]] static ExitReason shutdown() { return ExitReason(Term::atom("shutdown")); }
  [[nodiscard]] static ExitReason killed() { return ExitReason(Term::atom("killed")); }
  [[nodiscard]] static ExitReason noproc() { return ExitReason(Term::atom("noproc")); }
  [[nodiscard]] static ExitReason noconnection() { return ExitReason(Term::atom("noconnection")); }
  /// `{Tag, <<"what">>}`: an abnormal end with words.
  [[nodiscard]] static ExitReason error(std::string_view tag, std::string_view what) {
    return ExitReason(Term::tuple({Term::atom(tag), Term::binary(what)}));
  }

  [[nodiscard]] const Term& term() const { return term_; }
  [[nodiscard]] bool is_normal() const {
    return term_.is_atom("normal") || term_.is_atom("shutdown") || term_.is_record("shutdown", 2);
  }
  [[nodiscard]] std::string text() const { return to_string(term_, 2000); }
  friend bool operator==(const ExitReason& a, const ExitReason& b) { return a.term_ == b.term_; }

 private:
  Term term_;
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
