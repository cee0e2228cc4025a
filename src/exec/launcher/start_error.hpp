// The words for a program that could not be started.
#pragma once

#include <brood/result.hpp>

#include "exec/command.hpp"
#include "exec/shim/shim_protocol.hpp"

namespace brood::exec {

/// `start_failed` for a step that failed with that errno; `detail`: see StartStep.
[[nodiscard]] Error start_error(const Command& command, StartStep step, int code, int detail = 0);
/// `start_failed` for a start that a stop overtook.
[[nodiscard]] Error stopped_before_start();

}  // namespace brood::exec
