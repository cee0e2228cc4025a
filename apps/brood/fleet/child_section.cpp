// [[supervisor.NAME.child]]: one child, or `count` of them.
#include <fmt/format.h>

#include <set>

#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/sections.hpp"
#include "apps/brood/fleet/toml_term.hpp"
#include "exec/command.hpp"
#include "process/local/spec_terms.hpp"
#include "supervisor/driver/specs.hpp"

namespace brood::app::fleet {
namespace {

constexpr std::int64_t count_max = 100'000;

// A child as it is written: before {n} is replaced.
struct Draft {
  std::string id;
  ChildSpec spec;                  ///< All but what it runs.
  std::string worker;              ///< Or ...
  Command command;                 ///< ... a program.
  Options options;                 ///< Of a program.
  std::vector<std::string> after;  ///< Ids.
  std::optional<Term> args;        ///< The list of arguments.
  std::optional<std::int64_t> count;
};

std::optional<Term> read_args(Section& section) {
  const auto* entry = section.any("args");
  if (entry == nullptr) return std::nullopt;
  const bool table = entry->value.as<TomlTable>() != nullptr;
  if (!table && entry->value.as<TomlArray>() == nullptr) {
    section.problem("args",
                    fmt::format("is {}; allowed: a table (one argument, a map) or an array (the arguments)",
                                kind_of(entry->value)));
    return std::nullopt;
  }
  auto term = to_term(entry->value, section.path_of("args"), section.problems());
  if (!term || !table) return term;
  return Term::list({std::move(*term)});
}

void read_restart(Section& section, ChildSpec& spec) {
  const auto word = section.one_of("restart", {"permanent", "transient", "temporary"});
  if (word == "transient") spec.restart = Restart::transient;
  if (word == "temporary") spec.restart = Restart::temporary;
}

void read_shutdown(Section& section, ChildSpec& spec) {
  const auto patience = section.integer("shutdown_ms", 0, day_ms);
  if (patience) spec.shutdown.patience = std::chrono::milliseconds(*patience);
  if (section.has("shutdown") && section.has("shutdown_ms")) {
    section.problem("shutdown", "there is a shutdown_ms too; give one of them");
  }
  const auto* entry = section.any("shutdown");
  if (entry == nullptr) return;
  const auto* word = entry->value.as<std::string>();
  if (word != nullptr && *word == "infinity") {
    spec.shutdown.infinity = true;
  } else if (word != nullptr && *word == "brutal_kill") {
    spec.shutdown = {.patience = std::chrono::milliseconds(0)};
  } else {
    section.problem("shutdown", "allowed: \"infinity\" or \"brutal_kill\"; for a time use shutdown_ms");
  }
}

std::optional<std::chrono::milliseconds> read_time(Section& section, const char* key) {
  const auto value = section.integer(key, 0, day_ms);
  return value ? std::optional(std::chrono::milliseconds(*value)) : std::nullopt;
}

void read_pace(Section& section, ChildSpec& spec) {
  if (const auto value = read_time(section, "start_period_ms")) spec.start_period = *value;
  spec.backoff = read_time(section, "backoff_ms");
  spec.backoff_max = read_time(section, "backoff_max_ms");
  if (const auto rounds = section.integer("give_up_after", 0, 1'000'000))
    spec.give_up_after = static_cast<std::uint32_t>(*rounds);
  if (auto fine = supervisor::check_pace(spec); !fine) section.problem("backoff_ms", fine.error().message);
}

void read_environment(Section& section, Command& command) {
  const auto* entry = section.any("env");
  if (entry == nullptr) return;
  const auto* table = entry->value.as<TomlTable>();
  if (table == nullptr) return section.problem("env", "allowed: a table of texts, { LANG = \"C\" }");
  for (const auto& variable : table->entries) {
    const auto* value = variable.value.as<std::string>();
    const bool bad_name =
        variable.key.empty() || variable.key.find_first_of(std::string("=\0", 2)) != std::string::npos;
    if (value == nullptr || bad_name || value->find('\0') != std::string::npos) {
      section.problems().add(variable.line, section.path_of("env") + "." + variable.key,
                             "allowed: NAME = \"text\", without = in the name and zero bytes in the text");
      continue;
    }
    command.env[variable.key] = *value;
  }
}

void read_stop_signal(Section& section, Command& command) {
  const auto* entry = section.any("stop_signal");
  if (entry == nullptr) return;
  std::optional<int> number;
  if (const auto* text = entry->value.as<std::string>()) number = exec::signal_from_name(*text);
  if (const auto* integer = entry->value.as<std::int64_t>()) {
    number = exec::signal_from_name(std::to_string(*integer));
  }
  if (number) {
    command.stop_signal = *number;
  } else {
    section.problem("stop_signal", "no such signal; allowed: a name (\"SIGINT\") or a number (2)");
  }
}

void read_exec(Section& section, Draft& draft) {
  Command& command = draft.command;
  if (auto words = section.texts("exec")) {
    if (words->empty() || words->front().empty()) {
      section.problem("exec", "names no program; allowed: [\"program\", \"argument\", ...]");
    }
    command.argv = std::move(*words);
  }
  command.cwd = section.text("cwd");
  read_environment(section, command);
  read_stop_signal(section, command);
  draft.options = read_options(section);
  command.start_before_stop = section.boolean("start_before_stop").value_or(false);
  if (const auto value = section.integer("ready_timeout_ms", 1, 86'400'000)) {
    command.ready_timeout = std::chrono::milliseconds(*value);
    if (!command.start_before_stop)
      section.problem("ready_timeout_ms", "without a meaning unless start_before_stop = true");
  }
  if (section.has("exec")) return;
  for (const auto* key : {"cwd", "env", "stop_signal", "start_before_stop", "ready_timeout_ms"}) {
    if (section.has(key)) section.problem(key, "only a child with exec has it");
  }
  for (const auto& [key, value] : draft.options) section.problem(key, "only a child with exec has it");
}

void read_what_runs(Section& section, Draft& draft) {
  draft.worker = section.text("worker").value_or("");
  read_exec(section, draft);
  draft.args = read_args(section);
  const bool worker = section.has("worker");
  const bool exec = section.has("exec");
  if (worker && exec) section.problem("exec", "there is a worker too; a child has one of them");
  if (!worker && !exec)
    section.problem("", "says nothing to run; allowed: worker = \"name\" or exec = [\"program\", ...]");
  if (exec && section.has("args")) section.problem("args", "only a worker has args; put a program's in exec");
  if (draft.worker == supervisor_worker) {
    const auto read = process::read_supervisor(draft.args ? encode_term(*draft.args) : EncodedTerm{});
    if (!read) section.problem("args", read.error().message);
  }
  if (draft.worker == "exec")
    section.problem("worker", "\"exec\" is no worker; use exec = [\"program\", ...]");
}

void read_placement(Section& section, ChildSpec& spec) {
  spec.nodes = read_node_names(section, "nodes");
  spec.mapping = read_node_names(section, "mapping");
}

void read_metadata(Section& section, ChildSpec& spec) {
  spec.tag = section.text("tag").value_or("");
  const auto* entry = section.any("metadata");
  if (entry == nullptr) return;
  if (entry->value.as<TomlTable>() == nullptr) return section.problem("metadata", "allowed: a table");
  if (auto term = to_term(entry->value, section.path_of("metadata"), section.problems())) {
    spec.metadata = std::move(*term);
  }
}

void read_id(Section& section, Draft& draft) {
  draft.id = section.text("id").value_or("");
  draft.count = section.integer("count", 1, count_max);
  if (!section.has("id")) section.problem("", "has no id; allowed: id = \"text\", or \":name\" for an atom");
  if (draft.id.empty()) return;
  if (const auto id = parse_id(draft.id); !id) section.problem("id", id.error().message);
  if (draft.count && *draft.count > 1 && !has_number_mark(draft.id)) {
    section.problem("id", "needs {n}, which count replaces by 1, 2, ...; for example \"room-{n}\"");
  }
}

// A command means the same wherever the node was started: what has a folder in it is relative to the file.
void place_command(Command& command, const std::string& folder) {
  if (command.cwd) command.cwd = in_folder(*command.cwd, folder);
  const auto place = [&](std::vector<std::string>& words) {
    if (!words.empty() && words.front().find('/') != std::string::npos)
      words.front() = in_folder(words.front(), folder);
  };
  place(command.argv);
  if (command.options.health) place(command.options.health->exec);
}

Command with_number(Command command, const std::string& n) {
  for (auto& word : command.argv) word = numbered(word, n);
  for (auto& [key, value] : command.env) value = numbered(value, n);
  if (command.cwd) command.cwd = numbered(*command.cwd, n);
  return command;
}

decltype(ChildSpec::run) what_runs(const Draft& draft, const std::optional<std::string>& n,
                                   const std::string& folder, Section& section) {
  if (draft.command.argv.empty()) {
    WorkerSpec worker{draft.worker};
    if (draft.args) worker.args = encode_term(n ? numbered(*draft.args, *n) : *draft.args);
    return worker;
  }
  Command command = n ? with_number(draft.command, *n) : draft.command;
  command.options = program_of(draft.options, n, folder, section);
  place_command(command, folder);
  return command;
}

ChildSpec finished(const Draft& draft, const std::optional<std::string>& n, const std::string& folder,
                   Section& section) {
  ChildSpec spec = draft.spec;
  const auto id = parse_id(n ? numbered(draft.id, *n) : draft.id);
  if (!id && !draft.id.empty() && n) section.problem("id", id.error().message);
  if (id) spec.id = Id(*id);
  for (const auto& other : draft.after) {
    const auto one = parse_id(n ? numbered(other, *n) : other);
    one ? spec.after.push_back(Id(*one)) : section.problem("after", one.error().message);
  }
  if (n) spec.metadata = numbered(spec.metadata, *n);
  spec.run = what_runs(draft, n, folder, section);
  return spec;
}

}  // namespace

std::vector<ChildSpec> read_child(Section section, const std::string& folder) {
  Draft draft;
  read_id(section, draft);
  read_what_runs(section, draft);
  read_restart(section, draft.spec);
  read_pace(section, draft.spec);
  draft.after = section.texts("after").value_or(std::vector<std::string>{});
  read_shutdown(section, draft.spec);
  read_metadata(section, draft.spec);
  read_placement(section, draft.spec);
  section.finish();
  const bool numbered_id = has_number_mark(draft.id);
  if (!draft.count || !numbered_id) return {finished(draft, std::nullopt, folder, section)};
  std::vector<ChildSpec> specs;
  for (std::int64_t n = 1; n <= *draft.count; ++n)
    specs.push_back(finished(draft, std::to_string(n), folder, section));
  return specs;
}

}  // namespace brood::app::fleet
