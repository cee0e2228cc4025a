// Requests about hooks: subscribe, unsubscribe, hooks.
#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {
namespace {

/// Who asks, from the `{Pid, Tag}` of its call.
std::optional<Pid> caller_of(const Request& request) {
  const auto from = decode_term(request.from);
  const auto* pair = from ? from->as_tuple() : nullptr;
  const Pid* pid = pair != nullptr && pair->size() == 2 ? pair->front().as_pid() : nullptr;
  return pid ? std::optional(*pid) : std::nullopt;
}

/// Whom a call names as its caller need not be who sent it. To watch a process of another node would connect
/// to that node, and send it what it has not asked for.
bool is_of_who_asks(const Request& request, const Pid& caller) {
  return caller.node == request.by || (request.node.is_here(caller.node) && request.node.is_here(request.by));
}

std::optional<std::vector<std::string>> keys_of(const RequestPtr& request) {
  const Term& item = request->items[1];
  std::vector<std::string> keys;
  if (item.is_atom("all")) return keys;
  const auto* list = item.as_list();
  bool is_right = list != nullptr && !list->empty();
  for (std::size_t i = 0; is_right && i < list->size(); ++i) {
    auto key = (*list)[i].text();
    is_right = key && !key->empty() && key->size() <= 255;
    if (is_right) keys.push_back(*std::move(key));
  }
  if (is_right) return keys;
  request->fail(Errc::invalid_argument, "keys: `all`, or a list of one or more");
  return std::nullopt;
}

/// Set once the subscriber is watched: its messages have the watch's reference.
struct Subscription {
  std::mutex mutex;
  std::optional<Ref> ref;
};

/// {subscribe, Sup, [Key] | all}
void subscribe(const RequestPtr& request) {
  const auto keys = keys_of(request);
  if (!keys) return;
  const auto caller = caller_of(*request);
  if (!caller) return request->fail(Errc::invalid_argument, "who asks has no pid");
  if (!is_of_who_asks(*request, *caller))
    return request->fail(Errc::not_allowed, "a process can subscribe itself only, and no other node's");
  const auto table = request->driver->hooks();
  auto subscription = std::make_shared<Subscription>();
  process::Runtime& runtime = request->node.runtime();
  const auto number = table->subscribe(
      *keys, [subscription, pid = *caller, &runtime](std::string_view key, const Term& data) {
        std::optional<Ref> ref;
        {
          const std::scoped_lock lock(subscription->mutex);
          ref = subscription->ref;
        }
        if (!ref) return true;
        Term message = Term::tuple({Term::atom("brood_event"), Term(*ref), Term::atom(key), data});
        return runtime.send(pid, Message::encoded(encode_term(message))).has_value();
      });
  if (!number) return request->fail(number.error());
  const Ref ref = runtime.monitor(
      *caller, [weak = request->driver->weak_from_this(), number = *number](const ExitReason&) {
        if (const auto alive = weak.lock()) alive->end_subscription(number);
      });
  request->driver->note_subscription(ref, *number);
  {
    const std::scoped_lock lock(subscription->mutex);
    subscription->ref = ref;
  }
  request->reply(ok_term(Term(ref)));
}

/// {unsubscribe, Sup, Ref}
void unsubscribe(const RequestPtr& request) {
  const Ref* ref = request->items[1].as_ref();
  if (!ref)
    return request->fail(Errc::invalid_argument, to_string(request->items[1], 100) + " is no reference");
  if (request->driver->end_subscription(*ref)) request->node.runtime().demonitor(*ref);
  request->reply(Term::atom("ok"));
}

/// {hooks, Sup}
void hooks(const RequestPtr& request) {
  std::vector<Term> all;
  for (const HookInfo& hook : request->driver->hooks()->list())
    all.push_back(Term::map({{Term::atom("key"), Term::atom(hook.key)},
                             {Term::atom("id"), Term::binary(hook.id)},
                             {Term::atom("priority"), Term(hook.priority)}}));
  const HookCounters counts = request->driver->hooks()->counters();
  const auto count = [](std::uint64_t value) { return Term(static_cast<std::int64_t>(value)); };
  request->reply(ok_term(Term::map({{Term::atom("hooks"), Term::list(std::move(all))},
                                    {Term::atom("told"), count(counts.told)},
                                    {Term::atom("thrown"), count(counts.thrown)},
                                    {Term::atom("dropped"), count(counts.dropped)},
                                    {Term::atom("late_alters"), count(counts.late_alters)},
                                    {Term::atom("subscribers"), count(counts.subscribers)},
                                    {Term::atom("waiting"), count(counts.waiting)}})));
}

}  // namespace

std::vector<Route> hook_routes() {
  return {
      {"subscribe", 2, Needs::supervisor, subscribe},
      {"unsubscribe", 2, Needs::supervisor, unsubscribe},
      {"hooks", 1, Needs::supervisor, hooks},
  };
}

}  // namespace brood::supervisor
