// Requests about the node itself: its supervisors, members, drain, and its own file.
#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/partition.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds drain_timeout{120000};
constexpr milliseconds reset_timeout{10000};
constexpr milliseconds roster_timeout{10000};

void supervisors(const RequestPtr& request) {
  std::vector<Term> names;
  for (const auto& driver : request->node.drivers()) names.push_back(Term::atom(driver->name()));
  request->reply(Term::list(std::move(names)));
}

void worker_names(const RequestPtr& request) {
  std::vector<Term> names;
  for (const std::string& name : request->node.worker_table().names()) names.push_back(Term::binary(name));
  request->reply(Term::list(std::move(names)));
}

void is_alive(const RequestPtr& request) {
  const auto name = request->items[0].text();
  request->reply(Term(name && request->node.find(*name) != nullptr));
}

void is_locked(const RequestPtr& request) {
  request->driver->with_core(
      [request](const core::Core& core) { request->reply(Term(!core.partition().acting)); });
}

void is_partitioned(const RequestPtr& request) {
  request->driver->with_core([request](const core::Core& core) { request->reply(Term(core.partitioned())); });
}

/// {partition_status, Sup}: the same with the reasons, in words and numbers.
void partition_status(const RequestPtr& request) {
  request->driver->with_core(
      [request](const core::Core& core) { request->reply(ok_term(partition_term(partition_of(core)))); });
}

/// {reset_cluster_size, Sup, N}, {reset_cluster_size, Sup, N, #{timeout => Ms}}
void reset_cluster_size(const RequestPtr& request) {
  const auto* size = request->items[1].as_integer();
  if (!size || *size < 1 || *size > 1'000'000)
    return request->fail(Errc::invalid_argument, "a cluster's size is a number of nodes, at least 1");
  auto options = options_of(request, 2, {"timeout"});
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, reset_timeout);
  if (!timeout) return request->fail(timeout.error());
  request->driver->reset_cluster_size(static_cast<std::uint32_t>(*size), *timeout,
                                      [request](const Outcomes& outcomes, bool timed_out) {
                                        const auto result = reset_result(outcomes, timed_out);
                                        if (!result) return request->fail(result.error());
                                        request->reply(Term::atom("ok"));
                                      });
}

// ---- stats and node_info
// ------------------------------------------------------------------------------------------

using Counters = std::vector<std::pair<Term, Term>>;
void add_count(Counters& counters, std::string_view name, std::uint64_t value) {
  counters.emplace_back(Term::atom(name), Term(static_cast<std::int64_t>(value)));
}

/// {stats, Sup}: counters since the start, and what there is now.
void stats(const RequestPtr& request) {
  request->driver->with_core([request](const core::Core& core) {
    const core::Core::Stats& steps = core.stats();
    Counters of_core;
    add_count(of_core, "steps", steps.steps);
    add_count(of_core, "refused_messages", steps.refused_messages);
    add_count(of_core, "stale_rows", steps.stale_rows);
    add_count(of_core, "clock_refusals", steps.clock_refusals);
    add_count(of_core, "conflicts", steps.conflicts);
    add_count(of_core, "moves", steps.moves);
    add_count(of_core, "handovers", steps.handovers);
    add_count(of_core, "handovers_failed", steps.handovers_failed);
    add_count(of_core, "states_saved", steps.states_saved);
    add_count(of_core, "states_held", steps.states_held);
    add_count(of_core, "states_unheld", steps.states_unheld);
    add_count(of_core, "states_stale", steps.states_stale);
    add_count(of_core, "states_restored", steps.states_restored);
    add_count(of_core, "states_not_followed", core.states_not_followed());
    add_count(of_core, "syncs_sent", steps.syncs_sent);
    add_count(of_core, "deltas_sent", steps.deltas_sent);
    add_count(of_core, "deltas_passed_on", steps.deltas_passed_on);
    add_count(of_core, "deltas_asked_for", steps.deltas_asked_for);
    add_count(of_core, "portions", steps.portions);
    add_count(of_core, "busy", steps.busy);
    add_count(of_core, "fell_behind", steps.fell_behind);
    add_count(of_core, "locks", steps.locks);
    add_count(of_core, "unlocks", steps.unlocks);
    add_count(of_core, "census_changes", steps.census_changes);
    add_count(of_core, "held_takeovers", steps.held_takeovers);
    add_count(of_core, "peers", core.peers());
    const StepTimes times = request->driver->step_times();
    const auto us = [](StepTimes::Duration time) {
      return std::chrono::duration_cast<std::chrono::microseconds>(time).count();
    };
    add_count(of_core, "longest_step_us", us(times.longest_step));
    add_count(of_core, "longest_step_cpu_us", us(times.longest_step_cpu));
    add_count(of_core, "longest_effects_us", us(times.longest_effects));
    add_count(of_core, "longest_us", us(times.longest));
    add_count(of_core, "busy_us", us(times.total));
    const Outbox::Sent& sent = request->driver->sent();
    add_count(of_core, "messages_sent", sent.messages);
    add_count(of_core, "message_bytes_sent", sent.bytes);
    const Term view = Term::map({{Term::atom("hash"), Term(core.view_hash())},
                                 {Term::atom("up"), Term(static_cast<std::int64_t>(core.up_nodes().size()))},
                                 {Term::atom("table"), Term(core.table_digest())},
                                 {Term::atom("confirmed"), Term(core.view_confirmed())},
                                 {Term::atom("fenced"), Term(core.fenced())}});
    const Registry& registry = request->driver->registry();
    Counters of_children;
    add_count(of_children, "wanted", registry.wanted_count());
    add_count(of_children, "known", registry.size());
    const RequestQueue::Stats queue = request->queue->stats();
    Counters of_requests;
    add_count(of_requests, "open", queue.open);
    add_count(of_requests, "bytes", queue.bytes);
    add_count(of_requests, "clients", queue.clients);
    add_count(of_requests, "refused", queue.refused);
    add_count(of_requests, "dropped", queue.dropped);
    const Router::Stats casts = request->node.router().stats();
    Counters of_casts;
    add_count(of_casts, "waiting", casts.waiting);
    add_count(of_casts, "waiting_bytes", casts.waiting_bytes);
    add_count(of_casts, "refused", casts.refused);
    add_count(of_casts, "dropped", casts.dropped);
    const process::RuntimeStats processes = request->node.runtime().stats();
    Counters of_processes;
    add_count(of_processes, "now", processes.processes);
    add_count(of_processes, "delivered", processes.delivered);
    add_count(of_processes, "dropped", processes.dropped);
    add_count(of_processes, "malformed", processes.malformed);
    add_count(of_processes, "stuck", processes.stuck);
    add_count(of_processes, "threads", processes.threads);
    request->reply(ok_term(Term::map({{Term::atom("core"), Term::map(std::move(of_core))},
                                      {Term::atom("view"), view},
                                      {Term::atom("children"), Term::map(std::move(of_children))},
                                      {Term::atom("requests"), Term::map(std::move(of_requests))},
                                      {Term::atom("casts"), Term::map(std::move(of_casts))},
                                      {Term::atom("processes"), Term::map(std::move(of_processes))}})));
  });
}

struct NodeLine {
  std::string state = "unknown";
  bool up = false;
  std::map<std::string, std::int64_t> children;
};

void count_children(const Driver& driver, std::map<NodeName, NodeLine>& lines) {
  for (const auto& [node, count] : driver.registry().counts_by_node()) {
    const auto line = lines.find(node);
    if (line != lines.end()) line->second.children[driver.name()] = count;
  }
}

// Of a node that is no member of any supervisor.
std::string own_state(NodeImpl& node) {
  if (node.drivers().empty()) return "up";
  return node.up().some_are_in() ? "joining" : "refused";
}

void node_info(const RequestPtr& request) {
  std::map<NodeName, NodeLine> lines;
  for (const auto& [node, by_supervisor] : request->node.member_views()) {
    NodeLine& line = lines[node];
    for (const auto& [supervisor, view] : by_supervisor) {
      if (line.state == "unknown" || view.up) line.state = view.state;
      line.up = line.up || view.up;
      line.children.emplace(supervisor, 0);
    }
  }
  NodeLine& own = lines[request->node.name()];
  if (own.state == "unknown") own.state = own_state(request->node);
  if (request->node.drivers().empty()) own.up = true;
  for (const auto& driver : request->node.drivers()) count_children(*driver, lines);
  std::vector<Term> items;
  for (const auto& [node, line] : lines) {
    std::vector<std::pair<Term, Term>> supervisors;
    for (const auto& [name, count] : line.children) {
      supervisors.emplace_back(Term::atom(name), Term::map({{Term::atom("children"), Term(count)}}));
    }
    items.push_back(Term::map({{Term::atom("name"), Term(node)},
                               {Term::atom("up"), Term(line.up)},
                               {Term::atom("self"), Term(node == request->node.name())},
                               {Term::atom("state"), Term::atom(line.state)},
                               {Term::atom("supervisors"), Term::map(std::move(supervisors))}}));
  }
  request->reply(ok_term(Term::list(std::move(items))));
}

// ---- drain and stop ---------------------------------------------------------------------------------------

void answer_drain(const RequestPtr& request, const Result<void>& result) {
  if (!result) return request->fail(result.error());
  request->reply(Term::atom("ok"));
}

void drain_or_undrain(const RequestPtr& request, Driver::Drain kind) {
  auto options = options_of(request, 1, {"timeout"});
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, drain_timeout);
  if (!timeout) return request->fail(timeout.error());
  if (request->items[0].is_atom("all")) {
    request->node.drain(kind, *timeout,
                        [request](const Result<void>& result) { answer_drain(request, result); });
    return;
  }
  const auto name = request->items[0].text();
  auto driver = name ? request->node.find(*name) : nullptr;
  if (!driver) {
    return request->fail(Errc::no_such_supervisor, "no supervisor " + to_string(request->items[0], 100));
  }
  driver->drain(kind, *timeout, [request](const Outcomes& outcomes, bool timed_out) {
    if (timed_out) return request->fail(Errc::timeout, "children are still here");
    for (const auto& outcome : outcomes) {
      if (outcome.error) return answer_drain(request, *outcome.error);
    }
    request->reply(Term::atom("ok"));
  });
}

void drain(const RequestPtr& request) {
  drain_or_undrain(request, Driver::Drain::may_stay);
}
void undrain(const RequestPtr& request) {
  drain_or_undrain(request, Driver::Drain::take_back);
}

// ---- who gets children
// -------------------------------------------------------------------------------------

Result<std::vector<NodeName>> node_list(const Term& term) {
  const auto* list = term.as_list();
  if (!list) return Error{Errc::invalid_argument, "the nodes must be a list of names"};
  std::vector<NodeName> names;
  for (const Term& item : *list) {
    const auto text = item.text();
    auto address =
        text ? parse_node_address(*text)
             : Result<NodeAddress>(Error{Errc::invalid_argument, to_string(item, 100) + " is no node name"});
    if (!address) return address.error();
    names.push_back(address->name);
  }
  return names;
}

void change_roster(const RequestPtr& request, bool adds) {
  auto options = options_of(request, 2, {"timeout"});
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, roster_timeout);
  if (!timeout) return request->fail(timeout.error());
  auto nodes = node_list(request->items[1]);
  if (!nodes) return request->fail(nodes.error());
  std::vector<NodeName> none;
  request->driver->change_roster(
      adds ? *nodes : none, adds ? none : *nodes, *timeout,
      [request](const Outcomes& outcomes, bool timed_out) {
        if (timed_out)
          return request->fail(Errc::timeout, "the change of nodes took too long; it may still happen");
        for (const auto& outcome : outcomes)
          if (outcome.error) return request->fail(*outcome.error);
        request->reply(Term::atom("ok"));
      });
}

void add_nodes(const RequestPtr& request) {
  change_roster(request, true);
}

void remove_nodes(const RequestPtr& request) {
  change_roster(request, false);
}

void stop_supervisor(const RequestPtr& request) {
  const auto name = request->items[0].text();
  const auto driver = name ? request->node.find(*name) : nullptr;
  if (!driver) return request->reply(Term::tuple({Term::atom("error"), Term::atom("not_alive")}));
  request->node.remove_supervisor(driver, [request] { request->reply(Term::atom("ok")); });
}

/// Answers once the members were told: who has the answer knows of each command that is allowed here now.
void reload(const RequestPtr& request) {
  if (auto done = request->node.reload(); !done) return request->fail(done.error());
  // Counted on the control thread alone; one more than supervisors, as there may be none.
  auto left = std::make_shared<std::size_t>(1);
  const auto one_done = [request, left] {
    if (--*left == 0) request->reply(Term::atom("ok"));
  };
  boost::asio::post(request->node.control(), [request, left, one_done] {
    const auto drivers = request->node.drivers();
    *left += drivers.size();
    for (const auto& driver : drivers) driver->when_handled(one_done);
    one_done();
  });
}

/// {promote, Name}; only a process of the node itself can ask, for nobody else reaches it.
void promote(const RequestPtr& request) {
  const auto name = request->items[0].text();
  if (!name)
    return request->fail(Errc::invalid_argument, "a name is an atom or text, as n1@host or n1@host:port");
  if (auto done = request->node.promote(*name, {}); !done) return request->fail(done.error());
  request->reply(Term::atom("ok"));
}

}  // namespace

std::vector<Route> node_routes() {
  return {
      {"supervisors", 0, Needs::nothing, supervisors, Speed::quick},
      {"worker_names", 0, Needs::nothing, worker_names},
      {"node_info", 0, Needs::nothing, node_info},
      {"is_alive", 1, Needs::nothing, is_alive, Speed::quick},
      {"is_locked", 1, Needs::supervisor, is_locked, Speed::quick},
      {"is_partitioned", 1, Needs::supervisor, is_partitioned, Speed::quick},
      {"partition_status", 1, Needs::member, partition_status, Speed::quick},
      {"reset_cluster_size", 2, Needs::member, reset_cluster_size},
      {"reset_cluster_size", 3, Needs::member, reset_cluster_size},
      {"stats", 1, Needs::supervisor, stats, Speed::quick},
      {"drain", 1, Needs::nothing, drain},
      {"drain", 2, Needs::nothing, drain},
      {"undrain", 1, Needs::nothing, undrain},
      {"undrain", 2, Needs::nothing, undrain},
      {"add_nodes", 2, Needs::member, add_nodes},
      {"add_nodes", 3, Needs::member, add_nodes},
      {"remove_nodes", 2, Needs::member, remove_nodes},
      {"remove_nodes", 3, Needs::member, remove_nodes},
      {"stop", 1, Needs::nothing, stop_supervisor},
      {"reload", 0, Needs::nothing, reload},
      {"promote", 1, Needs::nothing, promote},
  };
}

}  // namespace brood::supervisor
