#include "node/peers/global_peer.hpp"

#include <brood/codec.hpp>

namespace brood::node {

std::optional<EncodedTerm> answer_to_global(const NodeName& self, BytesView term) {
  TermReader in(term);
  if (!in.version() || !in.tuple(2)) return std::nullopt;
  const auto cast = in.atom_view();
  if (!cast || *cast != "$gen_cast" || !in.tuple(4)) return std::nullopt;
  const auto greeting = in.atom_view();
  if (!greeting || *greeting != "init_connect") return std::nullopt;
  return encode_term(Term::tuple(
      {Term::atom("$gen_cast"), Term::tuple({Term::atom("in_sync"), Term::atom(self.text()), true})}));
}

}  // namespace brood::node
