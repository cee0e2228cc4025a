// The options cgroup, pty and those of the log; see options.hpp.
//
// Pure functions.
#pragma once

#include <brood/program_options.hpp>
#include <brood/result.hpp>
#include <brood/term.hpp>
#include <string_view>

namespace brood::exec {

/// #{memory => 536870912 or <<"512MiB">>, cpu => 1.5, pids => 100}, at least one of them.
[[nodiscard]] Result<void> read_cgroup(CgroupLimits& into, const Term& value);
[[nodiscard]] Term cgroup_term(const CgroupLimits& limits);
/// true, false or <<"132x40">>.
[[nodiscard]] Result<void> read_pty(ProgramOptions& options, const Term& value);
[[nodiscard]] Term pty_term(const PseudoTerminal& pty);
/// log_size, log_files, log_timestamps, log_to.
[[nodiscard]] Result<void> read_log_option(std::string_view key, const Term& value, ProgramOptions& options);
[[nodiscard]] Term log_to_term(const LogTo& to);

}  // namespace brood::exec
