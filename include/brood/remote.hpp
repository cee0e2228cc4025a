// Address: a process of any node, brood's or Erlang's: by its pid, by its registered name (Erlang's {Name,
// Node}), or by an alias that it made.
//
//   node.call<int>(brood::remote("counter", "e1@127.0.0.1"), add{5});
#pragma once

#include <brood/term.hpp>
#include <variant>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// Whom a message or signal is for, on some node.
struct NamedProcess {
  Atom name;
  NodeName node;
  friend auto operator<=>(const NamedProcess&, const NamedProcess&) = default;
};

/// The process registered as `name` on `node` ("name@host"). Nothing is asked: it may not exist.
[[nodiscard]] inline NamedProcess remote(std::string_view name, const NodeName& node) {
  return {Atom(name), node};
}

/// Pid, name or alias. Erlang can neither monitor nor link an alias, so whoever waits for an answer by one
/// learns of a lost node, but of a process that has ended only by the time-out.
using Address = std::variant<Pid, NamedProcess, Ref>;

}  // namespace brood::inline v0

#pragma GCC visibility pop
