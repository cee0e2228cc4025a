#include "process/handover/follow_gate.hpp"

#include <stdexcept>

#include "process/handover/move_desk.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {
EncodedTerm not_safe() {
  return brood::detail::encode_error(
      {Errc::timeout, "the child went on elsewhere before the answer was safe; it may have happened"});
}
}  // namespace

void FollowGate::begin_as(Role role, KeptState state) {
  first_role_ = role;
  first_state_ = std::move(state);
}

void FollowGate::attach(Behaviour& worker, Context& context, const Process& process) {
  worker_ = &worker;
  context_ = &context;
  pid_ = process.local();
}

void FollowGate::detach() {
  worker_ = nullptr;
  Replies::Ready dropped;  // their callers learn of the process's end
  std::lock_guard lock(mutex_);
  dropped = replies_.close();
}

Result<void> FollowGate::started() {
  if (first_role_ != Role::active) return {};
  if (auto taken = take_over(first_state_); !taken) return taken;
  first_state_ = {};
  become(Role::active, {});
  return {};
}

Result<void> FollowGate::take_over(const KeptState& state) {
  if (!state.whole) return {};
  Behaviour& worker = *worker_;
  const bool same = state.version == worker.state_version();
  if (!same && !state.changes.empty())
    return Error{Errc::type_mismatch, "the state was saved in version " + std::to_string(state.version) +
                                          ", with changes; the worker here knows version " +
                                          std::to_string(worker.state_version()) +
                                          ", and changes cannot be converted"};
  auto taken = same ? worker.restore(*state.whole) : worker.restore_version(state.version, *state.whole);
  for (const SharedState& change : state.changes)
    if (taken) taken = worker.apply(*change);
  return taken;
}

void FollowGate::become(Role role, const KeptState& state) {
  if (worker_ == nullptr) return;
  const brood::detail::ContextScope scope(context_);
  if (role == Role::passive) {
    if (!is_active()) return;
    form_.begin_anew();
    save_now(true);
    std::lock_guard lock(mutex_);
    replies_.become_passive();
    return;
  }
  if (auto taken = take_over(state); !taken)
    throw std::runtime_error("the worker did not take over the state of the former active instance: " +
                             taken.error().message);
  form_.begin_anew();
  last_ = nullptr;
  Replies::Ready unsafe;
  {
    std::lock_guard lock(mutex_);
    unsafe = replies_.become_active();
  }
  // Of when it was active before: nobody held the states after them, so they may not be part of this one.
  for (const Reply& one : unsafe) one.answer(not_safe());
  save_now(false);
}

// ---- replies ---------------------------------------------------------------------------------------------

void FollowGate::enter() {
  if (!is_active()) return;
  std::lock_guard lock(mutex_);
  replies_.enter();
}

void FollowGate::leave() {
  if (!is_active()) return;
  flow::SaveDue due{};
  {
    std::lock_guard lock(mutex_);
    due = replies_.leave();
  }
  if (due == flow::SaveDue::now) save_now(false);
  if (due == flow::SaveDue::order) arm();
}

void FollowGate::hold(Answer answer, EncodedTerm bytes, std::uint64_t term) {
  Reply reply{std::move(answer), std::move(bytes)};
  Replies::Held held{};
  {
    std::lock_guard lock(mutex_);
    held = replies_.hold(reply, term);
  }
  if (held == Replies::Held::no) reply.answer(std::move(reply.bytes));
  if (held == Replies::Held::unsafe) reply.answer(not_safe());
  if (held == Replies::Held::order) ask_to_save();
}

void FollowGate::give(Replies::Ready ready) {
  for (Reply& one : ready) one.answer(std::move(one.bytes));
}

void FollowGate::followed(std::uint64_t number) {
  Replies::Released released;
  {
    std::lock_guard lock(mutex_);
    released = replies_.followed(number);
  }
  give(std::move(released.ready));
  if (released.due == flow::SaveDue::order) ask_to_save();
}

void FollowGate::given_up(std::uint64_t number) {
  Replies::Ready unsafe;
  {
    std::lock_guard lock(mutex_);
    unsafe = replies_.given_up(number);
  }
  for (const Reply& one : unsafe) one.answer(not_safe());
}

// ---- the state -------------------------------------------------------------------------------------------

void FollowGate::ask_to_save() {
  const auto core = core_.lock();
  if (!core) return;
  core->moving.order(pid_, [self = shared_from_this(), raw = core.get()](Process& process) {
    return raw->moving.save_for_followers(process, *self);
  });
}

void FollowGate::arm() {
  const auto core = core_.lock();
  if (!core) return;
  const TimerPtr timer(
      new OrderTimer(*core, pid_, [self = shared_from_this(), raw = core.get()](Process& process) {
        return raw->moving.save_for_followers(process, *self);
      }));
  core->timers.add(timer, *options_.every);
}

void FollowGate::save() {
  {
    std::lock_guard lock(mutex_);
    if (!replies_.begin_ordered()) return;
  }
  if (worker_ == nullptr) return;
  const brood::detail::ContextScope scope(context_);
  save_now(false);
}

/// nullopt: nothing has changed since the last one.
std::optional<EncodedTerm> FollowGate::next_state(bool whole) {
  if (!whole) return worker_->changes();
  EncodedTerm state = worker_->save();
  if (worker_->has_changes()) (void)worker_->changes();  // it is all in there
  if (last_ && BytesView(*last_) == state.view()) return std::nullopt;
  return state;
}

void FollowGate::save_now(bool is_last) {
  std::optional<std::uint64_t> covers;
  {
    std::lock_guard lock(mutex_);
    covers = replies_.begin_save(is_last);
  }
  if (!covers) return;
  const bool has_changes = worker_->has_changes();
  const bool whole = !has_changes || form_.is_whole();
  auto state = next_state(whole);
  if (!state) {
    Replies::Ready ready;
    {
      std::lock_guard lock(mutex_);
      ready = replies_.unchanged(*covers);
    }
    return give(std::move(ready));
  }
  SavedCopy copy{0, whole, worker_->state_version(),
                 std::make_shared<const Bytes>(std::move(*state).octets())};
  form_.sent(whole, copy.state->size());
  if (!has_changes) last_ = copy.state;
  {
    std::lock_guard lock(mutex_);
    copy.number = replies_.sent(*covers);
  }
  options_.send(std::move(copy));
}

Step MoveDesk::save_for_followers(Process& process, FollowGate& gate) {
  if (!process.started || process.is_stub()) return Step::go_on;
  const auto outcome = core_.guarded(process, [&] { gate.save(); });
  if (outcome.abandoned) return Step::left;
  if (outcome.failure) process.begin_end(*outcome.failure, false);
  return Step::go_on;
}

std::shared_ptr<FollowGate> Handover::follow(std::unique_ptr<Behaviour>& behaviour, FollowOptions options) {
  auto gate = std::make_shared<FollowGate>(core_, std::move(options));
  behaviour = gate->wrap(std::move(behaviour));
  return gate;
}

}  // namespace brood::process
