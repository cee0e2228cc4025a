#include "supervisor/driver/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

#include "process/sched/deadline.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/outcomes.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// How often a call looks whether there is a connection again.
constexpr milliseconds connection_pause{100};
constexpr milliseconds lookup_timeout{5000};

Error deadlock_error(const ChildId& id) {
  return {Errc::deadlock,
          fmt::format("child '{}' waits, itself or through others, for the process that calls "
                      "it: use a cast, or answer later",
                      id.text())};
}

}  // namespace

// ---- one call --------------------------------------------------------------------------------------------

Router::Call::Call(Router& router, std::shared_ptr<Driver> driver, ChildId id, EncodedTerm message,
                   steady_clock::time_point deadline, Gate::Pass pass)
    : router_(router),
      driver_(std::move(driver)),
      id_(std::move(id)),
      message_(std::move(message)),
      deadline_(deadline),
      pass_(std::move(pass)) {}

milliseconds Router::Call::left() const {
  return std::chrono::duration_cast<milliseconds>(deadline_ - steady_clock::now());
}

void Router::Call::finish(process::CallResult result) {
  {
    // The future may be kept for longer than the node.
    const std::lock_guard lock(wait_mutex_);
    end_wait();
    driver_.reset();
    message_ = EncodedTerm();
  }
  (void)set(std::move(result));
  const Gate::Pass over = std::move(pass_);  // last of all: the node may go then
}

/// The supervisor has ended on this node: nothing is waited for any more.
void Router::Call::fail_ended() {
  fail_with(Errc::stopped, fmt::format("supervisor '{}' has ended on this node", driver_->name()));
}

void Router::Call::in_circle() {
  (void)fail(deadlock_error(id_));
}

void Router::Call::wait_begins(const Pid& waiter) {
  // Found out before its pid is known, for it may be starting.
  const WorkerIdentity* self = process::Runtime::running_on_this_thread();
  bool is_itself = false;
  {
    const std::lock_guard lock(wait_mutex_);
    if (!driver_) return;
    waiter_ = waiter;
    // Of what runs below a child of type supervisor that is another process.
    const bool is_child = self != nullptr && !self->inner_id;
    is_itself = is_child && self->supervisor == driver_->name() && self->child_id == Id(id_);
  }
  if (is_itself) return in_circle();
  note_wait();
}

void Router::Call::wait_ends(const Pid& waiter) {
  const std::lock_guard lock(wait_mutex_);
  if (noted_) router_.node_.runtime().end_wait(waiter, *noted_);
  noted_.reset();
  waiter_.reset();
}

void Router::Call::wait_is_over() {
  if (is_over_) return;
  const std::lock_guard lock(wait_mutex_);
  end_wait();
}

void Router::Call::end_wait() {
  is_over_ = true;
  if (noted_ && waiter_) router_.node_.runtime().end_wait(*waiter_, *noted_);
  noted_.reset();
}

void Router::Call::meant(const Place& place) {
  {
    const std::lock_guard lock(wait_mutex_);
    callee_ = place.full_pid();
  }
  note_wait();
}

void Router::Call::note_wait() {
  process::WaitBegun begun{};
  std::optional<Pid> waiter;
  {
    const std::lock_guard lock(wait_mutex_);
    if (!waiter_ || !callee_ || is_over_) return;
    process::Runtime& runtime = router_.node_.runtime();
    if (noted_) runtime.end_wait(*waiter_, *noted_);  // for the child's instance of before
    noted_ = callee_;
    begun = runtime.begin_wait(*waiter_, *callee_);
    if (begun == process::WaitBegun::away) waiter = *waiter_;
  }
  if (begun == process::WaitBegun::circle) {
    in_circle();
  } else if (waiter) {
    router_.circles_.watch(std::static_pointer_cast<WaitedFor>(shared_from_this()), std::move(*waiter));
  }
}

// ---- calls -----------------------------------------------------------------------------------------------

std::shared_ptr<Router::Call> Router::call(std::shared_ptr<Driver> driver, const ChildId& id,
                                           EncodedTerm message, milliseconds timeout, Gate::Pass pass) {
  auto call = std::make_shared<Call>(*this, std::move(driver), id, std::move(message),
                                     process::deadline_after(timeout), std::move(pass));
  attempt(call, timeout);
  return call;
}

const Place* Router::nearest(const Entry& entry) const {
  return entry.nearest([this](const NodeName& node) { return node_.is_here(node); });
}

Router::View Router::look(const Call& call, milliseconds left) const {
  using Child = flow::CallSight::Child;
  View view;
  const Driver& driver = *call.driver_;
  view.sight.ended = driver.has_ended() || call.ready();
  view.sight.left = driver.has_left();
  view.sight.in_time = left > milliseconds(0);
  view.entry = driver.registry().find(call.id_);
  // Locked: what is seen was so before.
  view.partitioned = driver.partitioned();
  view.sight.partitioned = view.partitioned.has_value();
  if (!view.entry || !view.entry->wanted) return view;
  view.place = nearest(*view.entry);
  view.sight.given_up = view.entry->failed;
  if (view.place == nullptr) {
    view.sight.child = Child::nowhere;
  } else {
    const NodeName& host = view.place->host->node;
    // One that has left waits for no connection.
    const bool in_reach = node_.is_here(host) || view.sight.left || node_.connected_creation(host);
    view.sight.child = in_reach ? Child::in_reach : Child::cut_off;
  }
  return view;
}

void Router::attempt(const std::shared_ptr<Call>& call, milliseconds left) {
  const View view = look(*call, left);
  go_on(call, call->route_.attempt(view.sight), view, left);
}

void Router::go_on(const std::shared_ptr<Call>& call, flow::CallStep step, const View& view,
                   milliseconds left, core::Hlc not_epoch) {
  using flow::CallStep;
  const auto words = [&](fmt::format_string<std::string> text) {
    return fmt::format(text, call->id_.text());
  };
  switch (step) {
    case CallStep::ask:
      return ask(call, *view.place, left);
    case CallStep::wait_for_host:
      return wait_for_host(call, *view.place);
    case CallStep::wait_for_next:
      return wait_for_next(call, not_epoch);
    case CallStep::ask_coordinator:
      return ask_coordinator(call);
    case CallStep::wait_for_row:
      return wait_for_row(call);
    case CallStep::supervisor_ended:
      return call->fail_ended();
    case CallStep::no_answer_in_time:
      return call->fail_with(Errc::timeout, words("no answer from '{}' in time"));
    case CallStep::partitioned:
      return call->finish(*view.partitioned);
    case CallStep::given_up:
      return call->finish(failed_error(call->id_, *view.entry->failure));
    case CallStep::node_left:
      return call->finish(core::has_left(node_.name()));
    case CallStep::no_such_child:
      return call->fail_with(Errc::no_such_child, fmt::format("no child '{}' in supervisor '{}'",
                                                              call->id_.text(), call->driver_->name()));
    case CallStep::nobody_said:
      return call->fail_with(Errc::timeout, words("nobody said in time whether there is a child '{}'"));
    case CallStep::not_in_time:
      return call->fail_with(Errc::timeout, words("child '{}' did not run in time"));
    case CallStep::refused:
    case CallStep::cut_off:
      break;  // by those who know why
  }
  BROOD_CHECK(false, "a call has ended without an answer");
}

void Router::ask(const std::shared_ptr<Call>& call, const Place& place, milliseconds left) {
  const core::Hlc epoch = place.epoch_clock;
  call->meant(place);
  flush(call->driver_, call->id_);
  auto answered = [this, call, epoch](process::CallResult result) {
    // Nobody saw it: the instance ended before, or all of its supervisor there, and the child's next one may
    // answer.
    const bool was_seen = result || (result.error().code != Errc::no_such_child &&
                                     result.error().code != Errc::no_such_supervisor);
    if (was_seen) return call->finish(std::move(result));
    const milliseconds now_left = call->left();
    const View view = look(*call, now_left);
    go_on(call, call->route_.nobody_saw_it(view.sight), view, now_left, epoch);
  };
  if (node_.is_here(place.host->node)) {
    node_.runtime().call(place.full_pid(), Message::encoded(call->message_), left, std::move(answered));
    return;
  }
  node_.runtime().call_named({Atom("brood"), place.host->node},
                             encode_call_here(call->driver_->name(), call->id_, call->message_, left), left,
                             [answered = std::move(answered)](process::CallResult result) {
                               answered(result ? decode_call_answer(*result) : std::move(result));
                             });
}

// Its node is lost, and the child will run elsewhere, or the connection comes back.
void Router::wait_for_host(const std::shared_ptr<Call>& call, const Place& place) {
  const milliseconds pause = std::clamp(call->left(), milliseconds(0), connection_pause);
  call->driver_->when_running(call->id_, place.epoch_clock, pause, [this, call, host = place.host](bool) {
    const milliseconds left = call->left();
    const View view = look(*call, left);
    const flow::CallStep step = call->route_.host_waited(view.sight);
    if (step != flow::CallStep::cut_off) return go_on(call, step, view, left);
    call->fail_with(Errc::unreachable, fmt::format("child '{}' runs on {}, and there is no connection to it",
                                                   call->id_.text(), host->node.text()));
  });
}

void Router::wait_for_next(const std::shared_ptr<Call>& call, core::Hlc not_epoch) {
  call->driver_->when_running(call->id_, not_epoch, std::max(call->left(), milliseconds(0)),
                              [this, call](bool runs) {
                                const milliseconds left = call->left();
                                const View view = look(*call, left);
                                go_on(call, call->route_.waited(view.sight, runs), view, left);
                              });
}

void Router::ask_coordinator(const std::shared_ptr<Call>& call) {
  using Found = flow::CallRoute::Found;
  call->driver_->lookup(
      call->id_, std::max(call->left(), milliseconds(0)),
      [this, call](const Outcomes& outcomes, bool timed_out) {
        const bool no_word = timed_out || outcomes.empty();
        const bool refused = !no_word && outcomes.front().error;
        const Found found = no_word ? Found::no_word : refused ? Found::refused : Found::yes;
        const milliseconds left = call->left();
        const View view = look(*call, left);
        const flow::CallStep step = call->route_.looked_up(view.sight, found);
        if (step != flow::CallStep::refused) return go_on(call, step, view, left);
        call->finish(*outcomes.front().error);
      });
}

void Router::wait_for_row(const std::shared_ptr<Call>& call) {
  call->driver_->when_running(
      call->id_, core::Hlc{}, std::max(call->left(), milliseconds(0)),
      [this, call](bool) {
        const milliseconds left = call->left();
        const View view = look(*call, left);
        go_on(call, call->route_.waited_for_row(view.sight), view, left);
      },
      Driver::Row::may_come);
}

void Router::call_here(Driver& driver, const ChildId& id, EncodedTerm message, milliseconds timeout,
                       process::CallDone done) {
  const EntryPtr entry = driver.registry().find(id);
  const Place* place = entry ? nearest(*entry) : nullptr;
  if (!place || !node_.is_here(place->host->node)) {
    done(Error{Errc::no_such_child, fmt::format("no child '{}' on {}", id.text(), node_.name().text())});
    return;
  }
  node_.runtime().call(place->full_pid(), Message::encoded(std::move(message)), timeout, std::move(done));
}

// ---- casts and messages ----------------------------------------------------------------------------------

WaitingCasts::Sender Router::sender(const std::shared_ptr<Driver>& driver, const ChildId& id,
                                    Result<void>* result) {
  return [this, driver, id, result](WaitingCasts::Message& message) {
    const EntryPtr entry = driver->registry().find(id);
    const Place* place = entry ? nearest(*entry) : nullptr;
    if (!place) return false;
    auto encoded = Message::encoded(std::move(message.bytes));
    auto sent = message.is_cast ? node_.runtime().cast(place->full_pid(), std::move(encoded))
                                : node_.runtime().send(place->full_pid(), std::move(encoded));
    if (result != nullptr) *result = std::move(sent);
    return true;
  };
}

Result<void> Router::dispatch(const std::shared_ptr<Driver>& driver, const ChildId& id,
                              WaitingCasts::Message message) {
  Result<void> result;
  switch (casts_->take(driver->name(), id, std::move(message), sender(driver, id, &result),
                       steady_clock::now())) {
    case WaitingCasts::Taken::sent:
      // To a process that has just ended, or to a node that is lost, it is as if that came a moment later.
      if (!result && (result.error().code == Errc::mailbox_full || result.error().code == Errc::busy))
        return result;
      return {};
    case WaitingCasts::Taken::waits:
      return {};
    case WaitingCasts::Taken::first_waits:
      await_child(driver, id);
      return {};
    case WaitingCasts::Taken::refused:
      break;
  }
  return Error{Errc::busy, fmt::format("too much waits for child '{}', which does not run, or for others; it "
                                       "was not sent",
                                       id.text())};
}

Result<void> Router::cast(const std::shared_ptr<Driver>& driver, const ChildId& id, EncodedTerm message) {
  return dispatch(driver, id, {std::move(message), true, nullptr});
}

void Router::send(const std::shared_ptr<Driver>& driver, const ChildId& id, EncodedTerm message,
                  std::function<void(Result<bool>)> done) {
  // What is refused was not kept, and is not told otherwise.
  const auto once = std::make_shared<std::function<void(Result<bool>)>>(std::move(done));
  auto told = std::make_shared<std::atomic<bool>>(false);
  const auto tell = [once, told](Result<bool> sent) {
    if (!told->exchange(true)) (*once)(std::move(sent));
  };
  auto result = dispatch(driver, id, {std::move(message), false, tell});
  if (!result) tell(result.error());
}

void Router::flush(const std::shared_ptr<Driver>& driver, const ChildId& id) {
  if (casts_->nothing_waits()) return;
  (void)casts_->flush(driver->name(), id, sender(driver, id, nullptr));
}

void Router::await_child(const std::shared_ptr<Driver>& driver, const ChildId& id) {
  const EntryPtr entry = driver->registry().find(id);
  if (entry && entry->wanted) return await_running(driver, id, Driver::Row::is_here);
  driver->lookup(id, lookup_timeout, [this, driver, id](const Outcomes& outcomes, bool) {
    if (outcomes.empty() || outcomes.front().error) return casts_->drop(driver->name(), id);
    await_running(driver, id, Driver::Row::may_come);
  });
}

void Router::await_running(const std::shared_ptr<Driver>& driver, const ChildId& id, Driver::Row row) {
  const auto next = casts_->expire(driver->name(), id, steady_clock::now());
  if (!next) return;
  const auto pause = std::chrono::ceil<milliseconds>(*next - steady_clock::now()) + milliseconds(1);
  driver->when_running(
      id, core::Hlc{}, std::max(pause, milliseconds(1)),
      [this, driver, id, row](bool) {
        flush(driver, id);
        const EntryPtr entry = driver->registry().find(id);
        const bool is_gone = row == Driver::Row::is_here && (!entry || !entry->wanted);
        if (driver->has_ended() || is_gone || (entry && entry->failed && !entry->running()))
          return casts_->drop(driver->name(), id);
        await_running(driver, id, row);
      },
      row);
}

// ---- the call on the wire ---------------------------------------------------------------------------------
//
// {call_here, Sup, Id, Msg, Ms} -> {ok, Reply} | {error, Code, Words, Detail}

EncodedTerm encode_call_here(const std::string& supervisor, const ChildId& id, BytesView message,
                             milliseconds timeout) {
  EncodedTerm out;
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

EncodedTerm encode_call_answer(const process::CallResult& result) {
  EncodedTerm out;
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

process::CallResult decode_call_answer(const EncodedTerm& answer) {
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
    EncodedTerm reply;
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
  return Error{errc_from_string(*code).value_or(Errc::died), std::string(*words),
               EncodedTerm(Bytes(*detail))};
}

}  // namespace brood::supervisor
