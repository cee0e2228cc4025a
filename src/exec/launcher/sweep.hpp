// The last resort when a shim was killed from outside (kill -9 on it, out of memory): the kernel kills its
// program, but what the program had started goes on and belongs to nobody. Every process of an instance
// carries the instance's own value in its environment, so it is found in /proc.
//
// A process that cleared its environment is not found.
#pragma once

#include <cstddef>
#include <string_view>

namespace brood::exec {

/// SIGKILL to every process with `instance_variable` = `instance`. How many were seen, those dying included:
/// call again until it is none. Reads all of /proc.
std::size_t sweep_instance(std::string_view instance);

}  // namespace brood::exec
