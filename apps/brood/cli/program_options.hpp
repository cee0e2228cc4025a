// The options of programs on the command line, and how `show` tells them.
//
// Pure functions, but that a relative path is placed in this process's folder.
#pragma once

#include <brood/child_spec.hpp>
#include <string>
#include <utility>
#include <vector>

#include "apps/brood/cli/arguments.hpp"
#include "apps/brood/cli/json.hpp"

namespace brood::app {

/// What `brood start` says of how the command runs.
[[nodiscard]] Outcome<void> read_program_options(const StartArguments& start, Command& command);
/// One of its options that is given and that only programs have; empty: there is none.
[[nodiscard]] std::string option_of_programs(const StartArguments& start);
/// What it says of when any child is started, and started again.
[[nodiscard]] Outcome<void> read_order(const StartArguments& start, ChildSpec& spec);

/// What a child has of them, by the keys of the fleet file.
using OptionList = std::vector<std::pair<std::string, Term>>;
/// Of `describe`'s map of a child, and the map of its command.
[[nodiscard]] OptionList options_of(const Term& child, const Term& command);
/// `nofile=1024, core=unlimited`: one value, for people.
[[nodiscard]] std::string option_text(const Term& value);
[[nodiscard]] Json options_json(const OptionList& options);

}  // namespace brood::app
