#include "supervisor/driver/callers.hpp"

#include <algorithm>
#include <exception>

#include "process/log/log.hpp"

namespace brood::supervisor {

namespace {

/// An answer that its receiver fails to take (no memory for it) is that receiver's loss alone.
template <typename... Arguments>
std::function<void(Arguments...)> guarded(std::function<void(Arguments...)> call) {
  return [call = std::move(call)](Arguments... arguments) {
    try {
      call(std::forward<Arguments>(arguments)...);
    } catch (const std::exception& error) {
      log::error("an answer was lost: {}", error.what());
    } catch (...) {
      log::error("an answer was lost: its receiver threw");
    }
  };
}

}  // namespace

core::ClientId Callers::ask(std::chrono::milliseconds timeout, ClientDone done, std::weak_ptr<void> owner,
                            std::size_t outcomes) {
  owner_ = std::move(owner);
  const auto deadline = deadline_after(std::chrono::steady_clock::now(), timeout);
  const auto id = clients_.add(guarded(std::move(done)), deadline, outcomes);
  arm();
  return id;
}

void Callers::wait(const ChildId& id, core::Hlc not_epoch, std::chrono::milliseconds timeout,
                   std::function<void(bool)> then, Waiters::Row row, std::weak_ptr<void> owner,
                   const NodeName& on) {
  owner_ = std::move(owner);
  waiters_.add(id, not_epoch, deadline_after(std::chrono::steady_clock::now(), timeout),
               guarded(std::move(then)), row, on);
  arm();
}

void Callers::give_up(core::ClientId id) {
  if (clients_.give_up(id)) gone_(id);
}

void Callers::give_up_all() {
  alarm_.off();
  clients_.give_up_all();
  waiters_.give_up_all();
}

void Callers::look_at_the_time() {
  const auto now = std::chrono::steady_clock::now();
  for (const core::ClientId id : clients_.expire(now)) gone_(id);
  waiters_.expire(now);
  arm();
}

void Callers::arm() {
  const auto never = SteadyTime::max();
  const auto next =
      std::min(clients_.next_deadline().value_or(never), waiters_.next_deadline().value_or(never));
  if (next != never) alarm_.at(next, owner_);
}

}  // namespace brood::supervisor
