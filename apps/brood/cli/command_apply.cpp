// brood apply FILE: brings the cluster to what a fleet file says; says first what it will do.
#include <fmt/format.h>

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
  std::optional<Trouble> trouble;
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

std::vector<Action> actions_of(const Term& answer) {
  std::vector<Action> out;
  const auto* list = answer.as_list();
  if (list == nullptr) return out;
  for (const auto& item : *list) {
    Action action{text_at(item, "supervisor"), "", text_at(item, "action"), std::nullopt};
    if (const auto* id = item.get("id")) action.id = id_text(*id);
    if (const auto* result = item.get("result"); result != nullptr && result->is_record("error", 2)) {
      action.trouble = trouble_of((*result->as_tuple())[1]);
    }
    out.push_back(std::move(action));
  }
  return out;
}

Outcome<std::vector<Action>> run(Session& session, const Term& fleet, bool dry_run) {
  const auto options = Term::map({{Term::atom("dry_run"), Term(dry_run)}});
  const auto answer = ask(session.api, request_of("fleet", {fleet, options}), session.timeout(apply_timeout));
  if (!answer) return tl::unexpected(answer.error());
  return actions_of(*answer);
}

// "will start 3 in web: a, b, c", a line for each supervisor and kind of action.
void print(Output& out, const std::vector<Action>& actions, const std::array<std::string_view, 3>& verbs) {
  static constexpr std::array<std::string_view, 3> kinds{"start", "replace", "remove"};
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    std::map<std::string, std::vector<std::string>> ids;
    for (const auto& action : actions) {
      if (action.action == kinds[kind] && !action.trouble)
        ids[action.supervisor].push_back(harmless(action.id));
    }
    for (const auto& [supervisor, list] : ids) {
      out.line(fmt::format("{} {} in {}: {}", verbs[kind], list.size(), supervisor, fmt::join(list, ", ")));
    }
  }
}

Json actions_json(const std::vector<Action>& actions, bool dry_run) {
  auto list = Json::array();
  for (const auto& action : actions) {
    Json item{{"supervisor", action.supervisor}, {"id", action.id}, {"action", action.action}};
    if (!dry_run) item["result"] = action.trouble ? Json{{"error", error_json(*action.trouble)}} : Json("ok");
    list.push_back(std::move(item));
  }
  return Json{{"dry_run", dry_run}, {"actions", std::move(list)}};
}

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

Outcome<void> failures(const std::vector<Action>& actions, bool json) {
  std::string words;
  std::string code;
  std::size_t count = 0;
  for (const auto& action : actions) {
    if (!action.trouble) continue;
    if (++count == 1) code = action.trouble->code;
    words += fmt::format("\nbrood: could not {} {}: {}", action.action, action.id, action.trouble->message);
  }
  if (count == 0) return {};
  Trouble trouble{
      exit_refused, code, fmt::format("{} of {} were not done", count, actions.size()) + words, {}};
  if (json) trouble.more = json_line(actions_json(actions, false));
  return tl::unexpected(std::move(trouble));
}

}  // namespace

Outcome<void> apply(Session& session) {
  const auto file = load(session.arguments.target);
  if (!file) return tl::unexpected(file.error());
  const auto fleet = fleet_term(*file);
  auto& out = session.out;
  const auto plan = run(session, fleet, true);
  if (!plan) return tl::unexpected(plan.error());
  if (!out.json()) {
    if (plan->empty()) out.line("nothing to do: the cluster is as the file says");
    print(out, *plan, {"will start", "will replace", "will remove"});
  }
  if (session.arguments.dry_run) {
    if (out.json()) out.line(json_line(actions_json(*plan, true)));
    return {};
  }
  (void)out.flush();
  // Also when there is nothing to do: each node reads its own file again, and may allow other commands now.
  const auto done = run(session, fleet, false);
  if (!done) return tl::unexpected(done.error());
  if (!out.json()) print(out, *done, {"started", "replaced", "removed"});
  if (auto failed = failures(*done, out.json()); !failed) return failed;
  if (out.json()) out.line(json_line(actions_json(*done, false)));
  return {};
}

}  // namespace brood::app
