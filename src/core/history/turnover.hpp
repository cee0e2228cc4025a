// Turnover: which nodes came and went, from the first word of it until nothing of this node's is on its way
// for it any more. For hooks and listeners; nothing depends on it.
//
//   view changes -> held ... all see the same -> came / went -> resumed -> begins ... over (-> settled)
//
// Owns: which nodes were up when this node last decided, and what of that is not over. Reads nothing. Tells
// the driver (Effects::turns). Thread rule: none; owned by one core.
#pragma once

#include "core/base/step.hpp"

namespace brood::core {

/// Which of these members speaks of that node for all of them: the same on every one that knows the same
/// members. The node itself never does, unless it is alone. Empty when there are none.
[[nodiscard]] NodeName announcer_of(const NodeName& node, const std::vector<NodeName>& up);

class Turnover {
 public:
  /// This node decides nothing for now.
  void hold(Step& s);
  void session_ended(const NodeName& node) { gone_.insert(node); }
  /// It decides again; `up`: the members that are, in the order of their names.
  void may_act(Step& s, const std::vector<NodeName>& up);
  /// The step ends. `is_quiet`: no child of this node has to be looked at or is on its way. `is_dropping`:
  /// what ran on nodes that are gone is still being cleared.
  void flush(Step& s, bool is_quiet, bool is_dropping);

 private:
  struct Way {
    NodeName node;
    bool up = false;
  };
  void tell(Step& s, Turn::Kind kind, const NodeName& node = {}, bool up = false, bool is_mine = false);

  bool holds_ = true;
  std::vector<NodeName> up_;
  std::vector<Way> under_way_;
  std::set<NodeName> gone_;       ///< Their sessions ended, and not all have said so yet.
  std::vector<NodeName> leaves_;  ///< All have, and what they ran is not cleared.
};

}  // namespace brood::core
