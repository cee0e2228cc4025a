#include "apps/brood/daemon/daemon.hpp"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <set>

#include "apps/brood/cli/version.hpp"
#include "apps/brood/daemon/crash_report.hpp"
#include "apps/brood/daemon/settings.hpp"
#include "apps/brood/daemon/stop_signals.hpp"
#include "apps/brood/workers/builtin.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"

namespace brood::app {
namespace {

// A node that leaves gives its children this long to be taken over; what is left then just ends.
constexpr std::chrono::seconds drain_timeout{30};

void set_up_logging(const DaemonSettings& settings, When color) {
  const auto mode =
      wants_color(color, STDERR_FILENO) ? spdlog::color_mode::always : spdlog::color_mode::never;
  auto sink = std::make_shared<spdlog::sinks::stderr_color_sink_mt>(mode);
  auto logger = std::make_shared<spdlog::logger>("brood", std::move(sink));
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
  logger->set_level(spdlog::level::from_str(settings.log_level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
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
    spdlog::info("loaded workers from {}", path);
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

// Whoever changed this node's own file trusts the commands in it: `brood apply` may start them here.
Result<void> trust_commands(supervisor::NodeImpl& node, const std::string& path) {
  const auto file = fleet::load_fleet(path);
  if (!file) return {Errc::invalid_argument, file.error().front().text(path)};
  for (const auto& options : file->supervisors) {
    std::set<std::string> tokens;
    for (const auto& child : options.children) {
      auto spec = supervisor::core_spec(child, node);
      if (!spec) return spec.error();
      if ((*spec)->is_program()) tokens.insert((*spec)->needs);
    }
    node.worker_table().trust(options.name, std::move(tokens));
  }
  return {};
}

void leave(Node& node) {
  spdlog::info("leaving: handing the children to other nodes");
  const auto drained = node.drain(drain_timeout, /*for_good=*/true);
  if (drained) {
    spdlog::info("left: other nodes have the children");
  } else if (drained.error().code == Errc::no_target) {
    spdlog::info("no other node can take the children; they end here");
  } else {
    spdlog::warn("left without handing all children over: {}", drained.error().message);
  }
}

Outcome<void> run(DaemonSettings settings, StopSignals& signals) {
  const auto address = supervisor::parse_node_address(settings.node.name);
  const auto name = address ? address->name.value : settings.node.name;
  if (settings.node.exec_allow)
    spdlog::warn("exec_allow is on: whoever has the cookie can start commands here");
  auto node = Node::start(std::move(settings.node));
  if (!node)
    return refused(std::string(to_string(node.error().code)),
                   fmt::format("node {}: {}", name, node.error().message));
  if (auto added = add_workers(**node, settings.worker_libs); !added) return added;
  auto supervisors = start_supervisors(**node, std::move(settings.supervisors));
  if (!supervisors) return tl::unexpected(supervisors.error());
  if (!settings.config.empty()) {
    (*node)->impl().on_reload(
        [impl = &(*node)->impl(), path = settings.config] { return trust_commands(*impl, path); });
  }
  fmt::print("brood: node {} is up\n", name);
  std::fflush(stdout);
  (void)signals.wait();
  leave(**node);
  node->reset();  // all supervisors at once: one after the other their children's times would add up
  return {};
}

}  // namespace

int run_daemon(const Arguments& arguments) {
  Output out(false, arguments.common.color);
  auto settings = daemon_settings(arguments);
  if (!settings) return out.show(settings.error());
  StopSignals signals;
  install_crash_report();
  raise_file_limit();
  set_up_logging(*settings, arguments.common.color);
  spdlog::info("brood {} starts as {}", version, settings->node.name);
  const auto done = run(std::move(*settings), signals);
  return done ? exit_ok : out.show(done.error());
}

}  // namespace brood::app
