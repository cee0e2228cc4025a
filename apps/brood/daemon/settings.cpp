#include "apps/brood/daemon/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "apps/brood/cli/client.hpp"
#include "apps/brood/fleet/names.hpp"
#include "supervisor/node/cookie.hpp"

namespace brood::app {
namespace {

// With no supervisor in the file and none on the command line, children still need one to be started under.
constexpr const char* default_supervisor = "main";

Outcome<fleet::FleetFile> file_of(const std::string& path) {
  if (path.empty()) return fleet::FleetFile{};
  auto file = fleet::load_fleet(path);
  if (file) return std::move(*file);
  std::string all;
  for (const auto& problem : file.error()) all += (all.empty() ? "" : "\n") + problem.text(path);
  return usage(std::move(all));
}

// Every node may be given the same list of seeds: its own name in it means nothing.
Outcome<std::vector<std::string>> seeds(std::vector<std::string> join, const std::vector<std::string>& more,
                                        const NodeName& own) {
  join.insert(join.end(), more.begin(), more.end());
  std::vector<std::string> out;
  for (const auto& seed : join) {
    const auto address = parse_node_address(seed);
    if (!address) return usage("--join: " + address.error().message);
    if (address->name != own && std::find(out.begin(), out.end(), seed) == out.end()) out.push_back(seed);
  }
  return out;
}

void add_supervisors(DaemonSettings& out, const std::vector<std::string>& names,
                     const fleet::NodeSection& section) {
  auto more = names;
  if (out.supervisors.empty() && more.empty()) more.emplace_back(default_supervisor);
  for (const auto& name : more) {
    const bool there = std::any_of(out.supervisors.begin(), out.supervisors.end(),
                                   [&](const SupervisorOptions& known) { return known.name == name; });
    if (there) continue;
    SupervisorOptions options;
    options.name = name;
    if (section.form_wait) options.form_wait = *section.form_wait;
    if (section.expect) options.expect = *section.expect;
    out.supervisors.push_back(std::move(options));
  }
}

void set_network(NodeOptions& node, const fleet::NodeSection& section, const NodeArguments& arguments) {
  if (section.listen) node.listen_address = *section.listen;
  if (section.tls) node.tls = *section.tls;
  if (section.port) node.port = *section.port;
  node.epmd = section.epmd.value_or(true) && !arguments.no_epmd;
  node.epmd_port = section.epmd_port.value_or(epmd_port_from_environment());
  if (section.tick_timeout) node.tick_timeout = *section.tick_timeout;
  if (section.erlang_tick_timeout) node.erlang_tick_timeout = *section.erlang_tick_timeout;
  node.hidden = section.hidden.value_or(true);
}

std::vector<std::shared_ptr<Discovery>> discovery(const fleet::NodeSection& section) {
  std::vector<std::shared_ptr<Discovery>> out;
  const auto every = [&](auto options) {
    if (section.discover_every) options.every = *section.discover_every;
    return options;
  };
  if (!section.discover_hosts.empty()) {
    EpmdScan scan;
    scan.hosts = section.discover_hosts;
    scan.prefix = section.discover_prefix.value_or("");
    out.push_back(discover_epmd(every(std::move(scan))));
  }
  if (section.discover_dns) {
    DnsPoll poll;
    poll.name = *section.discover_dns;
    out.push_back(discover_dns(every(std::move(poll))));
  }
  if (section.discover_multicast) {
    MulticastGossip gossip;
    const auto colon = section.discover_multicast->rfind(':');
    gossip.group = section.discover_multicast->substr(0, colon);
    gossip.port = static_cast<std::uint16_t>(std::atoi(section.discover_multicast->c_str() + colon + 1));
    out.push_back(discover_multicast(every(std::move(gossip))));
  }
  return out;
}

// --cookie-file, the fleet file's own, or what the environment has.
Result<supervisor::Cookie> cookie_of(const std::string& given, const fleet::NodeSection& section) {
  if (!given.empty()) return supervisor::load_cookie(given);
  if (section.cookie) return supervisor::Cookie{*section.cookie};
  if (section.cookie_file) return supervisor::load_cookie(*section.cookie_file);
  return supervisor::find_cookie([](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value == nullptr ? "" : value);
  });
}

}  // namespace

Outcome<DaemonSettings> merged_settings(const Arguments& arguments, fleet::FleetFile file) {
  const auto& given = arguments.node;
  const auto& section = file.node;
  DaemonSettings out;
  out.config = given.config;
  out.node.name = !given.name.empty() ? given.name : section.name.value_or("");
  if (out.node.name.empty()) {
    return usage("node: no name; give --name n1@127.0.0.1, or name = \"...\" under [node] in the fleet file");
  }
  const auto own = parse_node_address(out.node.name);
  if (!own) return usage("node: " + own.error().message);
  auto join = seeds(section.join, given.join, own->name);
  if (!join) return tl::unexpected(join.error());
  out.node.join = std::move(*join);
  out.node.discovery = discovery(section);
  set_network(out.node, section, given);
  if (auto tls = tls_of(arguments.common)) {
    if (out.node.tls) tls->min_version = out.node.tls->min_version;
    out.node.tls = std::move(tls);
  }
  // A port in the name on the command line wins over the file's.
  if (own->port != 0) out.node.port = 0;
  out.node.report_crashes = true;
  if (section.stuck_after) out.node.stuck_after = *section.stuck_after;
  out.node.min_nodes = section.min_nodes.value_or(0);
  if (section.threads) out.node.threads = *section.threads;
  out.node.exec_allow = section.exec_allow.value_or(false) || given.exec_allow;
  out.node.unproven_peers = section.unproven_peers.value_or(true);
  out.node.unproven_exec = section.unproven_exec.value_or(false);
  if (section.send_total_mib) out.node.send_total_max = *section.send_total_mib * 1024 * 1024;
  out.node.log_dir = !given.log_dir.empty() ? given.log_dir : section.log_dir.value_or("");
  out.log_level = !given.log_level.empty() ? given.log_level : section.log_level.value_or("info");
  out.log_format = !given.log_format.empty() ? given.log_format : section.log_format.value_or("auto");
  out.worker_libs = section.worker_libs;
  out.worker_libs.insert(out.worker_libs.end(), given.worker_libs.begin(), given.worker_libs.end());
  out.supervisors = std::move(file.supervisors);
  add_supervisors(out, given.supervisors, section);
  return out;
}

Outcome<DaemonSettings> daemon_settings(const Arguments& arguments) {
  auto file = file_of(arguments.node.config);
  if (!file) return tl::unexpected(file.error());
  const auto section = file->node;
  auto out = merged_settings(arguments, std::move(*file));
  if (!out) return out;
  auto cookie = cookie_of(arguments.common.cookie_file, section);
  if (!cookie) {
    // What the command line takes it from is no node's: a program that the node runs would inherit the path.
    const bool of_client =
        arguments.common.cookie_file.empty() && std::getenv("BROOD_COOKIE_FILE") != nullptr;
    return usage(
        cookie.error().message +
        (of_client ? "; BROOD_COOKIE_FILE is for the other commands: give a node --cookie-file" : ""));
  }
  out->node.cookie = std::move(cookie->secret);
  if (!cookie->remark.empty()) out->remarks.push_back(std::move(cookie->remark));
  return out;
}

}  // namespace brood::app
