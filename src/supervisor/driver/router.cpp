#include "supervisor/driver/router.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "supervisor/driver/driver.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Router::Call {
  std::shared_ptr<Driver> driver;
  ChildId id;
  Bytes message;
  steady_clock::time_point deadline;
  process::CallDone done;
  bool asked_coordinator = false;

  [[nodiscard]] milliseconds left() const {
    return std::chrono::duration_cast<milliseconds>(deadline - steady_clock::now());
  }
  void fail(Errc code, std::string message_text) { done(Error{code, std::move(message_text)}); }
  /// The supervisor has ended on this node: nothing is waited for any more.
  void fail_ended() {
    fail(Errc::stopped, fmt::format("supervisor '{}' has ended on this node", driver->name()));
  }
};

namespace {
constexpr milliseconds lookup_timeout{5000};
/// How often a call looks whether there is a connection again.
constexpr milliseconds connection_pause{100};
}  // namespace

void Router::call(std::shared_ptr<Driver> driver, const ChildId& id, Bytes message, milliseconds timeout,
                  process::CallDone done) {
  attempt(std::make_shared<Call>(
      Call{std::move(driver), id, std::move(message), steady_clock::now() + timeout, std::move(done)}));
}

void Router::attempt(const std::shared_ptr<Call>& call) {
  if (call->driver->has_ended()) return call->fail_ended();
  if (call->left() <= milliseconds(0)) {
    call->fail(Errc::timeout, fmt::format("no answer from '{}' in time", call->id.text()));
    return;
  }
  const auto entry = call->driver->registry().find(call->id);
  if (!entry || !entry->wanted) {
    ask_coordinator(call);
  } else if (const Place* place = entry->running()) {
    attempt_at(call, *place);
  } else if (entry->failed) {
    call->fail(Errc::no_such_child, fmt::format("child '{}' has failed: {}; correct the cause and `retry` it",
                                                call->id.text(), entry->failure));
  } else {
    wait_and_retry(call, core::Hlc{});
  }
}

void Router::attempt_at(const std::shared_ptr<Call>& call, const Place& place) {
  const core::Hlc epoch = place.epoch_clock;
  auto answered = [this, call, epoch](process::CallResult result) {
    // Nobody saw it: the instance ended before, and the child's next one may answer.
    if (!result && result.error().code == Errc::no_such_child) {
      wait_and_retry(call, epoch);
      return;
    }
    call->done(std::move(result));
  };
  if (node_.is_here(place.host->node)) {
    node_.runtime().call(place.full_pid(), Message::encoded(call->message), call->left(),
                         std::move(answered));
    return;
  }
  if (!node_.connected_creation(place.host->node) && !call->driver->has_left())
    return wait_for_host(call, place);
  const milliseconds left = call->left();
  node_.runtime().call_named({Atom("brood"), place.host->node},
                             encode_call_here(call->driver->name(), call->id, call->message, left), left,
                             [answered = std::move(answered)](process::CallResult result) {
                               answered(result ? decode_call_answer(*result) : std::move(result));
                             });
}

// Its node is lost, and the child will run elsewhere, or the connection comes back.
void Router::wait_for_host(const std::shared_ptr<Call>& call, const Place& place) {
  const milliseconds pause = std::clamp(call->left(), milliseconds(0), connection_pause);
  call->driver->when_running(call->id, place.epoch_clock, pause, [this, call, host = place.host](bool) {
    if (call->driver->has_ended() || call->left() > milliseconds(0)) return attempt(call);
    call->fail(Errc::unreachable, fmt::format("child '{}' runs on {}, and there is no connection to it",
                                              call->id.text(), host->node.value));
  });
}

void Router::wait_and_retry(const std::shared_ptr<Call>& call, core::Hlc not_epoch) {
  if (call->driver->has_ended()) return call->fail_ended();
  if (call->driver->has_left()) {  // nobody tells us any more where it is
    call->done(core::has_left(node_.name()));
    return;
  }
  const auto entry = call->driver->registry().find(call->id);
  if (!entry || !entry->wanted) {
    ask_coordinator(call);
    return;
  }
  const milliseconds left = std::max(call->left(), milliseconds(0));
  call->driver->when_running(call->id, not_epoch, left, [this, call](bool runs) {
    if (runs || call->left() > milliseconds(0)) {
      attempt(call);  // where it is gone or failed, that says so
    } else {
      call->fail(Errc::timeout, fmt::format("child '{}' did not run in time", call->id.text()));
    }
  });
}

void Router::ask_coordinator(const std::shared_ptr<Call>& call) {
  if (call->asked_coordinator) {
    call->fail(Errc::no_such_child,
               fmt::format("no child '{}' in supervisor '{}'", call->id.text(), call->driver->name()));
    return;
  }
  call->asked_coordinator = true;
  auto driver = call->driver;
  const ChildId id = call->id;
  const milliseconds timeout = std::min(call->left(), lookup_timeout);
  driver->lookup(id, timeout, [this, call](const Outcomes& outcomes, bool timed_out) {
    if (call->driver->has_ended()) {
      call->fail_ended();
    } else if (timed_out || outcomes.empty()) {
      call->fail(Errc::timeout,
                 fmt::format("nobody said in time whether there is a child '{}'", call->id.text()));
    } else if (outcomes.front().error) {
      call->done(*outcomes.front().error);
    } else {
      // It exists; its row is on the way to us.
      call->driver->when_running(call->id, core::Hlc{}, std::max(call->left(), milliseconds(0)),
                                 [this, call](bool) { attempt(call); });
    }
  });
}

void Router::call_here(Driver& driver, const ChildId& id, Bytes message, milliseconds timeout,
                       process::CallDone done) {
  const auto entry = driver.registry().find(id);
  const Place* place = entry ? entry->running() : nullptr;
  if (!place || !node_.is_here(place->host->node)) {
    done(Error{Errc::no_such_child, fmt::format("no child '{}' on {}", id.text(), node_.name().value)});
    return;
  }
  node_.runtime().call(place->full_pid(), Message::encoded(std::move(message)), timeout, std::move(done));
}

void Router::locate(const std::shared_ptr<Driver>& driver, const ChildId& id,
                    std::function<void(std::optional<Place>)> then) {
  if (auto place = driver->registry().running(id)) {
    then(std::move(place));
    return;
  }
  driver->lookup(
      id, lookup_timeout, [driver, id, then = std::move(then)](const Outcomes& outcomes, bool) mutable {
        if (outcomes.empty() || outcomes.front().error) {
          then(std::nullopt);
          return;
        }
        driver->when_running(id, core::Hlc{}, lookup_timeout, [driver, id, then = std::move(then)](bool) {
          then(driver->registry().running(id));
        });
      });
}

void Router::cast(const std::shared_ptr<Driver>& driver, const ChildId& id, Bytes message) {
  locate(driver, id, [this, message = std::move(message)](const std::optional<Place>& place) mutable {
    if (place) (void)node_.runtime().cast(place->full_pid(), Message::encoded(std::move(message)));
  });
}

void Router::send(const std::shared_ptr<Driver>& driver, const ChildId& id, Bytes message,
                  std::function<void(bool)> done) {
  locate(driver, id,
         [this, message = std::move(message),
          done = std::move(done)](const std::optional<Place>& place) mutable {
           if (place) (void)node_.runtime().send(place->full_pid(), Message::encoded(std::move(message)));
           done(place.has_value());
         });
}

// ---- the call on the wire: {call_here, Sup, Id, Msg, Ms} -> {ok, Reply} | {error, Code, Words, Detail}
// --------

Bytes encode_call_here(const std::string& supervisor, const ChildId& id, BytesView message,
                       milliseconds timeout) {
  Bytes out;
  out.reserve(message.size() + supervisor.size() + id.bytes().size() + 48);
  TermWriter writer(out);
  writer.version();
  writer.tuple(5);
  writer.atom("call_here");
  writer.atom(supervisor);
  write_term(writer, id);
  writer.encoded(message);
  writer.integer(timeout.count());
  return out;
}

Bytes encode_call_answer(const process::CallResult& result) {
  Bytes out;
  TermWriter writer(out);
  writer.version();
  if (result) {
    writer.tuple(2);
    writer.atom("ok");
    writer.encoded(*result);
  } else {
    writer.tuple(4);
    writer.atom("error");
    writer.atom(to_string(result.error().code));
    writer.binary(result.error().message);
    writer.binary(result.error().detail);
  }
  return out;
}

process::CallResult decode_call_answer(const Bytes& answer) {
  const auto garbled = [] {
    return Error{Errc::malformed, "the child's node answered what cannot be understood"};
  };
  TermReader reader(answer);
  if (!reader.version()) return garbled();
  auto arity = reader.tuple();
  auto tag = reader.atom_view();
  if (!arity || !tag) return garbled();
  // Of the network between: the child has not seen the call, or its answer is too large.
  if (auto refused = brood::detail::error_in_reply(answer)) return *refused;
  if (*tag == "ok" && *arity == 2) {
    Bytes reply;
    reply.reserve(answer.size());
    TermWriter writer(reply);
    writer.version();
    writer.encoded(BytesView(answer).substr(reader.position()));
    return reply;
  }
  auto code = reader.atom();
  auto words = reader.binary();
  auto detail = reader.binary();
  if (*arity != 4 || !code || !words || !detail) return garbled();
  return Error{errc_from_string(*code).value_or(Errc::died), Bytes(*words), Bytes(*detail)};
}

}  // namespace brood::supervisor
