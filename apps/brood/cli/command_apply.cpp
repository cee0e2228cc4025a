// brood apply FILE: brings the cluster to what a fleet file says; says first what it will do.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/fleet_file.hpp"
#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/spec_term.hpp"

namespace brood::app {
namespace {

constexpr std::chrono::milliseconds apply_timeout{120000};

struct Action {
  std::string supervisor;
  std::string id;
  std::string action;
  std::vector<std::string> changed;  ///< Which keys differ.
  bool has_result = false;
  std::optional<Trouble> trouble;
};

struct Plan {
  std::vector<Action> actions;
  std::map<std::string, std::int64_t> unchanged;  ///< By supervisor.

  [[nodiscard]] bool has(std::string_view action) const {
    return std::any_of(actions.begin(), actions.end(), [&](const Action& a) { return a.action == action; });
  }
  /// How many things are to be done, apart from what is left alone.
  [[nodiscard]] std::size_t to_do() const {
    return static_cast<std::size_t>(std::count_if(actions.begin(), actions.end(), [](const Action& a) {
      return a.action != "extra" && a.action != "stopped";
    }));
  }
  [[nodiscard]] bool changes_nothing() const { return to_do() == 0; }
};

Term fleet_term(const fleet::FleetFile& file) {
  std::vector<std::pair<Term, Term>> supervisors;
  for (const auto& supervisor : file.supervisors) {
    std::vector<Term> specs;
    for (const auto& spec : supervisor.children) specs.push_back(spec_term(spec));
    supervisors.emplace_back(Term::atom(supervisor.name), Term::list(std::move(specs)));
  }
  return Term::map(std::move(supervisors));
}

std::string text_at(const Term& map, std::string_view key) {
  const auto* value = map.get(key);
  return value == nullptr ? "" : value->text().value_or(to_string(*value));
}

Action action_of(const Term& item) {
  Action action;
  action.supervisor = text_at(item, "supervisor");
  action.action = text_at(item, "action");
  if (const auto* id = item.get("id")) action.id = id_text(*id);
  if (const auto* keys = item.get("changed"); keys != nullptr && keys->as_list() != nullptr) {
    for (const auto& key : *keys->as_list()) action.changed.push_back(key.text().value_or(to_string(key)));
  }
  const auto* result = item.get("result");
  action.has_result = result != nullptr;
  if (result != nullptr && result->is_record("error", 2))
    action.trouble = trouble_of((*result->as_tuple())[1]);
  return action;
}

Plan plan_of(const Term& answer) {
  Plan plan;
  const auto* list = answer.as_list();
  if (list == nullptr) return plan;
  for (const auto& item : *list) {
    if (text_at(item, "action") == "unchanged") {
      const auto* count = item.get("count");
      if (count != nullptr && count->as_integer() != nullptr)
        plan.unchanged[text_at(item, "supervisor")] = *count->as_integer();
      continue;
    }
    plan.actions.push_back(action_of(item));
  }
  return plan;
}

struct Mode {
  bool dry_run = false;
  bool prune = false;
};

Outcome<Plan> ask_fleet(Session& session, const Term& fleet, Mode mode) {
  const auto timeout = session.timeout(apply_timeout);
  std::vector<std::pair<Term, Term>> options{
      {Term::atom("dry_run"), Term(mode.dry_run)},
      {Term::atom("prune"), Term(mode.prune)},
      {Term::atom("start_stopped"), Term(session.arguments.start_stopped)}};
  if (session.arguments.common.timeout)
    options.emplace_back(Term::atom("timeout"), Term(static_cast<std::int64_t>(timeout.count())));
  const auto begun = std::chrono::steady_clock::now();
  const auto how_far = [&](const std::vector<NodeRow>& rows) {
    std::int64_t count = 0;
    for (const auto& row : rows)
      for (const auto& [name, children] : row.children) count += children;
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count();
    return fmt::format("at work for {}; {} children run", duration_text(seconds), count);
  };
  const auto answer =
      ask_at_length(session, request_of("fleet", {fleet, Term::map(std::move(options))}), timeout, how_far);
  if (!answer) return tl::unexpected(answer.error());
  return plan_of(*answer);
}

// ---- words ------------------------------------------------------------------------------------------------

struct Words {
  std::string_view action;
  std::string_view before;  ///< What will be done: "{} 3 in web: a, b, c".
  std::string_view after;   ///< What was done; empty: said before only.
  std::string_view more = {};
};
constexpr std::array<Words, 7> all_words{{
    {"start", "will start", "started"},
    {"replace", "will replace", "replaced", " (each is ended and started anew)"},
    {"update", "will change", "changed", " (they go on running)"},
    {"retry", "will try again", "tried again"},
    {"remove", "will remove", "removed"},
    {"stopped", "left stopped:", "", " (--start-stopped starts them)"},
    {"extra", "not in the file, left alone:", "", " (--prune removes them)"},
}};

std::string shown(const Action& action) {
  const auto id = harmless(action.id);
  return action.changed.empty() ? id : fmt::format("{} ({})", id, fmt::join(action.changed, ", "));
}

// "will start 3 in web: a, b, c": a line for each supervisor and kind of action.
void print(Output& out, const Plan& plan, bool done) {
  for (const auto& words : all_words) {
    const auto verb = done ? words.after : words.before;
    if (verb.empty()) continue;
    std::map<std::string, std::vector<std::string>> ids;
    for (const auto& action : plan.actions) {
      if (action.action == words.action && !action.trouble) ids[action.supervisor].push_back(shown(action));
    }
    for (const auto& [supervisor, list] : ids) {
      out.line(fmt::format("{} {} in {}{}: {}", verb, list.size(), supervisor, done ? "" : words.more,
                           fmt::join(list, ", ")));
    }
  }
}

void print_unchanged(Output& out, const Plan& plan) {
  for (const auto& [supervisor, count] : plan.unchanged) {
    if (count > 0) out.line(fmt::format("unchanged {} in {}", count, supervisor));
  }
}

Json actions_json(const Plan& plan, bool dry_run) {
  auto list = Json::array();
  for (const auto& action : plan.actions) {
    Json item{{"supervisor", action.supervisor}, {"id", action.id}, {"action", action.action}};
    if (!action.changed.empty()) item["changed"] = action.changed;
    if (action.trouble) {
      item["result"] = Json{{"error", error_json(*action.trouble)}};
    } else if (action.has_result) {
      item["result"] = "ok";
    }
    list.push_back(std::move(item));
  }
  auto unchanged = Json::object();
  for (const auto& [supervisor, count] : plan.unchanged) unchanged[supervisor] = count;
  return Json{{"dry_run", dry_run}, {"actions", std::move(list)}, {"unchanged", std::move(unchanged)}};
}

// ---- the steps of the command -----------------------------------------------------------------------------

Outcome<fleet::FleetFile> load(const std::string& path) {
  auto file = fleet::load_fleet(path);
  if (!file) {
    std::string all;
    for (const auto& problem : file.error()) all += (all.empty() ? "" : "\n") + problem.text(path);
    return usage(std::move(all));
  }
  if (file->supervisors.empty())
    return usage(fmt::format("{}: has no [supervisor.NAME]; nothing to apply", path));
  return std::move(*file);
}

// What could not be done; of a plan: what would be refused, so that nothing is done at all.
Outcome<void> failures(const Plan& plan, bool json, bool before) {
  std::string words;
  std::string code;
  std::size_t count = 0;
  for (const auto& action : plan.actions) {
    if (!action.trouble) continue;
    if (++count == 1) code = action.trouble->code;
    words += fmt::format("\nbrood: {} {} {}: {}", before ? "cannot" : "could not", action.action,
                         harmless(action.id), action.trouble->message);
  }
  if (count == 0) return {};
  const auto head = before
                        ? fmt::format("nothing was changed: {} of {} would be refused", count, plan.to_do())
                        : fmt::format("{} of {} were not done", count, plan.to_do());
  Trouble trouble{exit_refused, code, head + words, {}};
  if (json) trouble.more = json_line(actions_json(plan, before));
  return tl::unexpected(std::move(trouble));
}

// On a terminal, whoever did not say --prune is asked: what is not in the file may just be misspelt there.
bool agrees_to_removals(Session& session, const Plan& plan) {
  if (!plan.has("extra") || session.out.json()) return false;
  const auto count = std::count_if(plan.actions.begin(), plan.actions.end(),
                                   [](const Action& action) { return action.action == "extra"; });
  return session.out.confirm(
      fmt::format("Stop and remove the {} that {} not in the file? Type yes to do so: ", count,
                  count == 1 ? "is" : "are"));
}

}  // namespace

Outcome<void> apply(Session& session) {
  const auto& arguments = session.arguments;
  const auto file = load(arguments.target);
  if (!file) return tl::unexpected(file.error());
  const auto fleet = fleet_term(*file);
  auto& out = session.out;
  auto plan = ask_fleet(session, fleet, {.dry_run = true, .prune = arguments.prune});
  if (!plan) return tl::unexpected(plan.error());
  if (!out.json()) {
    if (plan->changes_nothing()) out.line("nothing to do: what the file lists is as it says");
    print(out, *plan, false);
    print_unchanged(out, *plan);
  }
  if (auto refused = failures(*plan, out.json(), true); !refused) return refused;
  if (arguments.dry_run) {
    if (out.json()) out.line(json_line(actions_json(*plan, true)));
    return {};
  }
  (void)out.flush();
  const bool prune = arguments.prune || agrees_to_removals(session, *plan);
  // Also when there is nothing to do: each node reads its own file again, and may allow other commands now.
  const auto done = ask_fleet(session, fleet, {.dry_run = false, .prune = prune});
  if (!done) return tl::unexpected(done.error());
  if (!out.json()) print(out, *done, true);
  if (auto failed = failures(*done, out.json(), false); !failed) return failed;
  if (out.json()) out.line(json_line(actions_json(*done, false)));
  return {};
}

}  // namespace brood::app
