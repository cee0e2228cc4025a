// What a daemon is to be, from its command line and its fleet file; the command line wins.
//
// Plain data.
#pragma once

#include <brood/node.hpp>
#include <brood/supervisor.hpp>
#include <string>
#include <vector>

#include "apps/brood/cli/arguments.hpp"
#include "apps/brood/cli/outcome.hpp"
#include "apps/brood/fleet/fleet_file.hpp"

namespace brood::app {

struct DaemonSettings {
  NodeOptions node;
  std::vector<SupervisorOptions> supervisors;
  std::vector<std::string> worker_libs;
  std::string log_level = "info";
  std::string log_format = "auto";
  std::string config;                ///< The fleet file; empty: none.
  std::vector<std::string> remarks;  ///< What the log is to warn of.
};

/// Reads the fleet file and the cookie. Troubles are usage errors.
[[nodiscard]] Outcome<DaemonSettings> daemon_settings(const Arguments& arguments);
/// The same with the file read already, and without the cookie.
[[nodiscard]] Outcome<DaemonSettings> merged_settings(const Arguments& arguments, fleet::FleetFile file);

}  // namespace brood::app
