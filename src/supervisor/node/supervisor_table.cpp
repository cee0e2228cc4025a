#include "supervisor/node/supervisor_table.hpp"

#include <fmt/format.h>

#include <future>

#include "process/sched/left_behind.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

Result<SupervisorTable::Made> SupervisorTable::add(const std::string& name, const NodeName& node,
                                                   const std::function<Made()>& make) {
  const std::lock_guard lock(mutex_);
  if (closed_) return Error{Errc::stopped, "the node has stopped"};
  if (drivers_.contains(name)) {
    return Error{Errc::already_exists,
                 fmt::format("a supervisor named '{}' already runs on node {}", name, node.text())};
  }
  return drivers_.emplace(name, make()).first->second;
}

void SupervisorTable::change_all(const std::function<void()>& change,
                                 const std::function<void(Driver&)>& tell) {
  const std::lock_guard lock(mutex_);
  change();
  for (const auto& [name, driver] : drivers_) tell(*driver);
}

void SupervisorTable::erase(const Driver& driver) {
  const std::lock_guard lock(mutex_);
  const auto found = drivers_.find(driver.name());
  if (found != drivers_.end() && found->second.get() == &driver) drivers_.erase(found);
}

void SupervisorTable::remove(const Made& driver, milliseconds hand_over, std::function<void()> done) {
  driver->leave(hand_over, [this, driver, done = std::move(done)](bool emptied) {
    if (!emptied) process::leave_behind(driver);
    erase(*driver);
    done();
  });
}

SupervisorTable::Made SupervisorTable::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = drivers_.find(name);
  return found == drivers_.end() ? nullptr : found->second;
}

std::vector<SupervisorTable::Made> SupervisorTable::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<Made> all;
  for (const auto& [name, driver] : drivers_) all.push_back(driver);
  return all;
}

void SupervisorTable::drain(Driver::Drain kind, milliseconds timeout,
                            std::function<void(Result<void>)> done) const {
  struct Count {
    std::size_t left;
    Result<void> result;
    std::function<void(Result<void>)> done;
  };
  const auto drivers = all();
  if (drivers.empty()) return done({});
  // All drains end on the control thread, so the count needs no lock.
  auto count = std::make_shared<Count>(Count{drivers.size(), {}, std::move(done)});
  for (const auto& driver : drivers) {
    driver->drain(kind, timeout, [count, driver, kind](const Outcomes& outcomes, bool timed_out) {
      if (timed_out) {
        const char* what = kind == Driver::Drain::take_back ? "has not answered" : "still has children here";
        count->result = Error{Errc::timeout, fmt::format("supervisor '{}' {}", driver->name(), what)};
      }
      for (const auto& outcome : outcomes)
        if (outcome.error) count->result = *outcome.error;
      if (--count->left == 0) count->done(std::move(count->result));
    });
  }
}

bool SupervisorTable::end_all(milliseconds hand_over) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  const auto drivers = all();
  std::vector<std::future<bool>> ends;
  for (const auto& driver : drivers) {
    auto ended = std::make_shared<std::promise<bool>>();
    ends.push_back(ended->get_future());
    driver->leave(hand_over, [ended](bool emptied) { ended->set_value(emptied); });
  }
  bool emptied = true;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    if (ends[i].get()) continue;
    emptied = false;
    process::leave_behind(drivers[i]);
  }
  const std::lock_guard lock(mutex_);
  drivers_.clear();
  return emptied;
}

}  // namespace brood::supervisor
