// ChildSpec: what a supervisor is to run, and how it looks after it.
#pragma once

#include <brood/codec.hpp>
#include <brood/id.hpp>
#include <brood/program_options.hpp>
#include <brood/supervisor_spec.hpp>
#include <brood/term.hpp>
#include <brood/worker.hpp>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace brood {

/// What to run. All but `worker` (or `exec`) have defaults.
struct ChildSpec {
  /// A child whose worker is of class W, registered under the name that W gives itself (worker_name(), in
  /// brood/worker.hpp), started with these arguments: `ChildSpec::of<Account>("alice", 100)`.
  template <typename W, typename... Args>
  [[nodiscard]] static ChildSpec of(Id id, const Args&... arguments) {
    static_assert(std::is_constructible_v<W, Args...>,
                  "brood: the worker cannot be constructed from these arguments");
    return {.id = std::move(id), .worker = worker_name<W>(), .args = brood::args(arguments...)};
  }

  /// A supervisor of workers on the child's node: brood/supervisor_spec.hpp. It has all the time that it
  /// needs to end, as OTP has it.
  [[nodiscard]] static ChildSpec supervisor(Id id, const SupervisorSpec& spec) {
    return {.id = std::move(id),
            .worker = std::string(supervisor_worker),
            .args = spec.args(),
            .shutdown = {.infinity = true}};
  }

  std::optional<Id> id = std::nullopt;  ///< None: a unique one is made.
  std::string worker = {};
  Bytes args = {};                     ///< brood::args(...); empty: none.
  std::vector<std::string> exec = {};  ///< Instead of a worker: the command line of an ordinary program.
  std::map<std::string, std::string> env = {};    ///< Of a program: added to the node's.
  std::optional<std::string> cwd = std::nullopt;  ///< Of a program: its folder; none: the node's.
  std::optional<int> stop_signal = std::nullopt;  ///< Of a program: what asks it to end; none: SIGTERM.
  /// Of a program: when it moves, its successor starts on the new node first, and the old one ends when that
  /// has said that it is ready (READY=1 to $NOTIFY_SOCKET, as sd_notify(3) does). So there are two of it for
  /// a while: only for programs that bear that. One that does not get ready in time is ended, and the old one
  /// stays. A crash, and the loss of a node, start it anew as ever.
  bool start_before_stop = false;
  std::chrono::milliseconds ready_timeout{60'000};  ///< For that: 1 ms to a day.
  ProgramOptions program = {};                      ///< Of a program: as whom it runs, its limits, ...
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
  std::vector<std::string> nodes = {};  ///< Only these may run it; empty: all.
  /// With the distribution `guided`, which needs it: the nodes that run it, the best first, as many as it has
  /// instances.
  std::vector<std::string> mapping = {};
};

}  // namespace brood

#pragma GCC visibility pop
