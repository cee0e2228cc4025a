#include "apps/brood/fleet/fleet_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/sections.hpp"
#include "node/net/secret_file.hpp"
#include "supervisor/driver/specs.hpp"

namespace brood::app::fleet {
namespace {

void check_duplicates(const std::vector<ChildSpec>& specs, int line, const std::string& path,
                      std::map<Term, int>& lines, Problems& problems) {
  for (const auto& spec : specs) {
    if (!spec.id) continue;
    const auto [at, fresh] = lines.emplace(spec.id->term(), line);
    if (!fresh) {
      problems.add(line, path + ".id",
                   fmt::format("\"{}\" is the id of the child at line {} already", id_text(spec.id->term()),
                               at->second));
    }
  }
}

void read_children(Section& section, const std::string& folder, SupervisorOptions& options) {
  const auto* entry = section.any("child");
  if (entry == nullptr) return;
  const auto* array = entry->value.as<TomlArray>();
  if (array == nullptr) {
    return section.problem("child", fmt::format("is {}; children are written as [[{}]]",
                                                kind_of(entry->value), section.path_of("child")));
  }
  std::map<Term, int> lines;
  const auto check = supervisor::spec_check(options.strategies);
  for (std::size_t i = 0; i < array->items.size(); ++i) {
    const auto& item = array->items[i];
    const auto path = fmt::format("{}[{}]", section.path_of("child"), i);
    const auto* table = item.as<TomlTable>();
    if (table == nullptr) {
      section.problems().add(item.line, path, fmt::format("is {}; allowed: a table", kind_of(item)));
      continue;
    }
    const std::size_t before = section.problems().count();
    auto specs = read_child(Section(*table, item.line, path, section.problems()), folder);
    if (section.problems().count() == before && !specs.empty()) {
      // Those of one section differ in their ids.
      if (const auto fine = check(specs.front()); !fine)
        section.problems().add(item.line, path, fine.error().message);
    }
    const auto* id = table->find("id");
    check_duplicates(specs, id == nullptr ? item.line : id->line, path, lines, section.problems());
    for (auto& spec : specs) options.children.push_back(std::move(spec));
  }
  check_order(options.children, lines, section.path_of("child"), section.problems());
}

void read_top(const TomlTable& document, const std::string& folder, FleetFile& file, Problems& problems) {
  Section top(document, 0, "", problems);
  if (const auto* entry = top.any("node")) {
    if (const auto* table = entry->value.as<TomlTable>()) {
      file.node = read_node(Section(*table, entry->line, "node", problems), folder);
    } else {
      top.problem("node", "allowed: a table, [node]");
    }
  }
  const auto* entry = top.any("supervisor");
  top.finish();
  if (entry == nullptr) return;
  const auto* supervisors = entry->value.as<TomlTable>();
  if (supervisors == nullptr) {
    return top.problem("supervisor", "allowed: tables, one for each supervisor: [supervisor.NAME]");
  }
  for (const auto& one : supervisors->entries) {
    const auto path = "supervisor." + one.key;
    const auto* table = one.value.as<TomlTable>();
    if (table == nullptr) {
      problems.add(one.line, path,
                   "allowed: a table, [supervisor.NAME]; a supervisor's settings stand under its name");
      continue;
    }
    if (one.key.empty() || one.key.size() > 255) {
      problems.add(one.line, path, "a supervisor's name has 1 to 255 bytes");
      continue;
    }
    file.supervisors.push_back(read_supervisor(Section(*table, one.line, path, problems), one.key, folder));
  }
}

// Whole, for a command that a file names must be the same for whoever reads the file from wherever he stands.
std::string folder_of(const std::string& path) {
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  return (failed ? std::filesystem::path(path) : whole.lexically_normal()).parent_path().string();
}

std::vector<Problem> single(Problem problem) {
  return {std::move(problem)};
}

}  // namespace

std::string in_folder(const std::string& path, const std::string& folder) {
  if (path.empty() || path.front() == '/' || folder.empty()) return path;
  auto whole = (std::filesystem::path(folder) / path).lexically_normal().string();
  if (whole.size() > 1 && whole.back() == '/') whole.pop_back();
  return whole;
}

std::vector<NodeName> read_node_names(Section& section, std::string_view key) {
  const auto names = section.texts(key).value_or(std::vector<std::string>{});
  for (const auto& name : names) {
    const auto address = parse_node_address(name);
    if (!address) {
      section.problem(key, address.error().message);
    } else if (address->port != 0) {
      section.problem(key, fmt::format("\"{}\" has a port; allowed: name@host", name));
    }
  }
  return {names.begin(), names.end()};
}

namespace {

void read_monitor_nodes(Section& section, SupervisorOptions& supervisor) {
  const auto* entry = section.any("monitor_nodes");
  if (entry == nullptr) return;
  const auto* word = entry->value.as<std::string>();
  if (const auto* flag = entry->value.as<bool>()) {
    supervisor.monitor_nodes = *flag ? MonitorNodes::on : MonitorNodes::off;
  } else if (word != nullptr && *word == "cluster") {
    supervisor.monitor_nodes = MonitorNodes::cluster;
  } else {
    section.problem("monitor_nodes", "allowed: true, false or \"cluster\"");
  }
}

}  // namespace

SupervisorOptions read_supervisor(Section section, const std::string& name, const std::string& folder) {
  SupervisorOptions supervisor;
  supervisor.name = name;
  read_strategies(section, supervisor.strategies);
  if (const auto value = section.integer("max_restarts", 0, 1'000'000)) {
    supervisor.max_restarts = static_cast<std::uint32_t>(*value);
  }
  if (const auto value = section.positive("max_seconds")) {
    supervisor.max_seconds =
        std::chrono::milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(*value * 1000)));
  }
  supervisor.nodes = read_node_names(section, "nodes");
  read_monitor_nodes(section, supervisor);
  if (const auto value = section.integer("weight", 0, 1'000'000)) {
    supervisor.weight = static_cast<std::uint32_t>(*value);
  }
  if (const auto value = section.integer("moves_in_flight", 1, 1'000'000)) {
    supervisor.moves_in_flight = static_cast<std::uint32_t>(*value);
  }
  if (const auto value = section.integer("history_events", 0, 100'000'000)) {
    supervisor.history_events = static_cast<std::size_t>(*value);
  }
  if (const auto value = section.integer("history_mib", 0, 65'536)) {
    supervisor.history_bytes = static_cast<std::size_t>(*value) * 1024 * 1024;
  }
  read_children(section, folder, supervisor);
  section.finish();
  return supervisor;
}

Parsed<FleetFile> parse_fleet(std::string_view text, const std::string& folder) {
  const auto document = parse_toml(text);
  if (!document) return tl::unexpected(single(document.error()));
  FleetFile file;
  Problems problems;
  read_top(*document, folder, file, problems);
  if (!problems.none()) return tl::unexpected(problems.sorted());
  for (auto& supervisor : file.supervisors) {
    if (file.node.form_wait) supervisor.form_wait = *file.node.form_wait;
    if (file.node.expect) supervisor.expect = *file.node.expect;
  }
  return file;
}

Parsed<FleetFile> load_fleet(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) {
    return tl::unexpected(single({0, "", fmt::format("cannot be read: {}", std::strerror(errno))}));
  }
  if (S_ISDIR(info.st_mode)) return tl::unexpected(single({0, "", "is a folder, not a file"}));
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  if (!in) return tl::unexpected(single({0, "", fmt::format("cannot be read: {}", std::strerror(errno))}));
  auto file = parse_fleet(content.str(), folder_of(path));
  if (file && file->node.cookie) {
    if (const auto good = node::may_hold_secret("this file", path); !good) {
      return tl::unexpected(single({0, "node.cookie", good.error().message + "; or use cookie_file"}));
    }
  }
  return file;
}

const std::vector<std::string>& log_levels() {
  static const std::vector<std::string> levels{"trace", "debug",    "info", "warning",
                                               "error", "critical", "off"};
  return levels;
}

const std::vector<std::string>& log_formats() {
  static const std::vector<std::string> formats{"auto", "text", "json", "journal"};
  return formats;
}

}  // namespace brood::app::fleet
