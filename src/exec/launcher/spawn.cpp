#include "exec/launcher/spawn.hpp"

#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>

#include "exec/options/options.hpp"
#include "exec/shim/program_setup.hpp"
#include "exec/shim/shim_protocol.hpp"

extern char** environ;

namespace brood::exec {
namespace {

/// Read before main() begins, so before anybody has raised it.
const rlimit started_with = [] {
  rlimit limit{RLIM_INFINITY, RLIM_INFINITY};
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit;
}();

Error start_error(const char* what, int code) {
  return {Errc::start_failed, std::string(what) + ": " + std::generic_category().message(code)};
}

/// Moved out of the way of the numbers the shim expects its own at.
Fd above_shim_fds(int fd) {
  return Fd(fcntl(fd, F_DUPFD_CLOEXEC, 16));
}

/// What posix_spawn needs besides the arguments; released in any case.
class SpawnPlan {
 public:
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions_);
    posix_spawnattr_init(&attributes_);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions_);
    posix_spawnattr_destroy(&attributes_);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;

  void give_fds(int control, int heartbeat) {
    posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDWR, 0);
    posix_spawn_file_actions_adddup2(&actions_, 0, 1);
    posix_spawn_file_actions_adddup2(&actions_, 0, 2);
    posix_spawn_file_actions_adddup2(&actions_, control, shim_control_fd);
    posix_spawn_file_actions_adddup2(&actions_, heartbeat, shim_heartbeat_fd);
    posix_spawn_file_actions_addclosefrom_np(&actions_, shim_heartbeat_fd + 1);
  }

  /// A session of its own: what a terminal sends to the node's group is not for the shim.
  void reset_signals() {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    posix_spawnattr_setflags(&attributes_,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
  }

  int run(pid_t& pid, const std::string& path, std::vector<std::string>& args,
          std::vector<std::string>& env) {
    return posix_spawn(&pid, path.c_str(), &actions_, &attributes_, pointers(args).data(),
                       pointers(env).data());
  }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> result;
    result.reserve(texts.size() + 1);
    for (auto& text : texts) result.push_back(text.data());
    result.push_back(nullptr);
    return result;
  }

  posix_spawn_file_actions_t actions_;
  posix_spawnattr_t attributes_;
};

rlim_t as_rlimit(std::uint64_t value) {
  return value == ResourceLimit::unlimited ? RLIM_INFINITY : static_cast<rlim_t>(value);
}

ProgramSetup setup_of(const ShimRequest& request) {
  const ProgramOptions& options = request.command.options;
  ProgramSetup setup;
  setup.uid = request.identity.uid;
  setup.gid = request.identity.gid;
  setup.groups = request.identity.groups;
  if (options.umask) setup.umask = static_cast<mode_t>(*options.umask);
  setup.nice = options.nice;
  setup.stdin_file = options.stdin_file;
  if (options.pty) setup.terminal = SetupTerminal{options.pty->columns, options.pty->rows};
  setup.cgroup = request.cgroup;
  // A node has many descriptors open and raises its limit; a program that uses select() breaks with that.
  // Where the node has lowered what cannot be raised again, the program has what there is.
  if (!options.limits.contains("nofile"))
    setup.limits.push_back({RLIMIT_NOFILE, file_limit_at_start(), true});
  for (const auto& [name, resource] : limit_names()) {
    const auto found = options.limits.find(std::string(name));
    if (found == options.limits.end()) continue;
    setup.limits.push_back({resource, {as_rlimit(found->second.soft), as_rlimit(found->second.hard)}, false});
  }
  return setup;
}

std::vector<std::string> shim_arguments(const ShimRequest& request) {
  std::vector<std::string> args{"brood-shim",
                                std::to_string(shim_version),
                                request.log_folder,
                                std::to_string(log_size_of(request.command, request.log_bytes_max)),
                                std::to_string(log_files_of(request.command)),
                                request.command.options.log_timestamps ? "1" : "0",
                                request.journal,
                                request.syslog,
                                request.command.cwd};
  for (auto& word : to_words(setup_of(request))) args.push_back(std::move(word));
  args.insert(args.end(), request.command.argv.begin(), request.command.argv.end());
  return args;
}

std::vector<std::string> shim_environment(const ShimRequest& request) {
  Environment merged = request.environment;
  for (const auto& [name, value] : request.command.env) merged[name] = value;
  merged[instance_variable] = request.instance;
  if (request.command.options.pty) merged.try_emplace("TERM", "xterm");
  std::vector<std::string> result;
  result.reserve(merged.size());
  for (const auto& [name, value] : merged) result.emplace_back(name).append(1, '=').append(value);
  return result;
}

std::string own_folder() {
  char path[PATH_MAX];
  const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
  const std::string text(path, n > 0 ? static_cast<std::size_t>(n) : 0);
  return text.substr(0, text.rfind('/') + 1);
}

std::vector<std::string> shim_places() {
  std::vector<std::string> places;
  if (const std::string own = own_folder(); !own.empty()) {
    places = {own + "brood-shim", own + "../libexec/brood/brood-shim", own + "../bin/brood-shim"};
  }
  const char* path = std::getenv("PATH");
  const std::string folders = path != nullptr ? path : "";
  for (std::size_t at = 0; at <= folders.size();) {
    const std::size_t colon = std::min(folders.find(':', at), folders.size());
    if (colon > at) places.push_back(folders.substr(at, colon - at) + "/brood-shim");
    at = colon + 1;
  }
  return places;
}

}  // namespace

std::uint64_t log_size_of(const Command& command, std::size_t otherwise) {
  if (!command.options.log_to.file) return 0;
  return command.options.log_size.value_or(command.log_bytes_max.value_or(otherwise));
}

unsigned log_files_of(const Command& command) {
  return command.options.log_files.value_or(2);
}

void Fd::reset() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

Environment current_environment() {
  Environment result;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=', 1);
    // What a service manager gave the node for itself is not its programs'. The period of a watchdog without
    // the process that it is of would be taken for theirs.
    const std::string_view name = text.substr(0, equals);
    if (name == "NOTIFY_SOCKET" || name == "WATCHDOG_PID" || name == "WATCHDOG_USEC") continue;
    if (equals != std::string_view::npos) result.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return result;
}

rlimit file_limit_at_start() {
  return started_with;
}

Result<std::string> find_shim(const std::string& wanted) {
  if (!wanted.empty()) {
    if (access(wanted.c_str(), X_OK) == 0) return wanted;
    return {Errc::io, "cannot use the shim " + wanted + ": " + std::generic_category().message(errno)};
  }
  for (const auto& place : shim_places()) {
    if (access(place.c_str(), X_OK) == 0) return place;
  }
  return {Errc::io,
          "programs need brood-shim, which is neither beside this program (" + own_folder() +
              ") nor in ../libexec/brood or ../bin of it, nor in PATH; install it there or set its path"};
}

Result<ShimProcess> spawn_shim(const ShimRequest& request) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
    return start_error("cannot make a socket for a shim", errno);
  }
  ShimProcess shim;
  shim.control = Fd(pair[0]);
  const Fd theirs(pair[1]);
  const Fd control = above_shim_fds(theirs.get());
  const Fd heartbeat = above_shim_fds(request.heartbeat_fd);
  if (!control || !heartbeat) return start_error("cannot make a socket for a shim", errno);

  SpawnPlan plan;
  plan.give_fds(control.get(), heartbeat.get());
  plan.reset_signals();
  auto args = shim_arguments(request);
  auto env = shim_environment(request);
  const int error = plan.run(shim.pid, request.shim_path, args, env);
  if (error == E2BIG) return start_error("the arguments and environment of the program are too long", error);
  if (error != 0) return start_error(("cannot run the shim " + request.shim_path).c_str(), error);
  return shim;
}

}  // namespace brood::exec
