// Monitored: what a monitor watches.
//
// Thread rule: a value.
#pragma once

#include <brood/remote.hpp>
#include <brood/term.hpp>

namespace brood::process {

/// A pid, or a name of some node. A name of this node comes with the pid that had it when the monitor was
/// set, because that process is what is watched, whatever becomes of the name.
struct Monitored {
  Pid pid = {};
  NamedProcess name = {};

  [[nodiscard]] bool by_name() const { return !name.name.name.empty(); }
  [[nodiscard]] const NodeName& node() const { return by_name() ? name.node : pid.node; }
};

}  // namespace brood::process
