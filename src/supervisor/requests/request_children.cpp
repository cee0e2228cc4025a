// Requests that change one child: start, stop, retry.
#include <fmt/format.h>

#include "exec/exit_status.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/driver/start_order.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/answers.hpp"
#include "supervisor/requests/requests.hpp"
#include "supervisor/requests/start_options.hpp"

namespace brood::supervisor {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds start_timeout{10000};

Error timed_out_error(const std::string& what) {
  return {Errc::timeout,
          fmt::format("{} took too long; it may still happen: look before you repeat it", what)};
}

/// The start was not answered in time. Where this part of the cluster starts nothing at the moment, that is
/// why.
void fail_late_start(const RequestPtr& request) {
  request->driver->with_core([request](const core::Core& core) {
    Error late = timed_out_error("the start");
    if (const std::string why = core.partition().why; !why.empty()) late.message += "; it waits: " + why;
    request->fail(late);
  });
}

/// #{id => Id} and nothing else: what was stopped is started as it was.
Result<core::NamedSpec> spec_of(const RequestPtr& request) {
  const Term& item = request->items[1];
  const auto* entries = item.as_map();
  if (!entries || entries->size() != 1 || !item.get("id")) return core_spec(item, request->node);
  const auto id = ChildId::from_term(*item.get("id"));
  if (!id) return id.error();
  const EntryPtr entry = request->driver->registry().find(*id);
  if (entry && entry->spec && (entry->wanted || entry->spec->is_static))
    return core::NamedSpec{*id, entry->spec};
  return Error{
      Errc::no_such_child,
      fmt::format("'{}' is not known here; say what to run (`start`). Of what was stopped, children of "
                  "a fleet file are remembered",
                  id->text())};
}

void start_child(const RequestPtr& request) {
  auto spec = spec_of(request);
  if (!spec) return request->fail(spec.error());
  if (auto may = request->may_start(*request->driver, **spec); !may) return request->fail(may.error());
  auto options = options_of(request, 2, StartAsked::names);
  if (!options) return request->fail(options.error());
  auto asked = StartAsked::read(*options, start_timeout);
  if (!asked) return request->fail(asked.error());
  spec = asked->apply(*spec);
  if (!spec) return request->fail(spec.error());
  if (auto fine = request->driver->accepts(*spec); !fine) return request->fail(fine.error());
  if (auto fine = check_order({*spec}, request->driver->registry()); !fine)
    return request->fail(fine.error());
  if (asked->check_existing) {
    const EntryPtr entry = request->driver->registry().find(spec->id);
    if (const Place* place = entry && entry->wanted ? entry->running() : nullptr)
      return request->reply(Term::tuple(
          {Term::atom("error"), Term::tuple({Term::atom("already_started"), Term(place->full_pid())})}));
  }
  request->driver->start(asked->order, {*spec}, [request](const Outcomes& outcomes, bool) {
    if (outcomes.empty()) return fail_late_start(request);
    const auto& outcome = outcomes.front();
    if (outcome.error) {
      return request->reply(Term::tuple({Term::atom("error"), reason_term(outcome)}));
    }
    request->reply(Term::tuple({Term::atom("ok"), Term(pid_of(outcome)), outcome.id.to_term()}));
  });
}

/// Of what there has to be: {error, not_found}, also where it was stopped meanwhile, or {error, Reason}.
Term refused_term(const core::Outcome& outcome) {
  const bool is_gone = outcome.error->code == Errc::no_such_child;
  return Term::tuple({Term::atom("error"), is_gone ? Term::atom("not_found") : reason_term(outcome)});
}

/// This node knows of no such child. While it joins that says nothing: the request is handled once it has.
void not_found(const RequestPtr& request, milliseconds timeout, Handler handler) {
  if (may_wait(request)) return once_up(request, timeout, handler);
  request->reply(Term::tuple({Term::atom("error"), Term::atom("not_found")}));
}

/// A child's metadata is another map from now on; the child runs on.
void update_metadata(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  auto options = options_of(request, 3, {"timeout"});
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, start_timeout);
  if (!timeout) return request->fail(timeout.error());
  const EntryPtr entry = request->driver->registry().find(*id);
  if (!entry || !entry->wanted || !entry->spec) return not_found(request, *timeout, update_metadata);
  auto changed = with_changed_metadata(entry->spec, request->items[2]);
  if (!changed) return request->fail(changed.error());
  request->driver->start({.mode = core::StartMode::change, .timeout = *timeout}, {{*id, *changed}},
                         [request](const Outcomes& outcomes, bool) {
                           if (outcomes.empty()) return request->fail(timed_out_error("the change"));
                           if (outcomes.front().error) return request->reply(refused_term(outcomes.front()));
                           request->reply(Term::atom("ok"));
                         });
}

/// The answer to a stop of one child: ok, {error, not_found} or {error, {Code, Words}}.
Term stopped_term(const Outcomes& outcomes) {
  if (outcomes.empty()) return error_term(timed_out_error("the stop"));
  const auto& outcome = outcomes.front();
  if (!outcome.error) return Term::atom("ok");
  if (outcome.error->code == Errc::no_such_child)
    return Term::tuple({Term::atom("error"), Term::atom("not_found")});
  return error_term(told(outcome));
}

/// Without a time-out it is as long as the child may take.
void stop_one(const RequestPtr& request, const ChildId& id) {
  auto options = options_of(request, 2, {"timeout"});
  if (!options) return request->fail(options.error());
  const EntryPtr entry = request->driver->registry().find(id);
  auto timeout = timeout_option(*options, time_to_stop(entry ? entry->spec.get() : nullptr));
  if (!timeout) return request->fail(timeout.error());
  request->driver->stop(
      {id}, *timeout, [request](const Outcomes& outcomes, bool) { request->reply(stopped_term(outcomes)); });
}

void stop_child(const RequestPtr& request) {
  if (auto id = id_item(request)) stop_one(request, *id);
}

/// By pid, as DistributedSupervisor has it, or by id, as Pogo and OTP's supervisors.
void terminate_child(const RequestPtr& request) {
  const Pid* pid = request->items[1].as_pid();
  if (!pid) return stop_child(request);
  const auto id = request->driver->registry().whois(request->node.present(*pid));
  if (!id) return request->reply(Term::tuple({Term::atom("error"), Term::atom("not_found")}));
  stop_one(request, *id);
}

/// The child ends and begins anew, wherever it is; its spec is what it was.
void restart_child(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  auto options = options_of(request, 2, {"timeout"});
  if (!options) return request->fail(options.error());
  const EntryPtr entry = request->driver->registry().find(*id);
  auto timeout = timeout_option(*options, time_to_stop(entry ? entry->spec.get() : nullptr) + start_timeout);
  if (!timeout) return request->fail(timeout.error());
  if (!entry || !entry->wanted) return not_found(request, *timeout, restart_child);
  request->driver->start(
      {.mode = core::StartMode::restart, .timeout = *timeout}, {{*id, entry->spec}},
      [request](const Outcomes& outcomes, bool) {
        if (outcomes.empty()) return request->fail(timed_out_error("the restart"));
        const auto& outcome = outcomes.front();
        if (outcome.error) return request->reply(refused_term(outcome));
        request->reply(Term::tuple({Term::atom("ok"), Term(pid_of(outcome)), outcome.id.to_term()}));
      });
}

/// To the program on this node: {signal, Supervisor, Id, Signal, here}, as another node passes it on.
void signal_here(const RequestPtr& request, const ChildId& id, int signal) {
  request->driver->signal(id, signal, [request](const Result<void>& done) {
    if (!done) return request->fail(done.error());
    request->reply(Term::atom("ok"));
  });
}

void signal_child(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  const Term& given = request->items[2];
  const auto text =
      given.as_integer() != nullptr ? std::to_string(*given.as_integer()) : given.text().value_or("");
  const auto signal = exec::signal_from_name(text);
  if (!signal)
    return request->fail(Errc::invalid_argument,
                         fmt::format("no such signal: {}; as in sighup, HUP or 1", to_string(given, 100)));
  if (request->items.size() > 3) return signal_here(request, *id, *signal);
  const EntryPtr entry = request->driver->registry().find(*id);
  if (!entry || entry->places.empty())
    return request->fail(Errc::no_such_child, fmt::format("'{}' does not run", id->text()));
  const NodeName host = entry->places.front().host->node;
  if (host == request->node.name()) return signal_here(request, *id, *signal);
  request->node.runtime().call_named(
      {Atom("brood"), host},
      encode_term(Term::tuple({Term::atom("signal"), request->items[0], request->items[1],
                               Term(std::int64_t{*signal}), Term::atom("here")})),
      start_timeout, [request](const process::CallResult& result) {
        if (!result) return request->fail(result.error());
        request->reply_bytes(*result);
      });
}

void retry_child(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  auto options = options_of(request, 2, {"timeout"});
  if (!options) return request->fail(options.error());
  auto timeout = timeout_option(*options, start_timeout);
  if (!timeout) return request->fail(timeout.error());
  request->driver->retry(
      *id, *timeout, [request](const Outcomes& outcomes, bool) { request->reply(stopped_term(outcomes)); });
}

}  // namespace

std::vector<Route> child_routes() {
  return {
      {"start_child", 2, Needs::member, start_child},
      {"start_child", 3, Needs::member, start_child},
      {"stop_child", 2, Needs::member, stop_child},
      {"stop_child", 3, Needs::member, stop_child},
      {"terminate_child", 2, Needs::member, terminate_child},
      {"terminate_child", 3, Needs::member, terminate_child},
      {"restart_child", 2, Needs::member, restart_child},
      {"restart_child", 3, Needs::member, restart_child},
      {"signal", 3, Needs::member, signal_child},
      {"signal", 4, Needs::member, signal_child},
      {"update_metadata", 3, Needs::member, update_metadata},
      {"update_metadata", 4, Needs::member, update_metadata},
      {"retry", 2, Needs::member, retry_child},
      {"retry", 3, Needs::member, retry_child},
  };
}

}  // namespace brood::supervisor
