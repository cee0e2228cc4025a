#include "supervisor/driver/clients.hpp"

#include <iterator>

namespace brood::supervisor {

core::ClientId Clients::add(ClientDone done, SteadyTime deadline, std::size_t outcomes) {
  const core::ClientId id{++last_};
  Client& client = clients_.emplace(id, Client{std::move(done), {}}).first->second;
  client.outcomes.reserve(outcomes);
  deadlines_.add(id.value, deadline);
  return id;
}

void Clients::reply(const core::Reply& reply) {
  const auto found = clients_.find(reply.client);
  if (found == clients_.end()) return;
  Outcomes& outcomes = found->second.outcomes;
  outcomes.insert(outcomes.end(), reply.outcomes.begin(), reply.outcomes.end());
  if (reply.last) finish(reply.client, false);
}

bool Clients::finish(core::ClientId id, bool timed_out) {
  auto found = clients_.extract(id);
  if (found.empty()) return false;
  deadlines_.remove(id.value);
  found.mapped().done(std::move(found.mapped().outcomes), timed_out);
  return true;
}

std::vector<core::ClientId> Clients::expire(SteadyTime now) {
  std::vector<core::ClientId> gone;
  for (const std::uint64_t id : deadlines_.take_due(now)) {
    gone.push_back(core::ClientId{id});
    finish(gone.back(), true);
  }
  return gone;
}

bool Clients::give_up(core::ClientId id) {
  return finish(id, true);
}

void Clients::give_up_all() {
  while (!clients_.empty()) finish(clients_.begin()->first, true);
}

}  // namespace brood::supervisor
