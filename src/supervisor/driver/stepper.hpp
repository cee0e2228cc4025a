// Stepper: runs a core on the control thread. Takes events from the inbox in batches, gives each batch and
// the time to the core, and hands out the effects; asks for the time again when the core says so.
//
//   inbox --batch--> complete each event --> core.step --> carry_out --> next_deadline(): alarm, or at once
//
// A core that returns with work left over says so by a deadline that is past: it gets a Tick behind what is
// queued, so that small requests go between its portions.
//
// What throws inside a step or its effects (only the lack of memory can) ends the program: half a step cannot
// be taken back, other nodes take over from a node that ended, and nobody from one that goes on with half.
//
// Owns: the core, the inbox, the tick's alarm, the step times. Calls: its host. Thread rule: control thread
// only, but for the inbox and the times, which say their own.
#pragma once

#include <memory>
#include <vector>

#include "core/core.hpp"
#include "supervisor/driver/alarm.hpp"
#include "supervisor/driver/inbox.hpp"
#include "supervisor/driver/step_times.hpp"

namespace brood::supervisor {

class Stepper {
 public:
  class Host {
   public:
    virtual ~Host() = default;
    /// The clocks, and how long this program slept since the last step.
    [[nodiscard]] virtual core::Now now() = 0;
    /// Adds what only the control thread knows; false: not for the core.
    [[nodiscard]] virtual bool complete(core::Event& event) = 0;
    virtual void carry_out(const core::Effects& effects) = 0;
    /// Holds the host and this stepper.
    [[nodiscard]] virtual std::weak_ptr<void> alive() = 0;
  };

  /// `weight_max`: see Inbox.
  Stepper(boost::asio::io_context& control, core::Settings settings, std::size_t weight_max, Host& host);

  [[nodiscard]] Inbox& inbox() { return inbox_; }
  [[nodiscard]] StepClock& times() { return times_; }
  [[nodiscard]] const core::Core& core() const { return core_; }
  /// From now on the core is asked: Boot first, then these. What was taken before was dropped, but for a new
  /// name.
  void boot(std::vector<core::Event> events);
  [[nodiscard]] bool is_booted() const { return booted_; }
  /// Handles one batch now.
  void run();
  /// The core is not asked any more; events are still completed.
  void end();

 private:
  void schedule();
  void step(std::vector<core::Event>& events);
  void ask_for_time();
  void ring();

  boost::asio::io_context& control_;
  Host& host_;
  core::Core core_;
  Inbox inbox_;
  Alarm alarm_;
  StepClock times_;
  std::vector<core::Event> before_boot_;  ///< The last Renamed, if any.
  bool booted_ = false;
  bool ended_ = false;
  bool tick_waits_ = false;  ///< A Tick is in the inbox.
};

}  // namespace brood::supervisor
