// Children: the instances of one supervisor that run on this node. Carries out the core's Start and Stop, and
// tells the driver how they went.
//
// Thread rule: control thread only, except that the callbacks it hands out run on scheduler threads; they
// only post to the driver.
//
// Invariant: Exited is told once for each Started, after both the process and, for a command, the program
// with all it started are gone.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <brood/worker.hpp>
#include <memory>
#include <optional>
#include <unordered_map>

#include "core/core.hpp"
#include "exec/launcher/launcher.hpp"
#include "process/runtime.hpp"

namespace brood::supervisor {

class Driver;
class NodeImpl;

class Children {
 public:
  Children(NodeImpl& node, Driver& driver);
  ~Children();

  void start(const core::Start& start);
  void stop(const core::Stop& stop);
  /// Fills in what only this thread knows (pids) and forgets what has ended. False: not to be told to the
  /// core (stale).
  [[nodiscard]] bool complete(core::Event& event);
  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  /// One of them and how far it is, for the log.
  [[nodiscard]] std::string first_words() const;
  /// Ends everything, each with its own patience, or at once. Exited still comes for each. Returns the
  /// longest patience; max() when one of them waits for ever.
  enum class Haste : std::uint8_t { by_spec, at_once };
  std::chrono::milliseconds end_all(Haste haste);

 private:
  struct Slot;
  void start_worker(Slot& slot);
  void start_program(Slot& slot);
  void program_started(Slot& slot, std::int32_t os_pid);
  void fail(const ChildId& id, const core::Epoch& epoch, Error error);
  [[nodiscard]] WorkerIdentity identity(const Slot& slot) const;
  Slot* find(const ChildId& id, const core::Epoch& epoch);

  NodeImpl& node_;
  Driver& driver_;
  std::unordered_map<ChildId, std::unique_ptr<Slot>> slots_;
};

}  // namespace brood::supervisor
