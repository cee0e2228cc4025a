#include "apps/brood/cli/rows.hpp"

#include <fmt/format.h>

#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

std::string text_at(const Term& map, std::string_view key) {
  const auto* value = map.get(key);
  if (value == nullptr || value->is_atom("undefined")) return "";
  return value->text().value_or(to_string(*value));
}

std::int64_t integer_at(const Term& map, std::string_view key) {
  const auto* value = map.get(key);
  const auto* integer = value == nullptr ? nullptr : value->as_integer();
  return integer == nullptr ? 0 : *integer;
}

bool true_at(const Term& map, std::string_view key, bool otherwise) {
  const auto* value = map.get(key);
  return value == nullptr ? otherwise : value->is_atom("true");
}

const std::vector<Term>& list_at(const Term& map, std::string_view key) {
  static const std::vector<Term> none;
  const auto* value = map.get(key);
  const auto* list = value == nullptr ? nullptr : value->as_list();
  return list == nullptr ? none : *list;
}

std::string pid_text(const Term& map) {
  const auto* value = map.get("pid");
  const auto* pid = value == nullptr ? nullptr : value->as_pid();
  return pid == nullptr ? "" : to_string(*pid);
}

InstanceRow instance_row(const Term& map) {
  InstanceRow row;
  row.node = text_at(map, "node");
  row.pid = pid_text(map);
  row.os_pid = integer_at(map, "os_pid");
  row.phase = text_at(map, "phase");
  row.role = text_at(map, "role");
  row.restarts = integer_at(map, "restarts");
  row.uptime_ms = integer_at(map, "uptime_ms");
  row.reason = text_at(map, "reason");
  return row;
}

ChildRow child_row(const Term& map) {
  ChildRow row;
  if (const auto* id = map.get("id")) row.id = id_text(*id);
  row.worker = text_at(map, "worker");
  row.restart = text_at(map, "restart");
  for (const auto& tag : list_at(map, "tags")) row.tags.push_back(tag.text().value_or(to_string(tag)));
  row.is_static = true_at(map, "static", false);
  row.wanted = true_at(map, "wanted", true);
  row.failed = true_at(map, "failed", false);
  row.failure = text_at(map, "failure");
  row.node_for = text_at(map, "node_for");
  if (const auto* args = map.get("args")) row.args = *args;
  row.shutdown = text_at(map, "shutdown");
  for (const auto& instance : list_at(map, "instances")) row.instances.push_back(instance_row(instance));
  return row;
}

// The command of a program, which says more than the worker name `exec`.
std::string command_of(const ChildRow& row) {
  const auto* map = &row.args;
  const auto* list = row.args.as_list();
  if (list != nullptr && list->size() == 1) map = &list->front();
  std::string out;
  for (const auto& word : list_at(*map, "argv")) {
    if (!out.empty()) out += ' ';
    out += word.text().value_or(to_string(word));
  }
  return out;
}

std::string what_runs(const ChildRow& row) {
  const auto command = row.worker == "exec" ? command_of(row) : "";
  return command.empty() ? row.worker : command;
}

Style style_of(const std::string& phase) {
  if (phase == "running") return Style::good;
  if (phase == "failed" || phase == "stuck" || phase == "stopped") return Style::bad;
  return Style::warning;
}

std::string phase_without_instance(const ChildRow& row) {
  if (row.failed) return "failed";
  return row.wanted ? "waiting" : "stopped";
}

Cell phase_cell(const std::string& phase, const std::string& role) {
  const bool say_role = !role.empty() && role != "active";
  return {say_role ? fmt::format("{} ({})", phase, role) : phase, style_of(phase)};
}

Json instance_json(const InstanceRow& row) {
  return Json{{"node", row.node},
              {"pid", row.pid},
              {"os_pid", row.os_pid},
              {"phase", row.phase},
              {"role", row.role},
              {"restarts", row.restarts},
              {"uptime_s", static_cast<double>(row.uptime_ms) / 1000}};
}

// The keys of `ps --json`, and why a failed one failed.
Json summary_json(const ChildRow& row) {
  Json out{{"id", row.id}, {"worker", row.worker}, {"restart", row.restart}, {"tags", row.tags}};
  auto instances = Json::array();
  for (const auto& instance : row.instances) instances.push_back(instance_json(instance));
  out["instances"] = std::move(instances);
  if (row.failed) out["failure"] = row.failure;
  return out;
}

std::string instance_text(const InstanceRow& row, bool color) {
  std::string out =
      fmt::format("  {} on {}  {}", row.pid, row.node, styled(row.phase, style_of(row.phase), color));
  if (row.os_pid != 0) out += fmt::format("  os pid {}", row.os_pid);
  if (!row.role.empty()) out += "  " + row.role;
  out += fmt::format("  {} restarts, up {}\n", row.restarts, duration_text(row.uptime_ms / 1000));
  if (!row.reason.empty()) out += fmt::format("    {}\n", harmless(row.reason));
  return out;
}

}  // namespace

std::vector<ChildRow> child_rows(const Term& answer) {
  std::vector<ChildRow> rows;
  if (const auto* list = answer.as_list()) {
    for (const auto& item : *list) rows.push_back(child_row(item));
  }
  return rows;
}

std::vector<NodeRow> node_rows(const Term& answer) {
  std::vector<NodeRow> rows;
  const auto* list = answer.as_list();
  if (list == nullptr) return rows;
  for (const auto& item : *list) {
    NodeRow row;
    row.name = text_at(item, "name");
    row.up = true_at(item, "up", false);
    row.self = true_at(item, "self", false);
    row.state = text_at(item, "state");
    const auto* supervisors = item.get("supervisors");
    if (supervisors != nullptr && supervisors->as_map() != nullptr) {
      for (const auto& [name, info] : *supervisors->as_map()) {
        row.children[name.text().value_or(to_string(name))] = integer_at(info, "children");
      }
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Table children_table(const std::vector<ChildRow>& rows) {
  Table table;
  table.columns = {{"ID"}, {"RUNS"}, {"NODE"}, {"PHASE"}, {"OS PID", true}, {"RESTARTS", true}, {"UP", true}};
  for (const auto& row : rows) {
    for (const auto& instance : row.instances) {
      table.rows.push_back({row.id, what_runs(row), instance.node, phase_cell(instance.phase, instance.role),
                            instance.os_pid == 0 ? "-" : std::to_string(instance.os_pid),
                            std::to_string(instance.restarts), duration_text(instance.uptime_ms / 1000)});
    }
    if (!row.instances.empty()) continue;
    const auto phase = phase_without_instance(row);
    table.rows.push_back({row.id, what_runs(row), "-", Cell(phase, style_of(phase)), "-", "-", "-"});
  }
  return table;
}

Json children_json(const std::vector<ChildRow>& rows) {
  auto out = Json::array();
  for (const auto& row : rows) out.push_back(summary_json(row));
  return out;
}

Json child_json(const ChildRow& row) {
  auto out = summary_json(row);
  out["static"] = row.is_static;
  out["wanted"] = row.wanted;
  out["failed"] = row.failed;
  out["failure"] = row.failure;
  out["node_for"] = row.node_for.empty() ? Json(nullptr) : Json(row.node_for);
  out["args"] = to_string(row.args);
  out["shutdown"] = row.shutdown;
  for (std::size_t i = 0; i < row.instances.size(); ++i)
    out["instances"][i]["reason"] = row.instances[i].reason;
  return out;
}

std::string child_text(const ChildRow& row, bool color) {
  std::string tags;
  for (const auto& tag : row.tags) tags += (tags.empty() ? "" : ", ") + harmless(tag);
  std::string out;
  const auto field = [&](std::string_view name, std::string_view value) {
    out += fmt::format("{:<11}{}\n", name, value.empty() ? "-" : harmless(value));
  };
  field("id", row.id);
  field(row.worker == "exec" ? "command" : "worker", what_runs(row));
  if (row.worker != "exec") field("args", to_string(row.args, 4000));
  field("restart", row.restart);
  field("shutdown", row.shutdown);
  field("tags", tags);
  field("from", row.is_static ? "a fleet file" : "a request");
  field("belongs on", row.node_for);
  if (!row.wanted) field("wanted", "no: it was stopped");
  if (row.failed) field("failed", row.failure.empty() ? "yes" : row.failure);
  out += "instances\n";
  if (row.instances.empty()) out += "  none\n";
  for (const auto& instance : row.instances) out += instance_text(instance, color);
  return out;
}

Table nodes_table(const std::vector<NodeRow>& rows) {
  Table table;
  table.columns = {{"NODE"}, {"STATE"}, {"CHILDREN"}};
  for (const auto& row : rows) {
    std::string children;
    for (const auto& [name, count] : row.children) {
      children += fmt::format("{}{}: {}", children.empty() ? "" : ", ", name, count);
    }
    const std::string gone = row.state == "left" ? "left" : "down";
    const auto state = row.up ? (row.state.empty() ? "up" : row.state) : gone;
    table.rows.push_back({row.self ? row.name + " (asked)" : row.name,
                          Cell(state, state == "up" ? Style::good
                                      : row.up      ? Style::warning
                                                    : Style::bad),
                          children.empty() ? "-" : children});
  }
  return table;
}

Json nodes_json(const std::vector<NodeRow>& rows) {
  auto out = Json::array();
  for (const auto& row : rows) {
    auto supervisors = Json::object();
    for (const auto& [name, count] : row.children) supervisors[name] = Json{{"children", count}};
    out.push_back(Json{{"name", row.name}, {"up", row.up}, {"self", row.self}, {"supervisors", supervisors}});
  }
  return out;
}

}  // namespace brood::app
