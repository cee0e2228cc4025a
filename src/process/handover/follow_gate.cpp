#include "process/handover/follow_gate.hpp"

#include <algorithm>
#include <stdexcept>

#include "process/handover/move_desk.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

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
  std::deque<Held> dropped;  // their callers learn of the process's end
  std::lock_guard lock(mutex_);
  closed_ = true;
  dropped.swap(held_);
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
    if (!active_) return;
    whole_next_ = true;
    save_now(true);
    active_ = false;
    std::lock_guard lock(mutex_);
    counts_ = false;
    return;
  }
  if (auto taken = take_over(state); !taken)
    throw std::runtime_error("the worker did not take over the state of the former active instance: " +
                             taken.error().message);
  const bool again = std::exchange(active_, true);
  whole_next_ = true;
  last_ = nullptr;
  std::deque<Held> unsafe;
  {
    // What it begins with is held by nobody under its own name yet: what it answers waits for that too.
    std::lock_guard lock(mutex_);
    counts_ = true;
    ++handled_;
    if (!again) {
      unsafe.swap(held_);
      flying_ = 0;
    }
  }
  // Of when it was active before: nobody held the states after them, so they may not be part of this one.
  for (Held& one : unsafe)
    one.answer(brood::detail::encode_error(
        {Errc::timeout, "the child went on elsewhere before the answer was safe; it may have happened"}));
  save_now(false);
}

// ---- replies ---------------------------------------------------------------------------------------------

void FollowGate::enter() {
  if (!active_) return;
  std::lock_guard lock(mutex_);
  running_ = true;
}

void FollowGate::leave() {
  if (!active_) return;
  bool now = false;
  bool later = false;
  {
    std::lock_guard lock(mutex_);
    running_ = false;
    ++handled_;
    now = wants_save();
    later = options_.every && !std::exchange(asked_, true);
  }
  if (now) save_now(false);
  if (later) arm();
}

void FollowGate::hold(Answer answer, EncodedTerm bytes) {
  bool ask = false;
  {
    std::lock_guard lock(mutex_);
    const std::uint64_t needs = handled_ + (running_ ? 1 : 0);
    if (!options_.every && !closed_ && needs > covered_) {
      held_.push_back({needs, std::move(answer), std::move(bytes)});
      ask = !running_ && wants_save() && !std::exchange(asked_, true);
      answer = nullptr;
    }
  }
  if (answer) answer(std::move(bytes));
  if (ask) ask_to_save();
}

bool FollowGate::wants_save() const {
  return counts_ && !options_.every && !held_.empty() && flying_ == 0;
}

std::vector<FollowGate::Held> FollowGate::take_ready() {
  std::vector<Held> ready;
  for (auto at = held_.begin(); at != held_.end();) {
    if (at->needs > covered_) {
      ++at;
      continue;
    }
    ready.push_back(std::move(*at));
    at = held_.erase(at);
  }
  return ready;
}

void FollowGate::give(std::vector<Held> ready) {
  for (Held& one : ready) one.answer(std::move(one.bytes));
}

void FollowGate::followed(std::uint64_t number) {
  std::vector<Held> ready;
  bool ask = false;
  {
    std::lock_guard lock(mutex_);
    if (flying_ == 0 || number < flying_) return;
    covered_ = flying_covers_;
    flying_ = 0;
    ready = take_ready();
    ask = !running_ && wants_save() && !std::exchange(asked_, true);
  }
  give(std::move(ready));
  if (ask) ask_to_save();
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
    asked_ = false;
    if (!options_.every && !wants_save()) return;
  }
  if (worker_ == nullptr || !active_) return;
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
  std::uint64_t covers = 0;
  {
    std::lock_guard lock(mutex_);
    if (!is_last && flying_ != 0) return;
    covers = handled_ + (running_ ? 1 : 0);
  }
  const bool has_changes = worker_->has_changes();
  const bool whole =
      whole_next_ || !has_changes || change_count_ >= options_.changes_max || change_bytes_ > whole_bytes_;
  auto state = next_state(whole);
  if (!state) {
    std::vector<Held> ready;
    {
      std::lock_guard lock(mutex_);
      (flying_ == 0 ? covered_ : flying_covers_) = covers;
      ready = take_ready();
    }
    return give(std::move(ready));
  }
  SavedCopy copy{++number_, whole, worker_->state_version(),
                 std::make_shared<const Bytes>(std::move(*state).octets())};
  const std::size_t size = copy.state->size();
  if (whole) {
    whole_next_ = false;
    whole_bytes_ = std::max<std::size_t>(size, 4096);
    change_bytes_ = change_count_ = 0;
    if (!has_changes) last_ = copy.state;
  } else {
    change_bytes_ += size;
    ++change_count_;
  }
  if (!options_.every) {
    std::lock_guard lock(mutex_);
    flying_ = copy.number;
    flying_covers_ = covers;
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
