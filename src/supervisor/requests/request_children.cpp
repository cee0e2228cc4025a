// Requests that change or reach children: start, stop, call, cast, send, retry.
#include <fmt/format.h>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds start_timeout{10000};
constexpr milliseconds batch_timeout{60000};

Pid pid_of(const core::Outcome& outcome) {
  return {outcome.host->node, outcome.pid.id, outcome.pid.serial, outcome.host->creation};
}

/// The reason as OTP users know it: {already_started, Pid}, or {Code, <<"words">>}.
Term reason_term(const core::Outcome& outcome) {
  const Error& error = *outcome.error;
  if (error.code == Errc::already_started && outcome.host) {
    return Term::tuple({Term::atom("already_started"), Term(pid_of(outcome))});
  }
  return Term::tuple({Term::atom(to_string(error.code)), Term::binary(error.message)});
}

Error timed_out_error(const std::string& what) {
  return {Errc::timeout,
          fmt::format("{} took too long; it may still happen: look before you repeat it", what)};
}

Result<milliseconds> timeout_option(const Term& options, milliseconds fallback) {
  const Term* value = options.get("timeout");
  if (!value) return fallback;
  const auto* number = value->as_integer();
  if (!number || *number < 0 || *number > 86'400'000) {
    return Error{Errc::invalid_argument, "option timeout: must be milliseconds, at most a day"};
  }
  return milliseconds(*number);
}

Result<std::optional<NodeName>> node_option(const Term& options) {
  const Term* value = options.get("node");
  if (!value) return std::optional<NodeName>{};
  auto text = value->text();
  if (!text || text->empty()) return Error{Errc::invalid_argument, "option node: must be a node's name"};
  return std::optional<NodeName>(NodeName(*text));
}

Result<Term> options_of(const RequestPtr& request, std::size_t index) {
  if (request->items.size() <= index) return Term::map({});
  const Term& options = request->items[index];
  if (options.as_map()) return options;
  if (options.as_list() && options.as_list()->empty()) return Term::map({});
  return Error{Errc::invalid_argument, "options must be a map, not " + to_string(options, 200)};
}

void start_child(const RequestPtr& request) {
  auto spec = core_spec(request->items[1], request->node);
  if (!spec) return request->fail(spec.error());
  if (auto may = request->may_start(*request->driver, **spec); !may) return request->fail(may.error());
  auto options = options_of(request, 2);
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, start_timeout);
  auto on = node_option(*options);
  if (!timeout) return request->fail(timeout.error());
  if (!on) return request->fail(on.error());
  request->driver->start(
      core::StartMode::start, {*spec}, *on, *timeout, [request](const Outcomes& outcomes, bool) {
        if (outcomes.empty()) return request->fail(timed_out_error("the start"));
        const auto& outcome = outcomes.front();
        if (outcome.error) {
          return request->reply(Term::tuple({Term::atom("error"), reason_term(outcome)}));
        }
        request->reply(Term::tuple({Term::atom("ok"), Term(pid_of(outcome)), outcome.id.to_term()}));
      });
}

/// [{Id, Node, Reason}] and the ids that were asked for but not answered.
struct BatchErrors {
  std::vector<Term> terms;
  void add(const core::Outcome& outcome, const Term& reason) {
    Term node = outcome.host ? Term(outcome.host->node) : Term::atom("undefined");
    terms.push_back(Term::tuple({outcome.id.to_term(), std::move(node), reason}));
  }
  void add_missing(const std::vector<ChildId>& asked, const Outcomes& outcomes) {
    std::set<ChildId> answered;
    for (const auto& outcome : outcomes) answered.insert(outcome.id);
    for (const ChildId& id : asked) {
      if (answered.contains(id)) continue;
      terms.push_back(Term::tuple({id.to_term(), Term::atom("undefined"), Term::atom("timeout")}));
    }
  }
};

Term batch_term(std::string_view what, std::vector<Term> done, std::vector<Term> errors, bool rollback) {
  std::vector<std::pair<Term, Term>> entries;
  entries.emplace_back(Term::atom("status"), Term::atom(errors.empty() ? "ok" : "error"));
  entries.emplace_back(Term::atom(what), Term::list(std::move(done)));
  entries.emplace_back(Term::atom("errors"), Term::list(std::move(errors)));
  if (what == "started") entries.emplace_back(Term::atom("rollback"), Term(rollback));
  return ok_term(Term::map(std::move(entries)));
}

void answer_batch_start(const RequestPtr& request, const std::vector<ChildId>& asked,
                        const Outcomes& outcomes, bool roll_back) {
  std::vector<Term> started;
  std::vector<ChildId> started_ids;
  BatchErrors errors;
  for (const auto& outcome : outcomes) {
    if (outcome.error) {
      errors.add(outcome, reason_term(outcome));
      continue;
    }
    started.push_back(
        Term::tuple({outcome.id.to_term(),
                     Term::list({Term::tuple({Term(outcome.host->node), Term(pid_of(outcome))})})}));
    started_ids.push_back(outcome.id);
  }
  errors.add_missing(asked, outcomes);
  const bool undo = roll_back && !errors.terms.empty() && !started_ids.empty();
  Term answer = batch_term("started", std::move(started), std::move(errors.terms), undo);
  if (!undo) return request->reply(answer);
  request->driver->stop(
      std::move(started_ids), batch_timeout,
      [request, answer = std::move(answer)](const Outcomes&, bool) { request->reply(answer); });
}

void start_children(const RequestPtr& request) {
  const auto* list = request->items[1].as_list();
  if (!list) return request->fail(Errc::invalid_argument, "start_children takes a list of specs");
  auto options = options_of(request, 2);
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, batch_timeout);
  auto on = node_option(*options);
  if (!timeout) return request->fail(timeout.error());
  if (!on) return request->fail(on.error());
  const Term* on_failure = options->get("on_failure");
  if (on_failure && !on_failure->is_atom("continue") && !on_failure->is_atom("rollback")) {
    return request->fail(Errc::invalid_argument, "option on_failure: must be continue or rollback");
  }
  if (list->empty()) {
    return request->reply(Term::tuple({Term::atom("error"), Term::atom("no_children")}));
  }
  std::vector<core::SpecPtr> specs;
  std::vector<ChildId> ids;
  std::set<ChildId> seen;
  for (const Term& item : *list) {
    auto spec = core_spec(item, request->node);
    if (!spec) return request->fail(spec.error());
    if (auto may = request->may_start(*request->driver, **spec); !may) return request->fail(may.error());
    if (!seen.insert((*spec)->id).second) {
      return request->fail(Errc::invalid_argument,
                           fmt::format("id '{}' is in the list twice", (*spec)->id.text()));
    }
    ids.push_back((*spec)->id);
    specs.push_back(std::move(*spec));
  }
  const bool roll_back = on_failure && on_failure->is_atom("rollback");
  request->driver->start(core::StartMode::start, std::move(specs), *on, *timeout,
                         [request, roll_back, ids = std::move(ids)](const Outcomes& outcomes, bool) {
                           answer_batch_start(request, ids, outcomes, roll_back);
                         });
}

/// The answer to a stop of one child: ok, {error, not_found} or {error, {Code, Words}}.
Term stopped_term(const Outcomes& outcomes) {
  if (outcomes.empty()) return error_term(timed_out_error("the stop"));
  const auto& outcome = outcomes.front();
  if (!outcome.error) return Term::atom("ok");
  if (outcome.error->code == Errc::no_such_child)
    return Term::tuple({Term::atom("error"), Term::atom("not_found")});
  return error_term(*outcome.error);
}

void stop_one(const RequestPtr& request, const ChildId& id, milliseconds timeout) {
  request->driver->stop(
      {id}, timeout, [request](const Outcomes& outcomes, bool) { request->reply(stopped_term(outcomes)); });
}

void stop_child(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  auto options = options_of(request, 2);
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, start_timeout);
  if (!timeout) return request->fail(timeout.error());
  stop_one(request, *id, *timeout);
}

void terminate_child(const RequestPtr& request) {
  const Pid* pid = request->items[1].as_pid();
  auto id = pid ? request->driver->registry().whois(request->node.present(*pid)) : std::nullopt;
  if (!id) return request->reply(Term::tuple({Term::atom("error"), Term::atom("not_found")}));
  stop_one(request, *id, start_timeout);
}

void stop_children(const RequestPtr& request) {
  const auto* list = request->items[1].as_list();
  if (!list) return request->fail(Errc::invalid_argument, "stop_children takes a list of ids");
  auto options = options_of(request, 2);
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, batch_timeout);
  if (!timeout) return request->fail(timeout.error());
  if (list->empty()) return request->reply(Term::tuple({Term::atom("error"), Term::atom("no_children")}));
  std::set<ChildId> unique;
  for (const Term& item : *list) {
    auto id = ChildId::from_term(item);
    if (!id) return request->fail(id.error());
    unique.insert(*id);
  }
  std::vector<ChildId> ids(unique.begin(), unique.end());
  request->driver->stop(ids, *timeout, [request, ids](const Outcomes& outcomes, bool) {
    std::vector<Term> stopped;
    BatchErrors errors;
    for (const auto& outcome : outcomes) {
      if (!outcome.error) {
        std::vector<Term> nodes;
        if (outcome.host) nodes.emplace_back(outcome.host->node);
        stopped.push_back(Term::tuple({outcome.id.to_term(), Term::list(std::move(nodes))}));
      } else if (outcome.error->code == Errc::no_such_child) {
        errors.add(outcome, Term::atom("not_found"));
      } else {
        errors.add(outcome, reason_term(outcome));
      }
    }
    errors.add_missing(ids, outcomes);
    request->reply(batch_term("stopped", std::move(stopped), std::move(errors.terms), false));
  });
}

void call_child(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  const auto* timeout = request->items.size() > 3 ? request->items[3].as_integer() : nullptr;
  if (request->items.size() > 3 && (!timeout || *timeout < 0 || *timeout > 86'400'000)) {
    return request->fail(Errc::invalid_argument, "the time-out must be milliseconds, at most a day");
  }
  request->node.router().call(request->driver, *id, encode_term(request->items[2]),
                              milliseconds(timeout ? *timeout : 5000),
                              [request](const process::CallResult& result) {
                                if (!result) return request->fail(result.error());
                                Bytes out;
                                TermWriter writer(out);
                                writer.version();
                                writer.tuple(2);
                                writer.atom("ok");
                                writer.encoded(*result);
                                request->reply_bytes(out);
                              });
}

void cast_child(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  request->node.router().cast(request->driver, *id, encode_term(request->items[2]));
  request->reply(Term::atom("ok"));
}

void send_child(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  request->node.router().send(request->driver, *id, encode_term(request->items[2]), [request](bool found) {
    request->reply(found ? request->items[2] : Term::atom("undefined"));
  });
}

void retry_child(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (!id) return request->fail(id.error());
  request->driver->retry(*id, start_timeout, [request](const Outcomes& outcomes, bool) {
    request->reply(stopped_term(outcomes));
  });
}

}  // namespace

std::vector<Route> child_routes() {
  return {
      {"start_child", 2, Needs::member, start_child},
      {"start_child", 3, Needs::member, start_child},
      {"start_children", 2, Needs::member, start_children},
      {"start_children", 3, Needs::member, start_children},
      {"stop_child", 2, Needs::member, stop_child},
      {"stop_child", 3, Needs::member, stop_child},
      {"terminate_child", 2, Needs::member, terminate_child},
      {"stop_children", 2, Needs::member, stop_children},
      {"stop_children", 3, Needs::member, stop_children},
      {"call", 3, Needs::supervisor, call_child},
      {"call", 4, Needs::supervisor, call_child},
      {"cast", 3, Needs::supervisor, cast_child},
      {"send", 3, Needs::supervisor, send_child},
      {"retry", 2, Needs::member, retry_child},
  };
}

}  // namespace brood::supervisor
