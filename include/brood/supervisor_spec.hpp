// SupervisorSpec: a child that is itself a supervisor, of workers on its own node.
//
//   bank.start_child({.id = "session/42", .run = brood::SupervisorSpec{
//       .strategy = brood::RestartStrategy::rest_for_one,
//       .children = {brood::InnerSpec::of<Connection>("connection", "db1"),
//                    brood::InnerSpec::of<Cache>("cache", 1000)}}});
//
// To the cluster it is one child: placed, moved and started again as a whole, and found by its id. Its own
// children, the inner ones, are workers beside it on whatever node that is; it starts them in their order,
// supervises them as OTP's `supervisor` does, and ends them in reverse order. Its end ends them all, a kill
// too, and is told only once nothing of them runs. It moves cold, also in a hot swap: it ends, and starts
// anew elsewhere, and its inner children with it.
//
// To Erlang it is a supervisor: supervisor:which_children(Pid) and its sisters are answered.
//
// Thread rule: plain data.
#pragma once

#include <brood/codec.hpp>
#include <brood/id.hpp>
#include <brood/worker.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

enum class Restart : std::uint8_t {
  permanent,  ///< Always restarted.
  transient,  ///< Restarted after an abnormal end; at least once if its node is lost.
  temporary,  ///< Never restarted; a planned move keeps it.
};

/// Which inner children are started again when one of them is.
enum class RestartStrategy : std::uint8_t {
  one_for_one,   ///< That one.
  one_for_all,   ///< All: the others are ended first, the last one first.
  rest_for_one,  ///< That one and those that come after it.
};

/// When a local supervisor ends, with reason `shutdown`, because significant inner children have ended by
/// themselves: a transient one normally, a temporary one in any way. What its supervisor then does depends on
/// its own restart rule: a permanent one is started again.
enum class AutoShutdown : std::uint8_t {
  never,            ///< No inner child may be significant.
  any_significant,  ///< With the first of them.
  all_significant,  ///< With the last of them.
};

/// OTP's type of a child; it is told to who asks, and decides nothing but what `shutdown` is where a
/// ChildSpec does not say it.
enum class ChildType : std::uint8_t { worker, supervisor };

/// How long a child may take to end; 0 kills at once.
struct Shutdown {
  /// None: 5 seconds, or of type supervisor all the time that it needs.
  std::optional<std::chrono::milliseconds> patience = std::nullopt;
  bool infinity = false;  ///< All the time that it needs, whatever `patience` says.

  /// The same where it says nothing, for a child of that type.
  [[nodiscard]] constexpr Shutdown of(ChildType type) const {
    constexpr std::chrono::milliseconds usual{5000};
    return {patience.value_or(usual), infinity || (!patience && type == ChildType::supervisor)};
  }
};

/// The worker name under which every node runs local supervisors.
inline constexpr std::string_view supervisor_worker = "supervisor";

/// A worker by the name under which it is registered, with the arguments of its start:
/// `WorkerSpec{"account", brood::args(100)}`.
struct WorkerSpec {
  /// Of class W, registered under the name that W gives itself (worker_name(), in brood/worker.hpp).
  template <typename W, typename... Args>
  [[nodiscard]] static WorkerSpec of(const Args&... arguments) {
    static_assert(std::is_constructible_v<W, Args...>,
                  "brood: the worker cannot be constructed from these arguments");
    return {.name = worker_name<W>(), .args = brood::args(arguments...)};
  }

  std::string name;
  EncodedTerm args = {};  ///< brood::args(...); empty: none.
  ChildType type = ChildType::worker;
};

struct SupervisorSpec;

/// An inner child. Its worker is registered on the node as any other.
struct InnerSpec {
  /// As ChildSpec::of().
  template <typename W, typename... Args>
  [[nodiscard]] static InnerSpec of(Id id, const Args&... arguments) {
    return {.id = std::move(id), .run = WorkerSpec::of<W>(arguments...)};
  }
  /// A supervisor under the supervisor. It has all the time that it needs to end, as OTP has it.
  [[nodiscard]] static InnerSpec supervisor(Id id, const SupervisorSpec& spec);

  Id id;
  WorkerSpec run = {};
  /// A temporary one that has ended is forgotten.
  Restart restart = Restart::permanent;
  Shutdown shutdown = {};
  /// Its end by itself counts for AutoShutdown. Not of a permanent one, which never ends for good.
  bool significant = false;
};

struct SupervisorSpec {
  RestartStrategy strategy = RestartStrategy::one_for_one;
  /// More than `intensity` restarts within `period`, of all its inner children together, and it gives up: it
  /// ends them and itself, with reason `shutdown`. Too small: what a new start of one would have cured starts
  /// all anew; too large: it goes on for long where nothing helps.
  std::uint32_t intensity = 1;
  std::chrono::seconds period{5};  ///< At least a second.
  AutoShutdown auto_shutdown = AutoShutdown::never;
  std::vector<InnerSpec> children = {};  ///< In the order of their start; no two with one id.

  /// The start arguments of a child that runs it: [Flags, Specs], as what init/1 of an OTP supervisor
  /// returns.
  [[nodiscard]] EncodedTerm args() const;
};

inline InnerSpec InnerSpec::supervisor(Id id, const SupervisorSpec& spec) {
  return {.id = std::move(id), .run = {std::string(supervisor_worker), spec.args(), ChildType::supervisor}};
}

/// A call to a local supervisor; the answer is a list of InnerInfo, the one started last first.
/// `bank.call<std::vector<brood::InnerInfo>>("session/42", brood::which_children{})`. Not from an inner
/// child's start, for which the supervisor waits.
struct which_children {};
/// The process of one inner child: `bank.call<std::optional<brood::Pid>>("session/42",
/// brood::which_child{"cache"})`. Nothing where it does not run just now.
struct which_child {
  Id id;
};

/// {Id, Pid or undefined or restarting, worker or supervisor, [Worker]}
using InnerInfo = std::tuple<Term, Term, Atom, std::vector<Atom>>;

}  // namespace brood::inline v0

#pragma GCC visibility pop
