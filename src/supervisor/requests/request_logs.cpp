// Requests about what an ordinary program wrote: answered by the node that has the log.
#include <fmt/format.h>

#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {
namespace {

constexpr std::chrono::milliseconds forward_timeout{5000};

/// Where the child is, as far as this node knows; an empty name when it is nowhere.
NodeName runs_on(const Entry& entry) {
  return entry.places.empty() ? NodeName{} : entry.places.front().host->node;
}

Term place_term(const NodeName& node) {
  return node.value.empty() ? Term::atom("undefined") : Term(node);
}

void local_logs(const RequestPtr& request, const ChildId& id, const NodeName& runs_on) {
  const Term& options = request->items[2];
  const Term* offset = options.get("offset");
  const Term* bytes = options.get("bytes");
  const Term* lines = options.get("lines");
  const auto limit = bytes && bytes->as_integer() ? *bytes->as_integer() : std::int64_t{1} << 16;
  if (limit < 1 || limit > (std::int64_t{1} << 24)) {
    return request->fail(Errc::invalid_argument, "option bytes: 1 to 16777216");
  }
  const std::string name = request->driver->log_name(id);
  exec::LogText text;
  if (offset && offset->as_integer() && *offset->as_integer() >= 0) {
    text = request->node.launcher().log(name, static_cast<std::uint64_t>(*offset->as_integer()),
                                        static_cast<std::size_t>(limit));
  } else {
    const auto count = lines && lines->as_integer() && *lines->as_integer() >= 0 ? *lines->as_integer() : 100;
    text = request->node.launcher().log_tail(name, static_cast<std::size_t>(count),
                                             static_cast<std::size_t>(limit));
  }
  request->reply(ok_term(Term::map({{Term::atom("text"), Term::binary(text.text)},
                                    {Term::atom("next"), Term(text.next)},
                                    {Term::atom("node"), Term(request->node.name())},
                                    {Term::atom("runs_on"), place_term(runs_on)}})));
}

/// A log as another node gave it, with where the child is as this node knows it.
Term log_term(const Term& log, const NodeName& runs_on) {
  std::vector<std::pair<Term, Term>> entries;
  if (const auto* known = log.as_map()) entries = *known;
  for (auto& [key, value] : entries) {
    if (!key.is_atom("runs_on")) continue;
    value = place_term(runs_on);
  }
  return Term::map(std::move(entries));
}

/// The same request for one node: it answers from its own log, wherever the child is by then.
Term logs_of(const RequestPtr& request, const NodeName& host) {
  std::vector<std::pair<Term, Term>> options;
  for (const char* key : {"offset", "bytes", "lines"}) {
    if (const Term* value = request->items[2].get(key)) options.emplace_back(Term::atom(key), *value);
  }
  options.emplace_back(Term::atom("node"), Term(host));
  return Term::tuple(
      {Term::atom("logs"), request->items[0], request->items[1], Term::map(std::move(options))});
}

/// The node whose log is asked for: the one that is named, or else the one where the child runs.
Result<NodeName> log_host(const RequestPtr& request, const ChildId& id, const EntryPtr& entry) {
  if (const Term* node = request->items[2].get("node")) {
    const NodeName host(node->text().value_or(""));
    if (host == request->node.name() || request->node.connected_creation(host)) return host;
    return Error{Errc::not_member, fmt::format("'{}' is not connected to this node", host.value)};
  }
  if (!entry || !entry->is_shown()) {
    return Error{Errc::no_such_child,
                 fmt::format("no child '{}' in supervisor '{}'", id.text(), request->driver->name())};
  }
  if (!entry->spec->is_program()) {
    return Error{Errc::invalid_argument,
                 fmt::format("'{}' is a C++ worker; only ordinary programs have a log", id.text())};
  }
  return entry->places.empty() ? request->node.name() : runs_on(*entry);
}

void logs(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  const auto options = options_of(request, 2, {"offset", "lines", "bytes", "node", "timeout"});
  if (!options) return request->fail(options.error());
  const auto timeout = timeout_option(*options, forward_timeout);
  if (!timeout) return request->fail(timeout.error());
  const auto entry = request->driver->registry().find(*id);
  const auto host = log_host(request, *id, entry);
  if (!host) return request->fail(host.error());
  if (*host == request->node.name()) return local_logs(request, *id, entry ? runs_on(*entry) : NodeName{});
  request->node.runtime().call_named(
      {Atom("brood"), *host}, encode_term(logs_of(request, *host)), *timeout,
      [request, id = *id](const process::CallResult& result) {
        if (!result) return request->fail(result.error());
        auto answer = decode_term(*result);
        const bool ok = answer && answer->is_record("ok", 2);
        if (!ok) return request->reply_bytes(*result);
        // The other node may have left, and know nothing new of the child.
        const auto now = request->driver->registry().find(id);
        const Term& log = (*answer->as_tuple())[1];
        request->reply(ok_term(log_term(log, now ? runs_on(*now) : NodeName{})));
      });
}

}  // namespace

std::vector<Route> log_routes() {
  return {{"logs", 3, Needs::supervisor, logs}};
}

}  // namespace brood::supervisor
