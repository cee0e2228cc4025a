#include "apps/brood/cli/program.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "apps/brood/cli/client.hpp"
#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/daemon/daemon.hpp"
#include "apps/brood/fleet/fleet_file.hpp"
#include "apps/brood/init/init.hpp"
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

Outcome<std::vector<NodeAddress>> addresses_of(const std::string& text) {
  std::vector<NodeAddress> out;
  for (const auto& name : node_list(text)) {
    auto address = parse_node_address(name);
    if (!address) return usage(address.error().message);
    out.push_back(std::move(*address));
  }
  return out;
}

// Whom to talk to, in this order: the nodes of --node, but `drain NODE` and `undrain NODE` mean that node
// itself.
Outcome<std::vector<NodeAddress>> targets_of(const Arguments& arguments) {
  auto given = addresses_of(arguments.common.node);
  if (!given) return given;
  const bool drains = arguments.command == "drain" || arguments.command == "undrain";
  if (!drains || arguments.target.empty()) {
    if (given->empty())
      return usage(
          "which node? Give --node n1@127.0.0.1, or set BROOD_NODE; `brood node --name n1@127.0.0.1` starts "
          "one");
    if (drains && given->size() > 1)
      return usage(
          fmt::format("{0}: --node (or BROOD_NODE) has several nodes; say which one is meant: brood {0} NODE",
                      arguments.command));
    return given;
  }
  const auto address = parse_node_address(arguments.target);
  if (!address) return usage(address.error().message);
  if (address->port == 0) {
    // The same node among those of --node may know its port.
    for (const auto& known : *given) {
      if (known.name == address->name) return std::vector<NodeAddress>{known};
    }
  }
  return std::vector<NodeAddress>{*address};
}

Outcome<supervisor::Cookie> cookie_of(const Arguments& arguments) {
  const auto& given = arguments.common.cookie_file;
  auto cookie = given.empty() ? supervisor::find_cookie(from_environment) : supervisor::load_cookie(given);
  if (!cookie) return usage(cookie.error().message);
  return std::move(*cookie);
}

Outcome<fleet::FleetFile> load(const std::string& path) {
  auto file = fleet::load_fleet(path);
  if (file) return std::move(*file);
  std::string all;
  for (const auto& problem : file.error()) all += (all.empty() ? "" : "\n") + problem.text(path);
  return usage(std::move(all));
}

Outcome<void> check_file(const Arguments& arguments) {
  if (arguments.command != "apply") return {};
  const auto file = load(arguments.target);
  if (!file) return tl::unexpected(file.error());
  return {};
}

Outcome<void> check(const Arguments& arguments, Output& out) {
  const auto file = load(arguments.target);
  if (!file) return tl::unexpected(file.error());
  std::size_t children = 0;
  for (const auto& supervisor : file->supervisors) children += supervisor.children.size();
  if (out.json()) {
    out.line(json_line(
        Json{{"file", arguments.target}, {"supervisors", file->supervisors.size()}, {"children", children}}));
  } else {
    out.line(fmt::format("{}: {} supervisor{}, {} child{}; nothing is wrong with it",
                         harmless(arguments.target), file->supervisors.size(),
                         file->supervisors.size() == 1 ? "" : "s", children, children == 1 ? "" : "ren"));
  }
  return {};
}

// What answers without any node.
std::optional<Outcome<void>> run_alone(const Arguments& arguments, Output& out) {
  if (arguments.command == "completion") {
    out.write(manual::completion(program_words(), arguments.target));
    return Outcome<void>{};
  }
  if (arguments.command == "man") {
    out.write(manual::man_page(program_words()));
    return Outcome<void>{};
  }
  if (arguments.command == "init") return init::run(arguments, out);
  if (arguments.command == "check") return check(arguments, out);
  return std::nullopt;
}

Outcome<void> run_client(const Arguments& arguments, Output& out) {
  if (auto good = check_before_connecting(arguments); !good) return good;
  if (auto good = check_file(arguments); !good) return good;
  auto targets = targets_of(arguments);
  if (!targets) return tl::unexpected(targets.error());
  auto cookie = cookie_of(arguments);
  if (!cookie) return tl::unexpected(cookie.error());
  if (!cookie->remark.empty()) out.remark("brood: " + cookie->remark);
  ClientOptions options;
  options.nodes = std::move(*targets);
  options.cookie = std::move(cookie->secret);
  options.tls = tls_of(arguments.common);
  options.epmd_port = epmd_port_from_environment();
  if (arguments.common.timeout) options.connect_timeout = *arguments.common.timeout;
  const auto client = Client::connect(std::move(options));
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
  const auto alone = run_alone(*arguments, out);
  const auto done = alone ? *alone : run_client(*arguments, out);
  if (!done) return out.show(done.error());
  (void)out.flush();
  return out.failed() ? exit_refused : exit_ok;
}

}  // namespace brood::app
