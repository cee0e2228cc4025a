// Children::Slot: one instance of this node, for the sources of Children.
//
// Thread rule: control thread only; the runtime's callbacks read `driver`, `id` and `epoch`, which never
// change.
#pragma once

#include "base/rarely.hpp"
#include "process/handover/follow_gate.hpp"
#include "supervisor/driver/children.hpp"

namespace brood::supervisor {

/// One instance. Its address is what the runtime's callbacks hold, so it stays until Exited is told.
struct Children::Slot {
  Driver& driver;
  ChildId id;
  core::SpecPtr spec;
  core::Epoch epoch;
  std::optional<core::Role> role = std::nullopt;  ///< As which it began, where there may be several.
  core::SpecPtr run = nullptr;                    ///< What it runs: `spec`, or what hooks have made of it.
  Pid pid{};
  std::shared_ptr<process::FollowGate> gate = nullptr;  ///< Where passive instances follow its state.
  std::shared_ptr<exec::Program> program = nullptr;
  std::int32_t os_pid = 0;
  bool program_ready = false;  ///< It has said so.
  bool keeps_state = false;
  std::uint64_t freezing = 0;  ///< The attempt at it that counts; 0: none.
  bool stopping = false;
  /// How far a hand-over to this node is, or one away from it.
  enum class Hand : std::uint8_t { none, preparing, prepared, discarded, departed };
  Hand hand = Hand::none;
  bool process_gone = false;
  bool program_gone = true;
  /// What only a program has; behind one pointer, for there may be a million workers.
  struct Care {
    core::SpecPtr spec;           ///< Of which the following is: `spec`, or what was taken over since.
    std::vector<int> exit_codes;  ///< Those of a normal end.
    std::optional<exec::Command> checked = {};      ///< Its command, where it has a health check.
    std::unique_ptr<exec::HealthWatch> watch = {};  ///< While that is asked.
    core::HealthChanged told = {};                  ///< What it last made of it.
    std::string ill = {};  ///< Why it is ended, to be started again; empty: it is not.
  };
  std::unique_ptr<Care> care = nullptr;
  core::Shutdown shutdown = spec->shutdown;  ///< As its row has it now.
  bool ended_normally = false;
  Rarely<std::string> reason = {};
  bool ended_by_node = false;                ///< By end_all(): the core is not told.
  SteadyTime killed_at = SteadyTime::max();  ///< Or when it will be.
  std::unique_ptr<boost::asio::steady_timer> killer = nullptr;
};

/// A state as the process layer takes it over.
[[nodiscard]] process::KeptState kept_state(const core::HeldPtr& state);

}  // namespace brood::supervisor
