// HookFeed: makes hook events and what listeners are told of what a core is told and asks for, step by step.
//
//   see(event)...  ->  the core's step  ->  before(effects)  ->  the effects are carried out  ->
//   after(effects)
//
// Owns: what it must remember between two steps, each only while somebody wants it: children that a lost node
// ran, pids of processes that are being restarted, children that a node gives up as it leaves, the scores of
// nodes that tell their loads. Reads: the core, the registry. Calls: the table. Thread rule: control thread
// only.
#pragma once

#include <map>

#include "core/core.hpp"
#include "supervisor/driver/registry.hpp"
#include "supervisor/hooks/hook_table.hpp"

namespace brood::supervisor {

class HookFeed {
 public:
  /// This node as it is called now.
  struct Self {
    NodeName name;
    std::uint32_t creation = 0;
  };
  HookFeed(HookTable& table, const Registry& registry, const core::Core& core, std::function<Self()> self)
      : table_(table), registry_(registry), core_(core), self_(std::move(self)) {}

  void see(const core::Event& event);
  void before(const core::Effects& effects);
  void after(const core::Effects& effects);
  /// The supervisor ends here.
  void end(const std::string& reason);

 private:
  using Host = std::pair<NodeName, std::uint32_t>;  ///< A start of a node.
  struct Start {
    ChildId id;
    core::Epoch epoch;
    bool ok = false;
    std::string error;
    core::ProcessId pid;
  };
  struct Before {
    ChildId id;
    EntryPtr entry;  ///< Null: there was none.
  };

  void tell_members(const core::Effects& effects);
  void tell_turn(const core::Turn& turn);
  void tell_moving(const core::Effects& effects);
  void tell_starting(const core::Effects& effects);
  void tell_results(bool in_registry);
  void note_registry(const core::Effects& effects);
  void tell_registry();
  void tell_change(const ChildId& id, const EntryPtr& old, const EntryPtr& now);
  void tell_migrated(const core::Effects& effects);
  void note_losses(const core::Effects& effects);
  void note_load(const core::Event& event);
  void tell_scores();
  [[nodiscard]] hooks::ChildData data_of(const ChildId& id) const;
  [[nodiscard]] std::vector<NodeName> here() const { return {self_().name}; }

  HookTable& table_;
  const Registry& registry_;
  const core::Core& core_;
  const std::function<Self()> self_;
  std::vector<Start> starts_;         ///< That this step was told of.
  std::optional<Scoreboard> scores_;  ///< Before this step, in which these nodes told their loads:
  std::set<NodeName> told_;
  std::vector<Before> changed_;  ///< What of the registry is about to change.
  std::set<NodeName> up_;        ///< Members whose coming has been told.
  std::set<NodeName> left_;      ///< That have left in good order, until all know.
  std::map<NodeName, std::vector<Id>> lost_;
  std::map<NodeName, std::vector<TerminatedChild>> given_up_;
  std::map<std::pair<ChildId, Host>, Pid> former_;  ///< Of processes that are being restarted.
};

}  // namespace brood::supervisor
