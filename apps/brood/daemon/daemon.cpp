#include "apps/brood/daemon/daemon.hpp"

#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <mutex>

#include "apps/brood/cli/version.hpp"
#include "apps/brood/daemon/crash_report.hpp"
#include "apps/brood/daemon/node_signals.hpp"
#include "apps/brood/daemon/reload.hpp"
#include "apps/brood/daemon/service_manager.hpp"
#include "apps/brood/daemon/settings.hpp"
#include "apps/brood/daemon/stderr_log.hpp"
#include "apps/brood/workers/builtin.hpp"
#include "exec/launcher/spawn.hpp"
#include "process/log/log.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"

namespace brood::app {
namespace {

// A node that leaves gives its children this long to be taken over; what is left then just ends.
constexpr std::chrono::seconds drain_timeout{30};
// How long the last lines of the log may take.
constexpr std::chrono::milliseconds end_lines_wait{1000};
// When it is said first, and then again, what a node waits for that is not up.
constexpr std::chrono::milliseconds first_patience{1000};
constexpr std::chrono::milliseconds later_patience{10000};
constexpr std::chrono::milliseconds idle_wait{3'600'000};

LogLevel level_of(const std::string& name) {
  if (name == "trace" || name == "debug") return LogLevel::debug;
  if (name == "warning") return LogLevel::warning;
  if (name == "error" || name == "critical") return LogLevel::error;
  return name == "off" ? LogLevel::off : LogLevel::info;
}

void set_up_logging(const DaemonSettings& settings, When color) {
  set_log_sink(log_to_stderr(wants_color(color, STDERR_FILENO), log_form(settings.log_format)),
               level_of(settings.log_level));
}

// Each program that runs takes file descriptors, and the usual soft limit is 1024.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t wanted = 65536;
  limit.rlim_cur = limit.rlim_max == RLIM_INFINITY || limit.rlim_max > wanted ? wanted : limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);
}

Outcome<void> add_workers(Node& node, const std::vector<std::string>& libraries) {
  if (auto added = add_builtin_workers(node.workers()); !added) {
    return refused(std::string(to_string(added.error().code)), added.error().message);
  }
  for (const auto& path : libraries) {
    if (auto loaded = node.workers().load(path); !loaded) {
      return refused(std::string(to_string(loaded.error().code)),
                     fmt::format("worker library {}: {}", path, loaded.error().message));
    }
    log::info("loaded workers from {}", path);
  }
  return {};
}

Outcome<std::vector<std::unique_ptr<Supervisor>>> start_supervisors(Node& node,
                                                                    std::vector<SupervisorOptions> all) {
  std::vector<std::unique_ptr<Supervisor>> out;
  for (auto& options : all) {
    const auto name = options.name;
    auto started = Supervisor::start(node, std::move(options));
    if (!started) {
      return refused(std::string(to_string(started.error().code)),
                     fmt::format("supervisor {}: {}", name, started.error().message));
    }
    out.push_back(std::move(*started));
  }
  return out;
}

bool others_are_up(const supervisor::NodeImpl& node) {
  for (const auto& [name, by_supervisor] : node.member_views()) {
    if (name == node.name()) continue;
    for (const auto& [supervisor, view] : by_supervisor) {
      if (view.up) return true;
    }
  }
  return false;
}

void leave(Node& node) {
  log::info("leaving: handing the children to other nodes");
  const bool alone = !others_are_up(node.impl());
  const auto drained = node.drain(drain_timeout, /*for_good=*/true);
  if (drained && alone) {
    log::info("left: no child ran here, and there is no other node");
  } else if (drained) {
    log::info("left: what ran here runs on other nodes");
  } else if (drained.error().code == Errc::no_target) {
    log::info("no other node can take the children; they end here");
  } else {
    log::warn("left without handing all children over: {}", drained.error().message);
  }
}

// What programs need, the shim and a folder for their logs, may not be there: told now, not when the first
// one is to start.
void look_for_what_programs_need(const NodeOptions& options, const exec::Launcher& launcher) {
  const auto shim = exec::find_shim(options.shim_path);
  if (!shim) return log::warn("no programs (exec) can be started here: {}", shim.error().message);
  if (const auto fine = launcher.check(); !fine)
    log::warn("no programs (exec) can be started here: {}", fine.error().message);
}

void report(Node& node) {
  log::info("{}: {} of the log dropped so far", node.name().text(), log_lines_dropped());
  for (const auto& [member, views] : node.impl().member_views()) {
    for (const auto& [supervisor, view] : views)
      log::info("{}: {} is {}", supervisor, member.text(), view.state);
  }
  for (const auto& driver : node.impl().drivers()) {
    std::size_t all = 0;
    std::size_t here = 0;
    driver->registry().for_each([&](const ChildId&, const supervisor::Entry& entry) {
      if (!entry.wanted) return;
      ++all;
      for (const auto& place : entry.places) {
        if (place.is_running() && node.impl().is_here(place.host->node)) ++here;
      }
    });
    log::info("{}: {} children, {} of them run here", driver->name(), all, here);
  }
}

// A node joins for seconds where its seeds do not answer. Whoever watches should know what it waits for.
void say_what_is_waited_for(Node& node, const std::vector<std::string>& join) {
  const auto connected = node.peers();
  std::vector<std::string> missing;
  for (const auto& seed : join) {
    const auto address = supervisor::parse_node_address(seed);
    if (address && std::find(connected.begin(), connected.end(), address->name) == connected.end())
      missing.push_back(address->name.text());
  }
  log::info("not up yet: supervisor {} still joins{}", fmt::join(node.impl().up().waits_for(), ", "),
            missing.empty() ? "" : fmt::format("; not connected: {}", fmt::join(missing, ", ")));
}

/// Whether the node is up, or will never be; told by the node on a thread of its own.
class UpNews {
 public:
  void tell(Result<void> result) {
    const std::lock_guard guard(mutex_);
    result_ = std::move(result);
  }
  std::optional<Result<void>> take() {
    const std::lock_guard guard(mutex_);
    return std::exchange(result_, std::nullopt);
  }

 private:
  std::mutex mutex_;
  std::optional<Result<void>> result_;
};

/// Tells the service manager again and again that the node lives: by the thread that decides, which is what
/// has to.
class Pulse {
 public:
  Pulse(Node& node, const ServiceManager& manager)
      : node_(node), manager_(manager), every_(manager.alive_every()) {}
  /// How long to wait until beat() at most.
  [[nodiscard]] std::chrono::milliseconds until_next(std::chrono::milliseconds most) const {
    return every_ ? std::min(*every_, most) : most;
  }
  void beat() {
    const auto now = std::chrono::steady_clock::now();
    if (!every_ || now < next_) return;
    next_ = now + *every_;
    boost::asio::post(node_.impl().control(), [manager = manager_] { manager.alive(); });
  }

 private:
  Node& node_;
  const ServiceManager& manager_;
  std::optional<std::chrono::milliseconds> every_;
  std::chrono::steady_clock::time_point next_{};
};

/// Does what signals ask until the node is to end. An error: it must not run on.
Outcome<void> serve(Node& node, NodeSignals& signals, const DaemonSettings& settings,
                    const ServiceManager& manager) {
  using Ask = NodeSignals::Ask;
  const auto news = std::make_shared<UpNews>();
  node.impl().up().when_up([news, &signals](Result<void> result) {
    news->tell(std::move(result));
    signals.look();
  });
  bool up = false;
  Pulse pulse(node, manager);
  auto say_at = std::chrono::steady_clock::now() + first_patience;
  for (;;) {
    pulse.beat();
    const auto most =
        up ? idle_wait
           : std::chrono::ceil<std::chrono::milliseconds>(say_at - std::chrono::steady_clock::now());
    const auto ask = signals.wait(pulse.until_next(std::max(most, std::chrono::milliseconds(1))));
    if (!ask && !up && std::chrono::steady_clock::now() >= say_at) {
      say_what_is_waited_for(node, settings.node.join);
      say_at = std::chrono::steady_clock::now() + later_patience;
    }
    if (!ask) continue;
    switch (*ask) {
      case Ask::stop:
        return {};
      case Ask::report:
        report(node);
        break;
      case Ask::hang_up:
        if (settings.config.empty()) {
          log::info("hangup, and there is no file to read again: this node ends");
          return {};
        }
        manager.reloading();
        apply_own_file(node.impl(), settings.config);
        manager.reloaded();
        break;
      case Ask::look:
        const auto told = news->take();
        if (!told) break;
        // Where its other supervisors are members, it goes on for them.
        const bool out = !*told && told->error().code == Errc::refused && node.impl().up().some_are_in();
        if (!*told && !out) return refused(std::string(to_string(told->error().code)), told->error().message);
        up = true;
        const auto is_up =
            fmt::format("{} is up{}", node.name().text(), out ? ", but for " + told->error().message : "");
        log::info("{}", is_up);
        say_on_stdout(fmt::format("brood: node {}", is_up));
        manager.ready(is_up);
        if (!settings.config.empty()) say_what_differs(node.impl(), settings.config);
        break;
    }
  }
}

Outcome<void> run(const DaemonSettings& settings, NodeSignals& signals) {
  const auto address = supervisor::parse_node_address(settings.node.name);
  const auto name = address ? address->name.text() : settings.node.name;
  if (settings.node.exec_allow) log::warn("exec_allow is on: whoever has the cookie can start commands here");
  auto node = Node::start(settings.node);
  if (!node)
    return refused(std::string(to_string(node.error().code)),
                   fmt::format("node {}: {}", name, node.error().message));
  look_for_what_programs_need(settings.node, (*node)->impl().launcher());
  if (auto added = add_workers(**node, settings.worker_libs); !added) return added;
  auto supervisors = start_supervisors(**node, settings.supervisors);
  if (!supervisors) return tl::unexpected(supervisors.error());
  if (!settings.config.empty()) {
    (*node)->impl().on_reload(
        [impl = &(*node)->impl(), path = settings.config] { return commands_of(*impl, path); });
  }
  const ServiceManager manager;
  if (auto served = serve(**node, signals, settings, manager); !served) {
    // What it runs the others have too: nothing is handed over.
    node->reset();
    return served;
  }
  manager.stopping();
  leave(**node);
  node->reset();  // all supervisors at once: one after the other their children's times would add up
  return {};
}

}  // namespace

int run_daemon(const Arguments& arguments) {
  open_standard_streams();
  Output out(false, arguments.common.color);
  const auto settings = daemon_settings(arguments);
  if (!settings) return out.show(settings.error());
  ::unsetenv("BROOD_COOKIE");  // the programs that this node starts must not inherit it
  NodeSignals signals;
  install_crash_report();
  raise_file_limit();
  set_up_logging(*settings, arguments.common.color);
  log::info("brood {} starts as {}", version, settings->node.name);
  for (const auto& remark : settings->remarks) log::warn("{}", remark);
  const auto done = run(*settings, signals);
  // Whoever reads our stderr may have stopped reading, and must not hold this program at its end.
  if (!flush_log(end_lines_wait) || !stderr_takes_text(0)) ::_exit(done ? exit_ok : done.error().status);
  return done ? exit_ok : out.show(done.error());
}

}  // namespace brood::app
