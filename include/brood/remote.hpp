// NamedProcess: a process of some node by its registered name, as Erlang's {Name, Node}.
//
//   node.call<int>(brood::remote("counter", "e1@127.0.0.1"), add{5});
#pragma once

#include <brood/term.hpp>

namespace brood {

/// Whom a message or signal is for, on some node.
struct NamedProcess {
  Atom name;
  NodeName node;
  friend auto operator<=>(const NamedProcess&, const NamedProcess&) = default;
};

/// The process registered as `name` on `node` ("name@host"). Nothing is asked: it may not exist.
[[nodiscard]] inline NamedProcess remote(std::string_view name, std::string_view node) {
  return {Atom(name), NodeName(node)};
}

}  // namespace brood
