// brood init: writes a fleet file for the programs of a folder, a Procfile or a supervisord.conf.
#pragma once

#include "apps/brood/cli/arguments.hpp"
#include "apps/brood/cli/outcome.hpp"
#include "apps/brood/cli/output.hpp"

namespace brood::app::init {

[[nodiscard]] Outcome<void> run(const Arguments& arguments, Output& out);

}  // namespace brood::app::init
