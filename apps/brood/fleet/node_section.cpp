#include <fmt/format.h>

#include <cstdio>

#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/sections.hpp"

namespace brood::app::fleet {
namespace {

std::optional<std::chrono::milliseconds> milliseconds_at(Section& section, std::string_view key,
                                                         std::int64_t least) {
  const auto value = section.integer(key, least, day_ms);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(*value);
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

void read_tls(Section& section, NodeSection& node, const std::string& folder) {
  const auto* entry = section.any("tls");
  if (entry == nullptr) return;
  const auto* table = entry->value.as<TomlTable>();
  if (table == nullptr) return section.problem("tls", "allowed: a table, [node.tls]");
  Section inner(*table, entry->line, section.path_of("tls"), section.problems());
  TlsOptions tls;
  const auto file_at = [&](std::string_view key, std::string& file) {
    if (const auto path = path_at(inner, key, folder)) {
      file = *path;
    } else if (!inner.has(key)) {
      inner.problem("", fmt::format("there is no {}; TLS needs cert_file, key_file and ca_file", key));
    }
  };
  file_at("cert_file", tls.cert_file);
  file_at("key_file", tls.key_file);
  file_at("ca_file", tls.ca_file);
  const auto version = inner.one_of("min_version", {"1.2", "1.3"});
  if (version == "1.3") tls.min_version = TlsVersion::v1_3;
  inner.finish();
  node.tls = std::move(tls);
}

/// "239.1.2.3:7746"
bool is_group(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos) return false;
  unsigned first = 0, second = 0, third = 0, fourth = 0, port = 0;
  char rest = 0;
  const int read =
      std::sscanf(text.c_str(), "%3u.%3u.%3u.%3u:%5u%c", &first, &second, &third, &fourth, &port, &rest);
  return read == 5 && first >= 224 && first <= 239 && second < 256 && third < 256 && fourth < 256 &&
         port > 0 && port < 65536;
}

void read_discovery(Section& section, NodeSection& node) {
  node.discover_hosts = section.texts("discover_hosts").value_or(std::vector<std::string>{});
  node.discover_prefix = section.text("discover_prefix");
  node.discover_dns = section.text("discover_dns");
  node.discover_multicast = section.text("discover_multicast");
  node.discover_every = milliseconds_at(section, "discover_every_ms", 100);
  if (node.discover_multicast && !is_group(*node.discover_multicast)) {
    section.problem("discover_multicast",
                    fmt::format("is \"{}\"; allowed: a group and port, as \"239.255.77.46:7746\"",
                                *node.discover_multicast));
  }
  if (node.discover_prefix && node.discover_hosts.empty())
    section.problem("discover_prefix", "means something with discover_hosts only");
  const bool any = !node.discover_hosts.empty() || node.discover_dns || node.discover_multicast;
  if (node.discover_every && !any)
    section.problem("discover_every_ms",
                    "there is neither discover_hosts, discover_dns nor discover_multicast");
}

}  // namespace

NodeSection read_node(Section section, const std::string& folder) {
  NodeSection node;
  read_names(section, node);
  read_discovery(section, node);
  read_cookie(section, node, folder);
  read_tls(section, node, folder);
  node.listen = section.text("listen");
  node.port = port_at(section, "port", 0);
  node.epmd = section.boolean("epmd");
  node.epmd_port = port_at(section, "epmd_port", 1);
  node.exec_allow = section.boolean("exec_allow");
  node.unproven_peers = section.boolean("unproven_peers");
  node.unproven_exec = section.boolean("unproven_exec");
  node.send_total_mib = as<std::size_t>(section.integer("send_total_mib", 1, 1024 * 1024));
  node.log_dir = path_at(section, "log_dir", folder);
  node.log_level = section.one_of("log_level", log_levels());
  node.log_format = section.one_of("log_format", log_formats());
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
  node.erlang_tick_timeout = milliseconds_at(section, "erlang_tick_timeout_ms", 200);
  node.hidden = section.boolean("hidden");
  node.stuck_after = milliseconds_at(section, "stuck_after_ms", 10);
  node.form_wait = milliseconds_at(section, "form_wait_ms", 0);
  node.expect = as<std::uint32_t>(section.integer("expect", 1, 10000));
  node.min_nodes = as<std::uint32_t>(section.integer("min_nodes", 1, 10000));
  section.finish();
  return node;
}

}  // namespace brood::app::fleet
