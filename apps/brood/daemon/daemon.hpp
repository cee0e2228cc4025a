// The daemon: `brood node`.
#pragma once

#include "apps/brood/cli/arguments.hpp"

namespace brood::app {

/// Runs a node until SIGTERM or SIGINT; the program's exit status. Call once, before any other thread is
/// started: the signals are blocked in all of them.
int run_daemon(const Arguments& arguments);

}  // namespace brood::app
