// Requests that reach children: call, cast, send. The message stays as it came.
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {

namespace {

using std::chrono::milliseconds;

/// {ok, Reply}, or the refusal of the child's node or handler: {error, {Code, Words}} from there is no reply.
void answer_call(const RequestPtr& request, const process::CallResult& result) {
  if (!result) return request->fail(result.error());
  if (auto error = brood::detail::error_in_reply(*result)) return request->fail(*error);
  EncodedTerm out;
  out.reserve(result->size() + 8);
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.atom("ok");
  writer.encoded(*result);
  request->reply_bytes(std::move(out));
}

void call_child(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  const auto timeout =
      request->items.size() > 3 ? time_item(request->items[3]) : Result<milliseconds>(milliseconds(5000));
  if (!timeout) return request->fail(Errc::invalid_argument, "the time-out " + timeout.error().message);
  const auto call = request->node.router().call(request->driver, *id, request->payload, *timeout);
  call->when_done([request, of = call.get()] { answer_call(request, of->value()); });
}

/// For whom a process of this node waits, as far as that is known here: {ok, [Number], Pid or undefined}.
void waits_of(const RequestPtr& request) {
  const Pid* from = request->items[0].as_pid();
  if (from == nullptr) return request->fail(Errc::invalid_argument, "waits_of takes a pid");
  const process::WaitTrail trail = request->node.runtime().follow_waits(request->node.present(*from));
  std::vector<Term> numbers;
  for (const std::uint64_t number : trail.waits) numbers.emplace_back(number);
  request->reply(Term::tuple({Term::atom("ok"), Term::list(std::move(numbers)),
                              trail.next ? Term(*trail.next) : Term::atom("undefined")}));
}

void cast_child(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  auto cast = request->node.router().cast(request->driver, *id, request->payload);
  if (!cast) return request->fail(cast.error());
  request->reply(Term::atom("ok"));
}

void send_child(const RequestPtr& request) {
  auto id = id_item(request);
  if (!id) return;
  request->node.router().send(request->driver, *id, request->payload, [request](const Result<bool>& sent) {
    if (!sent) return request->fail(sent.error());
    *sent ? request->reply_bytes(request->payload) : request->reply(Term::atom("undefined"));
  });
}

}  // namespace

std::vector<Route> message_routes() {
  return {
      {"call", 3, Needs::supervisor, call_child, Speed::queued, Raw::message},
      {"call", 4, Needs::supervisor, call_child, Speed::queued, Raw::message},
      {"cast", 3, Needs::supervisor, cast_child, Speed::queued, Raw::message},
      {"send", 3, Needs::supervisor, send_child, Speed::queued, Raw::message},
      {"waits_of", 1, Needs::nothing, waits_of, Speed::quick},
  };
}

}  // namespace brood::supervisor
