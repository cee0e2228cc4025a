// The workers that every `brood node` knows: counter, echo, tcp_monitor. docs/guide/command-line.md describes
// them for users.
#pragma once

#include <brood/node.hpp>

namespace brood::app {

/// already_exists when one of the names is taken.
Result<void> add_builtin_workers(WorkerRegistry registry);

}  // namespace brood::app
