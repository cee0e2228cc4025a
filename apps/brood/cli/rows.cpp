#include "apps/brood/cli/rows.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <functional>

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

std::optional<std::int64_t> maybe_integer_at(const Term& map, std::string_view key) {
  const auto* value = map.get(key);
  const auto* integer = value == nullptr ? nullptr : value->as_integer();
  return integer == nullptr ? std::nullopt : std::optional<std::int64_t>(*integer);
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
  row.health = text_at(map, "health");
  row.restarts = integer_at(map, "restarts");
  row.uptime_ms = integer_at(map, "uptime_ms");
  row.reason = text_at(map, "reason");
  row.last_end = text_at(map, "last_end");
  row.next_try_ms = maybe_integer_at(map, "next_try_ms");
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
  row.waiting = text_at(map, "waiting");
  row.last_end = text_at(map, "last_end");
  row.next_try_ms = maybe_integer_at(map, "next_try_ms");
  row.node_for = text_at(map, "node_for");
  if (const auto* args = map.get("args")) row.args = *args;
  row.shutdown = text_at(map, "shutdown");
  for (const auto& instance : list_at(map, "instances")) row.instances.push_back(instance_row(instance));
  return row;
}

const Term& command_map(const ChildRow& row) {
  const auto* list = row.args.as_list();
  return list != nullptr && list->size() == 1 ? list->front() : row.args;
}

const Term& no_command() {
  static const Term none = Term::map({});
  return none;
}

std::vector<std::string> texts_at(const Term& map, std::string_view key) {
  std::vector<std::string> out;
  for (const auto& item : list_at(map, key)) out.push_back(item.text().value_or(to_string(item)));
  return out;
}

// The command of a program, which says more than the worker name `exec`.
std::string what_runs(const ChildRow& row) {
  const auto command = row.worker == "exec" ? command_line(texts_at(command_map(row), "argv")) : "";
  return command.empty() ? row.worker : command;
}

std::string quoted(const std::string& word) {
  const bool plain = !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || std::isalnum(byte) != 0 ||
           std::string_view("_@%+=:,./-{}^").find(c) != std::string::npos;
  });
  if (plain) return word;
  std::string out = "'";
  for (const char c : word) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

Style style_of(const std::string& phase) {
  if (phase == "running") return Style::good;
  if (phase == "failed" || phase == "stuck" || phase == "stopped" || phase == "unhealthy") return Style::bad;
  return Style::warning;
}

std::string phase_without_instance(const ChildRow& row) {
  if (row.failed) return "failed";
  return row.wanted ? "waiting" : "stopped";
}

Cell phase_cell(const InstanceRow& row) {
  const bool say_role = !row.role.empty() && row.role != "active";
  auto text = say_role ? fmt::format("{} ({})", row.phase, row.role) : row.phase;
  const bool is_well = row.health.empty() || row.health == "healthy";
  if (!is_well) text += fmt::format(" ({})", row.health);
  if (row.next_try_ms) text += fmt::format(" in {}", duration_text((*row.next_try_ms + 999) / 1000));
  return {std::move(text), style_of(is_well ? row.phase : row.health)};
}

Json instance_json(const InstanceRow& row) {
  Json out{{"node", row.node},
           {"pid", row.pid},
           {"os_pid", row.os_pid},
           {"phase", row.phase},
           {"role", row.role},
           {"restarts", row.restarts},
           {"uptime_s", static_cast<double>(row.uptime_ms) / 1000}};
  if (!row.health.empty()) out["health"] = row.health;
  return out;
}

// A child that is not wanted any more: a program that was to run once may just have done so.
std::string why_unwanted(const ChildRow& row) {
  if (!row.last_end.empty()) return "no: " + row.last_end;
  return row.restart == "permanent" ? "no: it was stopped" : "no: it has ended for good, or was stopped";
}

// The environment may hold secrets: its names say enough.
void add_command(const ChildRow& row, const std::function<void(std::string_view, std::string_view)>& field) {
  const auto& command = command_map(row);
  std::string names;
  if (const auto* env = command.get("env"); env != nullptr && env->as_map() != nullptr) {
    for (const auto& [name, value] : *env->as_map())
      names += (names.empty() ? "" : ", ") + name.text().value_or(to_string(name));
  }
  if (!names.empty()) field("env", names);
}

// The keys of `ps --json`, and why a failed one failed.
Json summary_json(const ChildRow& row) {
  Json out{{"supervisor", row.supervisor},
           {"id", row.id},
           {"worker", row.worker},
           {"restart", row.restart},
           {"tags", row.tags}};
  auto instances = Json::array();
  for (const auto& instance : row.instances) instances.push_back(instance_json(instance));
  out["instances"] = std::move(instances);
  if (row.failed) out["failure"] = row.failure;
  if (!row.waiting.empty()) out["waiting"] = row.waiting;
  if (row.next_try_ms) out["next_try_s"] = static_cast<double>(*row.next_try_ms) / 1000;
  return out;
}

std::string instance_text(const InstanceRow& row, bool color) {
  std::string out =
      fmt::format("  {} on {}  {}", row.pid, row.node, styled(row.phase, style_of(row.phase), color));
  if (row.os_pid != 0) out += fmt::format("  os pid {}", row.os_pid);
  if (!row.role.empty()) out += "  " + row.role;
  if (!row.health.empty())
    out += "  " + styled(row.health, row.health == "healthy" ? Style::good : style_of(row.health), color);
  out += fmt::format("  {} restarts, up {}\n", row.restarts, duration_text(row.uptime_ms / 1000));
  if (!row.reason.empty()) out += fmt::format("    {}\n", harmless(row.reason));
  if (!row.last_end.empty() && row.last_end != row.reason)
    out += fmt::format("    last end: {}\n", harmless(row.last_end));
  if (row.next_try_ms)
    out += fmt::format("    next try in {}\n", duration_text((*row.next_try_ms + 999) / 1000));
  return out;
}

}  // namespace

std::string command_line(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : " ") + quoted(word);
  return out;
}

bool has_health_check(const ChildRow& row) {
  return std::any_of(row.options.begin(), row.options.end(),
                     [](const auto& one) { return one.first == "health"; });
}

std::string end_words(const Term& end) {
  const Term* text = end.get("text");
  const Term* time = end.get("ended_ms");
  if (text == nullptr || time == nullptr || time->as_integer() == nullptr) return "it has ended";
  return fmt::format("{} at {:%Y-%m-%d %H:%M:%S} UTC", text->text().value_or(""),
                     fmt::gmtime(static_cast<std::time_t>(*time->as_integer() / 1000)));
}

std::vector<ChildRow> child_rows(const Term& answer) {
  std::vector<ChildRow> rows;
  if (const auto* list = answer.as_list()) {
    for (const auto& item : *list) {
      rows.push_back(child_row(item));
      auto& row = rows.back();
      row.options = options_of(item, row.worker == "exec" ? command_map(row) : no_command());
    }
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

Table children_table(const std::vector<ChildRow>& rows, bool of_several) {
  Table table;
  table.columns = {{"ID", false, 12}, {"RUNS", false, 8}, {"NODE"},    {"PHASE"},
                   {"OS PID", true},  {"RESTARTS", true}, {"UP", true}};
  const auto why = [](const ChildRow& row) { return row.failed ? row.failure : row.waiting; };
  const bool says_why = std::any_of(rows.begin(), rows.end(), [&](const ChildRow& row) {
    return row.instances.empty() && !why(row).empty();
  });
  if (says_why) table.columns.push_back({"WHY"});
  if (of_several) table.columns.insert(table.columns.begin(), {"SUPERVISOR"});
  const auto add = [&](const ChildRow& row, std::vector<Cell> cells, std::string words) {
    if (of_several) cells.insert(cells.begin(), Cell(row.supervisor));
    if (says_why) cells.emplace_back(std::move(words));
    table.rows.push_back(std::move(cells));
  };
  for (const auto& row : rows) {
    for (const auto& instance : row.instances) {
      add(row,
          {row.id, what_runs(row), instance.node, phase_cell(instance),
           instance.os_pid == 0 ? "-" : std::to_string(instance.os_pid), std::to_string(instance.restarts),
           duration_text(instance.uptime_ms / 1000)},
          "");
    }
    if (!row.instances.empty()) continue;
    const auto phase = phase_without_instance(row);
    add(row, {row.id, what_runs(row), "-", Cell(phase, style_of(phase)), "-", "-", "-"}, why(row));
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
  if (!row.last_end.empty()) out["last_end"] = row.last_end;
  out["node_for"] = row.node_for.empty() ? Json(nullptr) : Json(row.node_for);
  out["args"] = to_string(row.args);
  out["shutdown"] = row.shutdown;
  out["options"] = options_json(row.options);
  for (std::size_t i = 0; i < row.instances.size(); ++i)
    out["instances"][i]["reason"] = row.instances[i].reason;
  return out;
}

std::string child_text(const ChildRow& row, bool color) {
  std::string tags;
  for (const auto& tag : row.tags) tags += (tags.empty() ? "" : ", ") + harmless(tag);
  std::string out;
  std::size_t width = 11;
  for (const auto& [key, value] : row.options) width = std::max(width, key.size() + 2);
  const auto field = [&](std::string_view name, std::string_view value) {
    out += fmt::format("{:<{}}{}\n", name, width, value.empty() ? "-" : harmless(value));
  };
  field("id", row.id);
  field(row.worker == "exec" ? "command" : "worker", what_runs(row));
  if (row.worker == "exec") {
    add_command(row, field);
  } else {
    field("args", to_string(row.args, 4000));
  }
  for (const auto& [key, value] : row.options) field(key, option_text(value));
  field("restart", row.restart);
  field("shutdown", row.shutdown);
  field("tags", tags);
  field("from", row.is_static ? "a fleet file" : "a request");
  field("belongs on", row.node_for);
  if (!row.wanted) field("wanted", why_unwanted(row));
  if (row.failed) field("failed", row.failure.empty() ? "yes" : row.failure);
  if (!row.waiting.empty()) field("waiting", row.waiting);
  if (row.wanted && !row.last_end.empty()) field("last end", row.last_end);
  if (row.next_try_ms) field("next try", "in " + duration_text((*row.next_try_ms + 999) / 1000));
  out += "instances\n";
  if (row.instances.empty()) out += "  none\n";
  for (const auto& instance : row.instances) out += instance_text(instance, color);
  return out;
}

namespace {

std::string state_of(const NodeRow& row) {
  if (row.up) return row.state.empty() ? "up" : row.state;
  const bool tells =
      row.state == "left" || row.state == "joining" || row.state == "refused" || row.state == "draining";
  return tells ? row.state : "down";
}

Style style_of_node(const NodeRow& row, const std::string& state) {
  if (state == "up") return Style::good;
  return row.up || state == "draining" || state == "joining" ? Style::warning : Style::bad;
}

}  // namespace

Table nodes_table(const std::vector<NodeRow>& rows) {
  Table table;
  table.columns = {{"NODE"}, {"STATE"}, {"CHILDREN"}};
  for (const auto& row : rows) {
    std::string children;
    for (const auto& [name, count] : row.children) {
      children += fmt::format("{}{}: {}", children.empty() ? "" : ", ", name, count);
    }
    const auto state = state_of(row);
    table.rows.push_back({row.self ? row.name + " (asked)" : row.name, Cell(state, style_of_node(row, state)),
                          children.empty() ? "-" : children});
  }
  return table;
}

Json nodes_json(const std::vector<NodeRow>& rows) {
  auto out = Json::array();
  for (const auto& row : rows) {
    auto supervisors = Json::object();
    for (const auto& [name, count] : row.children) supervisors[name] = Json{{"children", count}};
    out.push_back(Json{{"name", row.name},
                       {"up", row.up},
                       {"self", row.self},
                       {"state", state_of(row)},
                       {"supervisors", supervisors}});
  }
  return out;
}

}  // namespace brood::app
