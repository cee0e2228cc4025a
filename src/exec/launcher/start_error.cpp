#include "exec/launcher/start_error.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "exec/options/options.hpp"

namespace brood::exec {
namespace {

std::string_view exec_hint(const std::string& program, int code) {
  if (code == ENOENT && program.find('/') == std::string::npos) return " (looked for in PATH)";
  if (code == ENOENT) return " (the file itself, or the interpreter that its first line names)";
  if (code == EACCES) return " (it must be a file that this user may execute)";
  return "";
}

std::string limit_words(const Command& command, int resource, const std::string& why) {
  const auto& names = limit_names();
  const auto found = std::find_if(names.begin(), names.end(),
                                  [&](const LimitName& one) { return one.resource == resource; });
  if (found == names.end()) return "a limit was refused: " + why;
  rlimit now{};
  getrlimit(static_cast<__rlimit_resource_t>(resource), &now);
  const auto asked = command.options.limits.find(std::string(found->name));
  const auto word = [](std::uint64_t value) {
    return value == ResourceLimit::unlimited ? std::string("unlimited") : std::to_string(value);
  };
  return fmt::format("limits.{} = {}: {}; this node may give at most {}", found->name,
                     asked == command.options.limits.end() ? "?" : word(asked->second.hard), why,
                     word(now.rlim_max));
}

std::string words(const Command& command, StartStep step, int code, int detail) {
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
    case StartStep::user:
      return fmt::format("cannot become user \"{}\": {}", command.options.user, why);
    case StartStep::group:
      return fmt::format("cannot take on the groups of user \"{}\", group \"{}\": {}", command.options.user,
                         command.options.group, why);
    case StartStep::nice:
      return fmt::format("nice = {}: {}; below the node's own takes root", command.options.nice.value_or(0),
                         why);
    case StartStep::stdin_file:
      return fmt::format("stdin \"{}\": {}", command.options.stdin_file, why);
    case StartStep::limit:
      return limit_words(command, detail, why);
    case StartStep::cgroup:
      return fmt::format("cgroup: the program cannot be moved to its own: {}", why);
    case StartStep::terminal:
      return fmt::format("pty: there is no terminal to be had: {}", why);
    case StartStep::resources:
      break;
  }
  return fmt::format("the system refused a process for \"{}\": {}", command.argv.front(), why);
}

}  // namespace

Error start_error(const Command& command, StartStep step, int code, int detail) {
  return {Errc::start_failed, words(command, step, code, detail)};
}

Error stopped_before_start() {
  return {Errc::start_failed, "stopped before it started"};
}

}  // namespace brood::exec
