// The fleet file: what one node is ([node]) and what the cluster keeps alive ([supervisor.NAME]). The same
// file may be given to every node. docs/guide/fleet-file.md describes it for users.
//
// Plain data; any thread.
#pragma once

#include <brood/supervisor.hpp>
#include <brood/tls.hpp>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "apps/brood/fleet/problem.hpp"

namespace brood::app::fleet {

/// [node]; what is absent has the default of the daemon. Paths are relative to the file's folder already.
struct NodeSection {
  std::optional<std::string> name;
  std::optional<std::string> cookie_file;
  std::optional<std::string> cookie;
  std::vector<std::string> join;
  std::vector<std::string> discover_hosts;
  std::optional<std::string> discover_prefix;
  std::optional<std::string> discover_dns;
  std::optional<std::string> discover_multicast;
  std::optional<std::chrono::milliseconds> discover_every;
  std::optional<TlsOptions> tls;  ///< [node.tls]
  std::optional<std::string> listen;
  std::optional<std::uint16_t> port;
  std::optional<bool> epmd;
  std::optional<std::uint16_t> epmd_port;
  std::optional<bool> exec_allow;
  std::optional<bool> unproven_peers;
  std::optional<bool> unproven_exec;
  std::optional<std::size_t> send_total_mib;
  std::optional<std::string> log_dir;
  std::optional<std::string> log_level;
  std::optional<std::string> log_format;
  std::vector<std::string> worker_libs;
  std::optional<unsigned> threads;
  std::optional<std::chrono::milliseconds> tick_timeout;
  std::optional<std::chrono::milliseconds> erlang_tick_timeout;
  std::optional<bool> hidden;
  std::optional<std::chrono::milliseconds> stuck_after;
  std::optional<std::chrono::milliseconds> form_wait;
  std::optional<std::uint32_t> expect;
  std::optional<std::uint32_t> min_nodes;
};

struct FleetFile {
  NodeSection node;
  std::vector<SupervisorOptions> supervisors;  ///< In the order of their names.
};

template <typename T>
using Parsed = tl::expected<T, std::vector<Problem>>;

/// Reads the text of a fleet file; `folder` is what relative paths in it are relative to. All problems at
/// once, in the order of their lines.
[[nodiscard]] Parsed<FleetFile> parse_fleet(std::string_view text, const std::string& folder);

/// Reads a file. One that others can access may hold no cookie; that of a service, which is root's and
/// readable for the service's group, may.
[[nodiscard]] Parsed<FleetFile> load_fleet(const std::string& path);

/// The names of the log levels, as [node] log_level and --log-level take them.
[[nodiscard]] const std::vector<std::string>& log_levels();
/// How the lines are written, as log_format and --log-format take it.
[[nodiscard]] const std::vector<std::string>& log_formats();

}  // namespace brood::app::fleet
