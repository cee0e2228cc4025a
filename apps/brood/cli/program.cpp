#include "apps/brood/cli/program.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "apps/brood/cli/client.hpp"
#include "apps/brood/cli/commands.hpp"
#include "apps/brood/daemon/daemon.hpp"
#include "apps/brood/fleet/fleet_file.hpp"
#include "supervisor/node/cookie.hpp"

namespace brood::app {
namespace {

std::string from_environment(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

int stop_early(const ParseStop& stop) {
  Output out(stop.json, When::automatic);
  if (stop.status != 0) return out.show({stop.status, "usage", stop.text, {}});
  out.line(stop.text);
  (void)out.flush();
  return out.failed() ? exit_refused : exit_ok;
}

// Whom to talk to: --node, but `drain NODE` means that node itself.
Outcome<NodeAddress> target_of(const Arguments& arguments) {
  const bool other = arguments.command == "drain" && !arguments.target.empty();
  const auto& text = other ? arguments.target : arguments.common.node;
  if (text.empty()) return usage("which node? Give --node n1@127.0.0.1, or set BROOD_NODE");
  auto address = parse_node_address(text);
  if (!address) return usage(address.error().message);
  if (!other || address->port != 0) return *address;
  // The same node as --node, which may know its port.
  const auto given = parse_node_address(arguments.common.node);
  return given && given->name == address->name ? *given : *address;
}

Outcome<void> check_file(const Arguments& arguments) {
  if (arguments.command != "apply") return {};
  const auto file = fleet::load_fleet(arguments.target);
  if (file) return {};
  std::string all;
  for (const auto& problem : file.error()) all += (all.empty() ? "" : "\n") + problem.text(arguments.target);
  return usage(std::move(all));
}

Outcome<void> run_client(const Arguments& arguments, Output& out) {
  if (auto good = check_before_connecting(arguments); !good) return good;
  if (auto good = check_file(arguments); !good) return good;
  const auto target = target_of(arguments);
  if (!target) return tl::unexpected(target.error());
  const auto& given = arguments.common.cookie_file;
  auto cookie = supervisor::read_cookie(given.empty() ? supervisor::default_cookie_file() : given);
  if (!cookie) return usage(cookie.error().message);
  ClientOptions options;
  options.node = *target;
  options.cookie = std::move(*cookie);
  options.tls = tls_of(arguments.common);
  options.epmd_port = epmd_port_from_environment();
  if (arguments.common.timeout) options.connect_timeout = *arguments.common.timeout;
  const auto client = Client::connect(options);
  if (!client) return tl::unexpected(client.error());
  Session session{**client, out, arguments};
  return run_command(session);
}

}  // namespace

int run_program(std::vector<std::string> words) {
  const auto arguments = parse_arguments(std::move(words), from_environment);
  if (!arguments) return stop_early(arguments.error());
  if (arguments->command == "node") return run_daemon(*arguments);
  Output out(arguments->common.json, arguments->common.color);
  const auto done = run_client(*arguments, out);
  if (!done) return out.show(done.error());
  (void)out.flush();
  return out.failed() ? exit_refused : exit_ok;
}

}  // namespace brood::app
