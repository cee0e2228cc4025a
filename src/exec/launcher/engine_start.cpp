// How an Engine starts a program.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <tuple>
#include <utility>

#include "exec/launcher/engine_record.hpp"
#include "exec/launcher/start_error.hpp"
#include "exec/logs/last_end.hpp"
#include "exec/options/env_file.hpp"

namespace brood::exec {

bool Engine::open_ready_socket(Record& record) {
  if (!record.on_ready) return true;
  auto socket = ReadySocket::open("brood-ready-" + record.instance);
  if (!socket || !watch(socket->fd(), record.key | ready_bit)) return false;
  record.ready = std::move(*socket);
  record.command.env["NOTIFY_SOCKET"] = record.ready.address();
  return true;
}

/// The node's, with what a user brings along, and what is in the program's file.
Result<Environment> Engine::environment_of(const Command& command, const Identity& identity) const {
  Environment out = environment_;
  for (const auto& [name, value] : identity.env) out[name] = value;
  if (command.options.env_file.empty()) return out;
  const bool in_cwd = !command.cwd.empty() && command.options.env_file.front() != '/';
  auto file = load_env_file(in_cwd ? command.cwd + '/' + command.options.env_file : command.options.env_file);
  if (!file) return file.error();
  for (auto& [name, value] : *file) out[name] = std::move(value);
  return out;
}

// In the order in which they were asked for.
void Engine::spawn_after_sleep() {
  auto keys = std::exchange(sleepers_, {});
  asleep_ = 0;
  for (const std::uint64_t key : keys) {
    const auto found = records_.find(key);
    if (found != records_.end() && found->second->phase == Phase::waiting) spawn(*found->second);
  }
}

Result<ShimProcess> Engine::run_shim(Record& record) {
  const ProgramOptions& options = record.command.options;
  const auto identity = find_identity(options);
  if (!identity) return identity.error();
  record.ready.trust(identity->uid);
  auto environment = environment_of(record.command, *identity);
  if (!environment) return environment.error();
  for (const auto& [is_wanted, name, path] : {std::tuple(options.log_to.journal, "journal", &journal_socket_),
                                              std::tuple(options.log_to.syslog, "syslog", &syslog_socket_)})
    if (is_wanted && access(path->c_str(), W_OK) != 0)
      return Error{
          Errc::start_failed,
          fmt::format(
              "log_to \"{}\": there is none here ({}: {}); leave it out, or let the child run only on "
              "nodes that have one (nodes = [...])",
              name, *path, std::generic_category().message(errno))};
  if (options.cgroup.any()) {
    auto cgroup = cgroups_.make(
        fmt::format("{}-{}", log_file_name(record.log_name), record.instance.substr(24)), options.cgroup);
    if (!cgroup) return cgroup.error();
    record.cgroup = std::move(*cgroup);
  }
  return spawn_shim({.shim_path = *shim_path_,
                     .log_folder = log_folder(record.log_name),
                     .command = record.command,
                     .environment = *environment,
                     .identity = *identity,
                     .instance = record.instance,
                     .heartbeat_fd = heartbeat_.fd(),
                     .log_bytes_max = log_bytes_max_,
                     .journal = options.log_to.journal ? journal_socket_ : "",
                     .syslog = options.log_to.syslog ? syslog_socket_ : "",
                     .cgroup = record.cgroup});
}

void Engine::spawn(Record& record) {
  if (heartbeat_.is_old()) {
    // The node slept and goes on with this very start: that the heart has not beaten yet is not the program's
    // fault.
    record.phase = Phase::waiting;
    sleepers_.push_back(record.key);
    ++asleep_;
    if (!heartbeat_.is_old()) spawn_after_sleep();  // it has beaten in between
    return;
  }
  record.phase = Phase::starting;
  auto fail = [&](Error error) {
    report_started(record, std::move(error));
    retire(record);
  };
  if (auto ready = check(); !ready) return fail({Errc::start_failed, ready.error().message});
  if (auto valid = validate(record.command); !valid) return fail(valid.error());
  // A handle that is gone already wants no start.
  if (record.abandoned->load()) return fail(stopped_before_start());
  record.instance = instance_prefix_ + std::to_string(record.key);
  if (!open_ready_socket(record))
    return fail({Errc::start_failed, "no socket for the program to say that it is ready"});
  auto shim = run_shim(record);
  if (!shim) {
    if (!record.cgroup.empty()) remove_cgroup(record.cgroup);
    return fail(shim.error());
  }
  orphans_.spare(shim->pid);
  record.started_ms = wall_clock_ms();
  record.shim = std::move(*shim);
  if (watch(record.shim.control.get(), record.key)) return;
  // Without it the end would stay unseen: better no program.
  kill(record.shim.pid, SIGKILL);
  on_shim_end(record);
}

}  // namespace brood::exec
