// Requests about what an ordinary program wrote and how it ended: answered by the node that has the log. Of a
// child that runs that is its node; of one that does not, the member whose log is the newest.
#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/log_name.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {
namespace {

constexpr std::chrono::milliseconds logs_timeout{5000};
/// For the question which member has a log; one that is slow is taken for one that has none.
constexpr std::chrono::milliseconds probe_timeout{3000};

/// Where the child is, as far as this node knows; an empty name when it is nowhere.
NodeName runs_on(const Entry& entry) {
  return entry.places.empty() ? NodeName{} : entry.places.front().host->node;
}

Term place_term(const NodeName& node) {
  return node.text().empty() ? Term::atom("undefined") : Term(node);
}

Term last_end_term(const std::optional<exec::LastEnd>& end, const NodeName& node) {
  if (!end) return Term::atom("undefined");
  const auto& status = end->status;
  return Term::map({{Term::atom("node"), Term(node)},
                    {Term::atom("started_ms"), Term(end->started_ms)},
                    {Term::atom("ended_ms"), Term(end->ended_ms)},
                    {Term::atom("code"), Term(std::int64_t{status.code})},
                    {Term::atom("signal"), Term(std::int64_t{status.signal})},
                    {Term::atom("left_behind"), Term(std::int64_t{status.left_behind})},
                    {Term::atom("log_bytes_lost"), Term(status.log_bytes_lost)},
                    {Term::atom("text"), Term::binary(status.text())}});
}

void local_logs(const RequestPtr& request, const ChildId& id, const NodeName& runs_on) {
  const Term& options = request->items[2];
  const Term* offset = options.get("offset");
  const Term* bytes = options.get("bytes");
  const Term* lines = options.get("lines");
  const Term* since = options.get("since_ms");
  const auto limit = bytes && bytes->as_integer() ? *bytes->as_integer() : std::int64_t{1} << 16;
  if (limit < 1 || limit > (std::int64_t{1} << 24)) {
    return request->fail(Errc::invalid_argument, "option bytes: 1 to 16777216");
  }
  const std::string name = log_name(request->driver->name(), id);
  exec::LogText text;
  if (offset && offset->as_integer() && *offset->as_integer() >= 0) {
    text = request->node.launcher().log(name, static_cast<std::uint64_t>(*offset->as_integer()),
                                        static_cast<std::size_t>(limit));
  } else if (since && since->as_integer()) {
    auto& launcher = request->node.launcher();
    text =
        launcher.log(name, launcher.log_since(name, *since->as_integer()), static_cast<std::size_t>(limit));
  } else {
    const auto count = lines && lines->as_integer() && *lines->as_integer() >= 0 ? *lines->as_integer() : 100;
    text = request->node.launcher().log_tail(name, static_cast<std::size_t>(count),
                                             static_cast<std::size_t>(limit));
  }
  request->reply(
      ok_term(Term::map({{Term::atom("text"), Term::binary(text.text)},
                         {Term::atom("offset"), Term(text.offset)},
                         {Term::atom("next"), Term(text.next)},
                         {Term::atom("node"), Term(request->node.name())},
                         {Term::atom("runs_on"), place_term(runs_on)},
                         {Term::atom("last_end"),
                          last_end_term(request->node.launcher().last_end(name), request->node.name())}})));
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
  for (const char* key : {"offset", "bytes", "lines", "since_ms"}) {
    if (const Term* value = request->items[2].get(key)) options.emplace_back(Term::atom(key), *value);
  }
  options.emplace_back(Term::atom("node"), Term(host));
  return Term::tuple(
      {Term::atom("logs"), request->items[0], request->items[1], Term::map(std::move(options))});
}

void logs_from(const RequestPtr& request, const ChildId& id, const NodeName& host,
               std::chrono::milliseconds timeout) {
  if (host == request->node.name()) {
    const auto entry = request->driver->registry().find(id);
    return local_logs(request, id, entry ? runs_on(*entry) : NodeName{});
  }
  request->node.runtime().call_named(
      {Atom("brood"), host}, encode_term(logs_of(request, host)), timeout,
      [request, id](const process::CallResult& result) {
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

// ---- which node has the log of a child that does not run ------------------------------------------------

/// What this node keeps of a child: undefined, or when that last changed and how the last run ended here.
Term kept_log_term(const RequestPtr& request, const ChildId& id) {
  const std::string name = log_name(request->driver->name(), id);
  const auto changed_ms = request->node.launcher().log_changed_ms(name);
  if (!changed_ms) return Term::atom("undefined");
  return Term::map({{Term::atom("node"), Term(request->node.name())},
                    {Term::atom("changed_ms"), Term(*changed_ms)},
                    {Term::atom("last_end"),
                     last_end_term(request->node.launcher().last_end(name), request->node.name())}});
}

using KeptLogs = std::vector<Term>;

/// Asks all members; `then` runs on the query thread with what those that answer keep.
void find_kept_logs(const RequestPtr& request, const ChildId& id, std::function<void(const KeptLogs&)> then) {
  struct Search {
    std::size_t left;
    KeptLogs found;
    std::function<void(const KeptLogs&)> then;
  };
  std::vector<NodeName> others;
  for (const auto& [node, views] : request->node.member_views()) {
    const bool asked = node != request->node.name() && views.contains(request->driver->name());
    if (asked && request->node.connected_creation(node)) others.push_back(node);
  }
  auto search = std::make_shared<Search>(Search{others.size() + 1, {}, std::move(then)});
  // Answers come on several threads; the query thread collects them.
  const auto found = [search, &queries = request->node.queries()](Term kept) {
    boost::asio::post(queries, [search, kept = std::move(kept)] {
      if (kept.as_map() != nullptr) search->found.push_back(kept);
      if (--search->left == 0) search->then(search->found);
    });
  };
  const EncodedTerm question =
      encode_term(Term::tuple({Term::atom("kept_log"), Term::atom(request->driver->name()), id.to_term()}));
  for (const NodeName& node : others) {
    request->node.runtime().call_named({Atom("brood"), node}, question, probe_timeout,
                                       [found](const process::CallResult& result) {
                                         auto answer = result ? decode_term(*result) : result.error();
                                         found(answer ? std::move(*answer) : Term::atom("undefined"));
                                       });
  }
  found(kept_log_term(request, id));
}

/// Of the values that `read` gives, the one with the largest `key`; nullptr if there is none.
template <typename Read>
const Term* newest(const KeptLogs& all, const char* key, Read read) {
  const Term* best = nullptr;
  std::int64_t best_ms = 0;
  for (const Term& kept : all) {
    const Term* value = read(kept);
    const Term* time = value != nullptr && value->as_map() != nullptr ? value->get(key) : nullptr;
    if (time == nullptr || time->as_integer() == nullptr) continue;
    if (best != nullptr && *time->as_integer() <= best_ms) continue;
    best = value;
    best_ms = *time->as_integer();
  }
  return best;
}

/// The log of a child that runs nowhere: of one that ended, was stopped, or is to be started again.
void kept_logs(const RequestPtr& request, const ChildId& id, bool wanted, std::chrono::milliseconds timeout) {
  find_kept_logs(request, id, [request, id, wanted, timeout](const KeptLogs& all) {
    const Term* best = newest(all, "changed_ms", [](const Term& kept) { return &kept; });
    const Term* node = best != nullptr ? best->get("node") : nullptr;
    const auto host = node != nullptr ? node->text() : std::nullopt;
    if (host) return logs_from(request, id, NodeName(*host), timeout);
    if (wanted) return logs_from(request, id, request->node.name(), timeout);
    request->fail(Errc::no_such_child, fmt::format("no child '{}' in supervisor '{}', and no log of one",
                                                   id.text(), request->driver->name()));
  });
}

void logs(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  const auto options = options_of(request, 2, {"offset", "lines", "bytes", "since_ms", "node", "timeout"});
  if (!options) return request->fail(options.error());
  const auto timeout = timeout_option(*options, logs_timeout);
  if (!timeout) return request->fail(timeout.error());
  if (const Term* node = options->get("node")) {
    const NodeName host(node->text().value_or(""));
    if (host == request->node.name() || request->node.connected_creation(host))
      return logs_from(request, *id, host, *timeout);
    return request->fail(Errc::not_member, fmt::format("'{}' is not connected to this node", host.text()));
  }
  const auto entry = request->driver->registry().find(*id);
  const bool wanted = entry && entry->is_shown();
  if (wanted && !entry->spec->is_program()) {
    return request->fail(Errc::invalid_argument,
                         fmt::format("'{}' is a C++ worker; only ordinary programs have a log", id->text()));
  }
  if (wanted && !entry->places.empty()) return logs_from(request, *id, runs_on(*entry), *timeout);
  kept_logs(request, *id, wanted, *timeout);
}

void kept_log(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  request->reply(kept_log_term(request, *id));
}

void last_end(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  find_kept_logs(request, *id, [request](const KeptLogs& all) {
    const Term* best = newest(all, "ended_ms", [](const Term& kept) { return kept.get("last_end"); });
    request->reply(ok_term(best != nullptr ? *best : Term::atom("undefined")));
  });
}

}  // namespace

std::vector<Route> log_routes() {
  return {{"logs", 3, Needs::supervisor, logs},
          {"kept_log", 2, Needs::supervisor, kept_log},
          {"last_end", 2, Needs::supervisor, last_end}};
}

}  // namespace brood::supervisor
