#include "supervisor/driver/outbox.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include "core/wire/wire.hpp"

namespace brood::supervisor {

void Outbox::send(const std::vector<core::Send>& sends) {
  struct Letter {
    NodeName to;
    std::vector<EncodedTerm> terms;
  };
  std::vector<Letter> letters;
  boost::unordered_flat_map<NodeName, std::size_t, std::hash<NodeName>> letter_of;
  for (auto one = sends.rbegin(); one != sends.rend(); ++one)
    for (const NodeName& to : one->to)
      if (letter_of.try_emplace(to, letters.size()).second) letters.push_back({to, {}});
  for (const core::Send& one : sends) {
    if (one.to.empty()) continue;
    EncodedTerm term = encoded(one);
    for (std::size_t i = 0; i + 1 < one.to.size(); ++i)
      letters[letter_of.at(one.to[i])].terms.push_back(term);
    letters[letter_of.at(one.to.back())].terms.push_back(std::move(term));
  }
  for (Letter& letter : letters) post_(letter.to, std::move(letter.terms));
}

EncodedTerm Outbox::encoded(const core::Send& one) {
  const Bytes body = core::encode(one.body);
  EncodedTerm term;
  term.reserve(body.size() + supervisor_.size() + 16);
  TermWriter writer(term);
  writer.version();
  writer.tuple(2);
  writer.atom(supervisor_);
  writer.binary(body);
  sent_.messages += one.to.size();
  sent_.bytes += one.to.size() * term.size();
  return term;
}

}  // namespace brood::supervisor
