// SupervisorTable: the supervisors of this node by name.
//
//   add() --> in the table --remove()--> its end --> out of the table: the name is free
//
// Owns: a reference to each driver. Calls: drivers. Thread rule: any thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "supervisor/driver/driver.hpp"

namespace brood::supervisor {

class SupervisorTable {
 public:
  using Made = std::shared_ptr<Driver>;

  /// `make` runs under the table's lock: what change_all() changes a new supervisor has from its beginning,
  /// or is told of like the others. Errors: already_exists, stopped.
  Result<Made> add(const std::string& name, const NodeName& node, const std::function<Made()>& make);
  /// Runs `change`, then `tell` for each supervisor; nobody is added meanwhile.
  void change_all(const std::function<void()>& change, const std::function<void(Driver&)>& tell);
  /// Ends this very supervisor, not a later one of its name; `done` when its name is free, on the control
  /// thread. What cannot even be killed keeps its driver. Needs the control thread until then.
  void remove(const Made& driver, std::chrono::milliseconds hand_over, std::function<void()> done);

  [[nodiscard]] Made find(const std::string& name) const;
  [[nodiscard]] std::vector<Made> all() const;

  /// Hands all children of all supervisors over; `done` gets success, no_target or timeout.
  void drain(Driver::Drain kind, std::chrono::milliseconds timeout,
             std::function<void(Result<void>)> done) const;
  /// Ends all of them, waits, and returns whether nothing of them runs. Not on the control thread.
  [[nodiscard]] bool end_all(std::chrono::milliseconds hand_over);

 private:
  void erase(const Driver& driver);

  mutable std::mutex mutex_;
  std::map<std::string, Made> drivers_;
  bool closed_ = false;  ///< By end_all().
};

}  // namespace brood::supervisor
