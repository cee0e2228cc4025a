#include "supervisor/driver/outbox.hpp"

#include "core/wire/wire.hpp"

namespace brood::supervisor {

void Outbox::send(const std::vector<core::Send>& sends) {
  for (const core::Send& each : sends) send(each);
}

void Outbox::send(const core::Send& one) {
  if (one.to.empty()) return;
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
  for (std::size_t i = 0; i + 1 < one.to.size(); ++i) post_(one.to[i], term);
  post_(one.to.back(), std::move(term));
}

}  // namespace brood::supervisor
