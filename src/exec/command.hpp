// Command: which ordinary program to run and how. Plain data, any thread.
//
// As a term (the start argument of an `exec` child) a command is a map:
//   #{argv => [<<"/usr/bin/rsync">>, <<"--daemon">>],   required; texts may be binaries, strings or atoms
//     cwd => <<"/srv">>, env => #{<<"LANG">> => <<"C">>},
//     stop_signal => sigterm or 15, log_bytes_max => 1048576,
//     and the options of options/options.hpp: user => <<"www-data">>, umask => <<"027">>, ...}
#pragma once

#include <brood/program_options.hpp>
#include <brood/result.hpp>
#include <brood/term.hpp>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exec/exit_status.hpp"

namespace brood::exec {

struct Command {
  /// The program and its arguments. A program without '/' is looked for in PATH (of `env`, if it is there);
  /// a relative one with '/' is relative to `cwd`.
  std::vector<std::string> argv;
  std::string cwd = {};  ///< Empty: the node's.
  /// Added to the node's, as it was when the launcher was made.
  std::map<std::string, std::string> env = {};
  int stop_signal = SIGTERM;  ///< What asks the program to end.
  /// Kept of stdout and stderr; 0 keeps nothing. Without a value: what the launcher has.
  std::optional<std::size_t> log_bytes_max = std::nullopt;
  /// A relative path in it is relative to `cwd`.
  ProgramOptions options = {};

  friend bool operator==(const Command&, const Command&) = default;
};

/// `invalid_argument` that names the key: no argv, a text with a zero byte, no such signal, ...
[[nodiscard]] Result<void> validate(const Command& command);
/// Reads the map above. Unknown keys are refused, with what is allowed.
[[nodiscard]] Result<Command> command_from_term(const Term& term);
/// The map above; keys that have their default are left out.
[[nodiscard]] Term to_term(const Command& command);

}  // namespace brood::exec
