// ChildSpec: what a supervisor is to run, and how it looks after it.
#pragma once

#include <brood/id.hpp>
#include <brood/program_options.hpp>
#include <brood/supervisor_spec.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// An ordinary program as a child.
struct Command {
  std::vector<std::string> argv;                  ///< The program, and its arguments.
  std::map<std::string, std::string> env = {};    ///< Added to the node's.
  std::optional<std::string> cwd = std::nullopt;  ///< Its folder; none: the node's.
  std::optional<int> stop_signal = std::nullopt;  ///< What asks it to end; none: SIGTERM.
  /// When it moves, its successor starts on the new node first, and the old one ends when that has said that
  /// it is ready (READY=1 to $NOTIFY_SOCKET, as sd_notify(3) does). So there are two of it for a while: only
  /// for programs that bear that. One that does not get ready in time is ended, and the old one stays. A
  /// crash, and the loss of a node, start it anew as ever.
  bool start_before_stop = false;
  std::chrono::milliseconds ready_timeout{60'000};  ///< For that: 1 ms to a day.
  ProgramOptions options = {};                      ///< As whom it runs, its limits, ...
};

/// What to run, and how. All but `run` has defaults.
struct ChildSpec {
  /// A child whose worker is of class W, registered under the name that W gives itself (worker_name(), in
  /// brood/worker.hpp), started with these arguments: `ChildSpec::of<Account>("alice", 100)`.
  template <typename W, typename... Args>
  [[nodiscard]] static ChildSpec of(Id id, const Args&... arguments) {
    return {.id = std::move(id), .run = WorkerSpec::of<W>(arguments...)};
  }

  /// OTP's type of what it runs.
  [[nodiscard]] ChildType type() const {
    if (std::holds_alternative<SupervisorSpec>(run)) return ChildType::supervisor;
    const auto* worker = std::get_if<WorkerSpec>(&run);
    if (worker == nullptr) return ChildType::worker;
    return worker->name == supervisor_worker ? ChildType::supervisor : worker->type;
  }

  std::optional<Id> id = std::nullopt;  ///< None: a unique one is made.
  /// One of the kinds of child: `WorkerSpec{"account", brood::args(100)}`, a program
  /// (`Command{{"sleep", "60"}}`), or a supervisor of workers that are all on the child's node.
  std::variant<WorkerSpec, Command, SupervisorSpec> run = {};
  Restart restart = Restart::permanent;
  /// One that ends sooner after its start has not started: it is tried again after a pause, however it ended.
  /// (A temporary one has ended.) Zero: any that ran has started.
  std::chrono::milliseconds start_period{};
  /// The pause before the second restart in a row, and the longest; it doubles between them. None: the
  /// supervisor's, 20 ms and 5 s. Each at most a day.
  std::optional<std::chrono::milliseconds> backoff = std::nullopt;
  std::optional<std::chrono::milliseconds> backoff_max = std::nullopt;
  /// How often in a row it may fail on every node that may run it before it is given up: `failed`, until it
  /// is retried. None: the supervisor's, never. 0: never.
  std::optional<std::uint32_t> give_up_after = std::nullopt;
  /// It starts on a node once these children of its supervisor run, and are healthy where they have a check.
  /// One that was stopped, or has ended for good, is not waited for. What is started again where it ran waits
  /// for nothing.
  std::vector<Id> after = {};
  Shutdown shutdown = {};
  std::string tag = {};
  Term metadata = Term::map({});
  std::vector<NodeName> nodes = {};  ///< Only these may run it; empty: all.
  /// With the distribution `guided`, which needs it: the nodes that run it, the best first, as many as it has
  /// instances.
  std::vector<NodeName> mapping = {};
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
