// Requests that read this node's tables: no network, no waiting, except for those marked below.
#include <algorithm>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/eligibility.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/driver/uptime.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

Term undefined() {
  return Term::atom("undefined");
}

/// The id of items[1]; answers the request itself when it is none.
std::optional<ChildId> id_item(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (id) return *id;
  request->fail(id.error());
  return std::nullopt;
}

bool is_here(const RequestPtr& request, const Place& place) {
  return request->node.is_here(place.host->node);
}

/// Entries that are wanted, in id order, so that an answer is the same on every node.
std::vector<std::pair<ChildId, Entry>> wanted_entries(const RequestPtr& request) {
  std::vector<std::pair<ChildId, Entry>> all;
  request->driver->registry().for_each([&](const ChildId& id, const Entry& entry) {
    if (entry.wanted) all.emplace_back(id, entry);
  });
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return all;
}

/// [{Node, Pid}] of the instances that run.
Term node_pids(const Entry& entry) {
  std::vector<Term> items;
  for (const Place& place : entry.places) {
    if (place.has_pid()) items.push_back(Term::tuple({Term(place.host->node), Term(place.full_pid())}));
  }
  return Term::list(std::move(items));
}

Term metadata_of(const Entry& entry) {
  if (entry.spec->metadata.empty()) return Term::map({});
  auto term = decode_term(entry.spec->metadata);
  return term ? *term : Term::map({});
}

void whereis(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  auto place = request->driver->registry().running(*id);
  request->reply(place ? Term(place->full_pid()) : undefined());
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
  if (auto entry = request->driver->registry().find(*id); entry && entry->wanted) {
    for (const Place& place : entry->places) {
      if (place.has_pid()) pids.emplace_back(place.full_pid());
    }
  }
  request->reply(Term::list(std::move(pids)));
}

void children(const RequestPtr& request) {
  std::vector<std::pair<Term, Term>> map;
  for (const auto& [id, entry] : wanted_entries(request)) {
    const Place* place = entry.running();
    map.emplace_back(id.to_term(), Term::tuple({place ? Term(place->full_pid()) : Term::atom("restarting"),
                                                spec_term(*entry.spec)}));
  }
  request->reply(Term::map(std::move(map)));
}

void local_children(const RequestPtr& request) {
  std::vector<Term> pids;
  for (const auto& [id, entry] : wanted_entries(request)) {
    for (const Place& place : entry.places) {
      if (place.has_pid() && is_here(request, place)) pids.emplace_back(place.full_pid());
    }
  }
  request->reply(Term::list(std::move(pids)));
}

/// local, global, or nothing when the item is neither (answered).
std::optional<bool> scope_item(const RequestPtr& request, std::size_t index) {
  if (request->items[index].is_atom("local")) return true;
  if (request->items[index].is_atom("global")) return false;
  request->fail(Errc::invalid_argument,
                "must be local or global, not " + to_string(request->items[index], 100));
  return std::nullopt;
}

void which_children(const RequestPtr& request) {
  auto local = scope_item(request, 1);
  if (!local) return;
  std::vector<Term> items;
  for (const auto& [id, entry] : wanted_entries(request)) {
    for (const Place& place : entry.places) {
      if (*local && !is_here(request, place)) continue;
      if (!*local && !place.has_pid()) continue;
      items.push_back(
          Term::tuple({id.to_term(), place.has_pid() ? Term(place.full_pid()) : Term::atom("restarting"),
                       Term::atom("worker"), Term::list({Term::atom(entry.spec->worker)})}));
    }
  }
  request->reply(Term::list(std::move(items)));
}

void process_list_of(const RequestPtr& request, bool local, const std::optional<std::string>& tag) {
  std::vector<Term> items;
  for (const auto& [id, entry] : wanted_entries(request)) {
    if (tag && entry.spec->tag != *tag) continue;
    const bool here = std::any_of(entry.places.begin(), entry.places.end(), [&](const Place& place) {
      return place.has_pid() && is_here(request, place);
    });
    if (!local || here) items.push_back(Term::tuple({id.to_term(), node_pids(entry)}));
  }
  request->reply(Term::list(std::move(items)));
}

void process_list(const RequestPtr& request) {
  if (auto local = scope_item(request, 1)) process_list_of(request, *local, std::nullopt);
}

void tag_query(const RequestPtr& request) {
  auto tag = request->items[1].text();
  if (!tag) return request->fail(Errc::invalid_argument, "a tag is text");
  process_list_of(request, false, *tag);
}

void child_lookup(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  auto entry = request->driver->registry().find(*id);
  if (!entry || !entry->wanted) return request->reply(undefined());
  request->reply(Term::tuple({spec_term(*entry->spec), node_pids(*entry), metadata_of(*entry)}));
}

void registry_dump(const RequestPtr& request) {
  std::vector<std::pair<Term, Term>> map;
  for (const auto& [id, entry] : wanted_entries(request)) {
    map.emplace_back(id.to_term(),
                     Term::tuple({spec_term(*entry.spec), node_pids(entry), metadata_of(entry)}));
  }
  request->reply(Term::map(std::move(map)));
}

/// A key of node_for and mine: an id, or any other term by its encoding.
ChildId key_of(const Term& term) {
  auto id = ChildId::from_term(term);
  if (id) return *id;
  return *ChildId::binary(command_token(encode_term(term)));
}

// These ask the core, on the control thread.
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
    for (const NodeName& name : core.up_nodes()) names.emplace_back(name);
    request->reply(Term::list(std::move(names)));
  });
}

// ---- describe: what the command line shows
// ------------------------------------------------------------------

Term instance_map(const Place& place) {
  const std::int64_t up_ms = uptime(place, std::chrono::steady_clock::now()).count();
  return Term::map({{Term::atom("node"), Term(place.host->node)},
                    {Term::atom("pid"), place.has_pid() ? Term(place.full_pid()) : undefined()},
                    {Term::atom("os_pid"), Term(std::int64_t{place.os_pid})},
                    {Term::atom("phase"), Term::atom(core::to_string(place.phase))},
                    {Term::atom("role"), Term::atom("active")},
                    {Term::atom("restarts"), Term(place.restarts)},
                    {Term::atom("uptime_ms"), Term(up_ms)},
                    {Term::atom("epoch"), Term(place.epoch_clock.value)},
                    {Term::atom("reason"), Term::binary(place.reason)}});
}

Term child_map(const ChildId& id, const Entry& entry) {
  std::vector<Term> instances;
  for (const Place& place : entry.places) instances.push_back(instance_map(place));
  const core::Spec& spec = *entry.spec;
  std::vector<Term> tags;
  if (!spec.tag.empty()) tags.push_back(Term::binary(spec.tag));
  return Term::map({{Term::atom("id"), id.to_term()},
                    {Term::atom("worker"), Term::binary(spec.worker)},
                    {Term::atom("restart"), Term::atom(core::to_string(spec.restart))},
                    {Term::atom("tags"), Term::list(std::move(tags))},
                    {Term::atom("static"), Term(spec.is_static)},
                    {Term::atom("wanted"), Term(entry.wanted)},
                    {Term::atom("failed"), Term(entry.failed)},
                    {Term::atom("failure"), Term::binary(entry.failure)},
                    {Term::atom("args"), args_term(spec)},
                    {Term::atom("shutdown"), *spec_term(spec).get("shutdown")},
                    {Term::atom("instances"), Term::list(std::move(instances))}});
}

void describe_one(const RequestPtr& request, const ChildId& id) {
  auto entry = request->driver->registry().find(id);
  if (!entry || !entry->spec) return request->reply(ok_term(Term::list({})));
  request->driver->with_core([request, id, entry = *entry](const core::Core& core) {
    auto map = *child_map(id, entry).as_map();
    const auto placement = core.placement(id);
    map.emplace_back(Term::atom("node_for"), placement.empty() ? undefined() : Term(placement.front()));
    if (const auto why = why_waiting(core, entry))
      map.emplace_back(Term::atom("waiting"), Term::binary(*why));
    request->reply(ok_term(Term::list({Term::map(std::move(map))})));
  });
}

void describe(const RequestPtr& request) {
  const Term& what = request->items[1];
  const bool local = what.is_atom("local");
  std::optional<std::string> tag;
  if (what.is_record("id", 2)) {
    auto id = ChildId::from_term((*what.as_tuple())[1]);
    if (!id) return request->fail(id.error());
    return describe_one(request, *id);
  }
  if (what.is_record("tag", 2)) {
    tag = (*what.as_tuple())[1].text();
    if (!tag) return request->fail(Errc::invalid_argument, "a tag is text");
  } else if (!local && !what.is_atom("all")) {
    return request->fail(Errc::invalid_argument, "describe takes all, local, {id, Id} or {tag, Tag}");
  }
  std::vector<Term> items;
  for (const auto& [id, entry] : wanted_entries(request)) {
    if (tag && entry.spec->tag != *tag) continue;
    if (local && std::none_of(entry.places.begin(), entry.places.end(),
                              [&](const Place& place) { return is_here(request, place); })) {
      continue;
    }
    items.push_back(child_map(id, entry));
  }
  request->reply(ok_term(Term::list(std::move(items))));
}

}  // namespace

std::vector<Route> read_routes() {
  return {
      {"whereis", 2, Needs::member, whereis},
      {"whois", 2, Needs::member, whois},
      {"get_pids", 2, Needs::member, get_pids},
      {"children", 1, Needs::member, children},
      {"local_children", 1, Needs::supervisor, local_children},
      {"which_children", 2, Needs::member, which_children},
      {"process_list", 2, Needs::member, process_list},
      {"tag_query", 2, Needs::member, tag_query},
      {"child_lookup", 2, Needs::member, child_lookup},
      {"registry_dump", 1, Needs::member, registry_dump},
      {"node_for", 2, Needs::member, node_for},
      {"mine", 2, Needs::member, mine},
      {"nodes", 1, Needs::supervisor, nodes},
      {"describe", 2, Needs::member, describe},
  };
}

}  // namespace brood::supervisor
