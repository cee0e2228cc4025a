#include "exec/launcher/start_error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <system_error>

namespace brood::exec {
namespace {

std::string_view exec_hint(const std::string& program, int code) {
  if (code == ENOENT && program.find('/') == std::string::npos) return " (looked for in PATH)";
  if (code == ENOENT) return " (the file itself, or the interpreter that its first line names)";
  if (code == EACCES) return " (it must be a file that this user may execute)";
  return "";
}

std::string words(const Command& command, StartStep step, int code) {
  const std::string why = std::generic_category().message(code);
  switch (step) {
    case StartStep::version:
      return "brood-shim is of another version than this node; install the one that came with it";
    case StartStep::node_stalled:
      return "the node gave no sign of life for longer than its heartbeat limit";
    case StartStep::chdir:
      return fmt::format("cannot enter the folder \"{}\": {}", command.cwd, why);
    case StartStep::exec:
      return fmt::format("cannot run \"{}\": {}{}", command.argv.front(), why,
                         exec_hint(command.argv.front(), code));
    case StartStep::resources:
      break;
  }
  return fmt::format("the system refused a process for \"{}\": {}", command.argv.front(), why);
}

}  // namespace

Error start_error(const Command& command, StartStep step, int code) {
  return {Errc::start_failed, words(command, step, code)};
}

Error stopped_before_start() {
  return {Errc::start_failed, "stopped before it started"};
}

}  // namespace brood::exec
