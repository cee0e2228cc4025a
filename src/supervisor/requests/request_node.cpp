// Requests about the node itself: its supervisors, members, drain, and its own file.
#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds drain_timeout{120000};

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
  request->driver->with_core([request](const core::Core& core) { request->reply(Term(core.fenced())); });
}

/// No partition strategy but divergence yet: a node never stands aside for want of a quorum.
void is_partitioned(const RequestPtr& request) {
  request->reply(Term(false));
}

// ---- node_info ------------------------------------------------------------------------------------------

struct NodeLine {
  std::string state = "unknown";
  bool up = false;
  std::map<std::string, std::int64_t> children;
};

void count_children(const Driver& driver, std::map<NodeName, NodeLine>& lines) {
  driver.registry().for_each([&](const ChildId&, const Entry& entry) {
    for (const Place& place : entry.places) {
      auto line = lines.find(place.host->node);
      if (line != lines.end() && place.has_pid()) ++line->second.children[driver.name()];
    }
  });
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
  if (own.state == "unknown") own.state = request->node.drivers().empty() ? "up" : "joining";
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
  if (result) return request->reply(Term::atom("ok"));
  if (result.error().code == Errc::no_target) {
    return request->reply(Term::tuple({Term::atom("error"), Term::atom("no_target")}));
  }
  request->fail(result.error());
}

Result<milliseconds> drain_patience(const RequestPtr& request) {
  const Term* value = request->items.size() > 1 ? request->items[1].get("timeout") : nullptr;
  if (!value) return drain_timeout;
  const auto* number = value->as_integer();
  if (!number || *number < 0 || *number > 86'400'000)
    return Error{Errc::invalid_argument, "option timeout: must be milliseconds, at most a day"};
  return milliseconds(*number);
}

void drain(const RequestPtr& request) {
  const auto timeout = drain_patience(request);
  if (!timeout) return request->fail(timeout.error());
  if (request->items[0].is_atom("all")) {
    request->node.drain(Driver::Drain::may_stay, *timeout,
                        [request](const Result<void>& result) { answer_drain(request, result); });
    return;
  }
  const auto name = request->items[0].text();
  auto driver = name ? request->node.find(*name) : nullptr;
  if (!driver) {
    return request->fail(Errc::no_such_supervisor, "no supervisor " + to_string(request->items[0], 100));
  }
  driver->drain(Driver::Drain::may_stay, *timeout, [request](const Outcomes& outcomes, bool timed_out) {
    if (timed_out) return request->fail(Errc::timeout, "children are still here");
    for (const auto& outcome : outcomes) {
      if (outcome.error) return answer_drain(request, *outcome.error);
    }
    request->reply(Term::atom("ok"));
  });
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
      {"supervisors", 0, Needs::nothing, supervisors},
      {"worker_names", 0, Needs::nothing, worker_names},
      {"node_info", 0, Needs::nothing, node_info},
      {"is_alive", 1, Needs::nothing, is_alive},
      {"is_locked", 1, Needs::supervisor, is_locked},
      {"is_partitioned", 1, Needs::supervisor, is_partitioned},
      {"drain", 1, Needs::nothing, drain},
      {"drain", 2, Needs::nothing, drain},
      {"stop", 1, Needs::nothing, stop_supervisor},
      {"reload", 0, Needs::nothing, reload},
      {"promote", 1, Needs::nothing, promote},
  };
}

}  // namespace brood::supervisor
