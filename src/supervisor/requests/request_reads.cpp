// Requests that read about one child, one key or the members: answered at once, from this node's tables; the
// marked ones on the control thread.
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/child_terms.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

Term undefined() {
  return Term::atom("undefined");
}

void whereis(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  const auto pid = request->driver->registry().running(*id);
  request->reply(pid ? Term(*pid) : undefined());
}

void whois(const RequestPtr& request) {
  const Pid* pid = request->items[1].as_pid();
  auto id = pid ? request->driver->registry().whois(request->node.present(*pid)) : std::nullopt;
  request->reply(id ? id->to_term() : undefined());
}

void get_pids(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  std::vector<Term> pids;
  if (const EntryPtr entry = request->driver->registry().find(*id); entry && entry->wanted) {
    for (const Place& place : entry->places) {
      if (place.has_pid()) pids.emplace_back(place.full_pid());
    }
  }
  request->reply(Term::list(std::move(pids)));
}

void child_lookup(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  const EntryPtr entry = request->driver->registry().find(*id);
  if (!entry || !entry->is_shown()) return request->reply(undefined());
  request->reply(Term::tuple({spec_term(*id, *entry->spec), node_pids(*entry), metadata_of(*entry->spec)}));
}

/// A key of node_for and mine: an id, or any other term by its encoding.
ChildId key_of(const Term& term) {
  auto id = ChildId::from_term(term);
  if (id) return *id;
  return *ChildId::binary(command_token(encode_term(term)));
}

// ---- these ask the core, on the control thread -----------------------------------------------------------

void node_for(const RequestPtr& request) {
  request->driver->with_core([request, key = key_of(request->items[1])](const core::Core& core) {
    auto node = core.node_for(key);
    if (!node) return request->fail(Errc::no_target, "no member of the supervisor is up");
    request->reply(Term(*node));
  });
}

void mine(const RequestPtr& request) {
  request->driver->with_core([request, key = key_of(request->items[1])](const core::Core& core) {
    request->reply(Term(core.node_for(key) == request->node.name()));
  });
}

void nodes(const RequestPtr& request) {
  request->driver->with_core([request](const core::Core& core) {
    std::vector<Term> names;
    for (const NodeName& name : core.ring_nodes()) names.emplace_back(name);
    request->reply(Term::list(std::move(names)));
  });
}

}  // namespace

std::vector<Route> read_routes() {
  return {
      {"whereis", 2, Needs::member, whereis, Speed::quick},
      {"whois", 2, Needs::member, whois, Speed::quick},
      {"get_pid", 2, Needs::member, whereis, Speed::quick},
      {"get_pids", 2, Needs::member, get_pids, Speed::quick},
      {"child_lookup", 2, Needs::member, child_lookup, Speed::quick},
      {"node_for", 2, Needs::member, node_for, Speed::quick},
      {"mine", 2, Needs::member, mine, Speed::quick},
      {"nodes", 1, Needs::supervisor, nodes, Speed::quick},
  };
}

}  // namespace brood::supervisor
