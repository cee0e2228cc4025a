// Driver: does for each simulated node what the supervisor's driver does for a real one: passes events to its
// core, carries out the effects, keeps its tick; and starts, kills, stops and wakes the nodes.
//
// Thread rule: one thread. Nothing here steps a core from within another step: all goes over the timeline.
#pragma once

#include "sim/world.hpp"

namespace brood::sim {

class Driver {
 public:
  explicit Driver(World& world);

  // ---- the life of a node
  void boot(std::size_t node);
  /// Its process ends at once. `flushed`: what it sent before still arrives.
  void kill(std::size_t node, bool flushed, std::string_view why);
  void pause(std::size_t node);
  /// `slept`: its monotonic clock stood still, as in a suspended machine.
  void resume(std::size_t node, bool slept);

  // ---- events
  /// Runs the job when that node is awake: at once, or when it wakes. Dropped when that start of it is over.
  void when_awake(std::size_t node, std::uint64_t incarnation, Job job);
  /// An event that may be passed together with others that come in the same moment.
  void post(std::size_t node, core::Event event);
  /// All that was gathered to be passed together is passed now.
  void flush(std::size_t node);
  /// A step of its own, now.
  void step(std::size_t node, core::Event event);

  /// Running nodes that are up (or draining).
  [[nodiscard]] std::size_t up_count() const;
  [[nodiscard]] std::size_t count(SimNode::State state) const;

 private:
  void step_all(std::size_t node, std::span<core::Event> events);
  void carry_out(std::size_t node, const core::Effects& effects);
  void set_fence(SimNode& node, bool fenced);
  void schedule_tick(std::size_t node);
  void work_off(std::size_t node);
  void maybe_take_long(SimNode& node, std::size_t index);
  void take_time(SimNode& node, std::size_t index, std::size_t pieces);
  void mark_refusals(SimNode& node);
  void leave(std::size_t node);
  void measure(std::size_t node);

  World& world_;
  Random random_;
};

}  // namespace brood::sim
