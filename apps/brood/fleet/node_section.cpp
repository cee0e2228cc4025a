#include <fmt/format.h>

#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/sections.hpp"

namespace brood::app::fleet {
namespace {

constexpr std::int64_t day_ms = 24 * 60 * 60 * 1000;

std::optional<std::chrono::milliseconds> milliseconds_at(Section& section, std::string_view key,
                                                         std::int64_t least) {
  const auto value = section.integer(key, least, day_ms);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(*value);
}

std::string in_folder(const std::string& path, const std::string& folder) {
  return path.front() == '/' || folder.empty() ? path : folder + "/" + path;
}

std::optional<std::string> path_at(Section& section, std::string_view key, const std::string& folder) {
  const auto value = section.text(key);
  if (!value) return std::nullopt;
  return in_folder(*value, folder);
}

std::optional<std::uint16_t> port_at(Section& section, std::string_view key, int least) {
  const auto value = section.integer(key, least, 65535);
  if (!value) return std::nullopt;
  return static_cast<std::uint16_t>(*value);
}

template <typename To, typename From>
std::optional<To> as(std::optional<From> value) {
  if (!value) return std::nullopt;
  return static_cast<To>(*value);
}

void read_names(Section& section, NodeSection& node) {
  node.name = section.text("name");
  if (node.name) {
    if (const auto address = parse_node_address(*node.name); !address) {
      section.problem("name", address.error().message);
    } else if (address->port != 0 && section.has("port")) {
      section.problem("port", "the name has a port already; give one of them");
    }
  }
  node.join = section.texts("join").value_or(std::vector<std::string>{});
  for (const auto& seed : node.join) {
    if (const auto address = parse_node_address(seed); !address)
      section.problem("join", address.error().message);
  }
}

void read_cookie(Section& section, NodeSection& node, const std::string& folder) {
  node.cookie_file = path_at(section, "cookie_file", folder);
  node.cookie = section.text("cookie");
  if (section.has("cookie") && section.has("cookie_file")) {
    section.problem("cookie", "there is a cookie_file too; give one of them");
  }
}

}  // namespace

NodeSection read_node(Section section, const std::string& folder) {
  NodeSection node;
  read_names(section, node);
  read_cookie(section, node, folder);
  node.listen = section.text("listen");
  node.port = port_at(section, "port", 0);
  node.epmd = section.boolean("epmd");
  node.epmd_port = port_at(section, "epmd_port", 1);
  node.exec_allow = section.boolean("exec_allow");
  node.log_dir = path_at(section, "log_dir", folder);
  node.log_level = section.one_of("log_level", log_levels());
  node.worker_libs = section.texts("worker_libs").value_or(std::vector<std::string>{});
  for (auto& lib : node.worker_libs) {
    if (lib.empty()) {
      section.problem("worker_libs", "an entry is empty; allowed: paths of shared libraries");
    } else {
      lib = in_folder(lib, folder);
    }
  }
  node.threads = as<unsigned>(section.integer("threads", 1, 1024));
  node.tick_timeout = milliseconds_at(section, "tick_timeout_ms", 200);
  node.stuck_after = milliseconds_at(section, "stuck_after_ms", 10);
  node.form_wait = milliseconds_at(section, "form_wait_ms", 0);
  node.expect = as<std::uint32_t>(section.integer("expect", 1, 10000));
  section.finish();
  return node;
}

}  // namespace brood::app::fleet
