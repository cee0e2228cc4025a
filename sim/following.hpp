// Following: what a process that others follow has between its worker and its callers: the gate that real
// processes have too, in place of FollowGate's worker a number, and what the checker has to know.
//
// Its worker gives changes, or the whole each time, by its id.
//
// Thread rule: one thread.
#pragma once

#include "flow/reply_gate.hpp"
#include "flow/state_form.hpp"
#include "sim/world.hpp"

namespace brood::sim {

struct Following {
  struct Reply {
    std::uint64_t value = 0;
    Duration since{};
  };
  using Gate = flow::ReplyGate<Reply>;

  Following(bool replies_wait, const ChildId& id)
      : gate(replies_wait), form(changes_max), has_changes(std::hash<ChildId>{}(id) % 2 == 0) {}

  /// A handler of an active one begins, and ends.
  void enter() {
    if (!gate.is_active()) return;
    is_handling = true;
    gate.enter();
  }
  [[nodiscard]] flow::SaveDue leave() {
    is_handling = false;
    return gate.leave();
  }

  static constexpr std::size_t changes_max = 6;

  Gate gate;
  flow::StateForm form;
  bool has_changes;
  std::uint64_t given = 0;            ///< What its next changes lead on from.
  std::optional<std::uint64_t> sent;  ///< The last whole one, of a worker without changes.
  bool is_handling = false;
  std::uint64_t sent_losses = 0;  ///< How many nodes had been lost when that was saved.
  std::uint64_t held_losses = 0;  ///< And when that was saved which replies could leave for ...
  bool is_held = false;           ///< ... and that another node holds it.
};

}  // namespace brood::sim
