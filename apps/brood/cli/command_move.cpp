// brood move, rebalance, scoreboard, forget.
#include <fmt/format.h>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

constexpr std::chrono::milliseconds move_patience{30000};
constexpr std::chrono::milliseconds forget_patience{10000};

double real(const Term& map, const char* key) {
  const Term* value = map.get(key);
  if (value == nullptr) return 0;
  if (const auto* number = value->as_float()) return *number;
  return value->as_integer() != nullptr ? static_cast<double>(*value->as_integer()) : 0;
}

std::string node_of(const Term& map, const char* key) {
  const Term* value = map.get(key);
  return value == nullptr || value->is_atom("undefined") ? "" : value->text().value_or("");
}

Json score_json(const Term& line) {
  return Json{{"node", node_of(line, "node")},
              {"weight", static_cast<std::int64_t>(real(line, "weight"))},
              {"told", static_cast<std::int64_t>(real(line, "told"))},
              {"score", real(line, "score")},
              {"share", real(line, "share")},
              {"children", static_cast<std::int64_t>(real(line, "children"))},
              {"scheduler", real(line, "scheduler")},
              {"run_queue", static_cast<std::int64_t>(real(line, "run_queue"))},
              {"processes", static_cast<std::int64_t>(real(line, "processes"))},
              {"memory", static_cast<std::int64_t>(real(line, "memory"))}};
}

std::vector<Cell> score_cells(const Term& line) {
  const bool told = real(line, "told") > 0;
  return {harmless(node_of(line, "node")), fmt::format("{:.0f}", real(line, "weight")),
          told ? fmt::format("{:.2f}", real(line, "score")) : "-",
          fmt::format("{:.1f}%", real(line, "share") * 100), fmt::format("{:.0f}", real(line, "children"))};
}

}  // namespace

Outcome<void> move(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto& arguments = session.arguments;
  std::vector<Term> items{*supervisor, *parse_id(arguments.id),
                          Term::atom(arguments.by_itself ? "auto" : arguments.target)};
  session.add_timeout(items);
  const auto answer = ask(session.api, request_of("move", std::move(items)), session.timeout(move_patience));
  if (!answer) return tl::unexpected(answer.error());
  if (session.out.json()) {
    Json out{{"moved", arguments.id}, {"to", arguments.by_itself ? Json(nullptr) : Json(arguments.target)}};
    session.out.line(json_line(out));
  } else if (arguments.by_itself) {
    session.out.line(fmt::format("{} goes where the distribution says again", harmless(arguments.id)));
  } else {
    session.out.line(fmt::format("{} runs on {} now, and stays there until that node is gone",
                                 harmless(arguments.id), harmless(arguments.target)));
  }
  return {};
}

Outcome<void> rebalance(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  std::vector<Term> items{*supervisor};
  session.add_timeout(items);
  const auto answer =
      ask(session.api, request_of("rebalance", std::move(items)), session.timeout(move_patience));
  if (!answer) return tl::unexpected(answer.error());
  session.out.line(session.out.json()
                       ? json_line(Json{{"rebalanced", supervisor->as_atom()->name}})
                       : fmt::format("{}: every node has its share; children that go to others move now",
                                     harmless(supervisor->as_atom()->name)));
  return {};
}

Outcome<void> scoreboard(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto answer =
      ask(session.api, request_of("scoreboard", {*supervisor}), session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  const auto leader = node_of(*answer, "leader");
  const Term* nodes = answer->get("nodes");
  const auto* lines = nodes == nullptr ? nullptr : nodes->as_list();
  if (session.out.json()) {
    Json out{{"leader", leader.empty() ? Json(nullptr) : Json(leader)}, {"nodes", Json::array()}};
    if (lines != nullptr)
      for (const Term& line : *lines) out["nodes"].push_back(score_json(line));
    session.out.line(json_line(out));
    return {};
  }
  Table table;
  table.columns = {{"NODE"}, {"WEIGHT", true}, {"SCORE", true}, {"SHARE", true}, {"CHILDREN", true}};
  if (lines != nullptr)
    for (const Term& line : *lines) table.rows.push_back(score_cells(line));
  session.out.write(render(table, session.out.width(), session.out.color()));
  if (leader.empty())
    session.out.remark("the distribution of this supervisor does not balance by load");
  else if (leader != session.api.node())
    session.out.remark(
        fmt::format("the nodes tell their scores to {}: ask it for all of them", harmless(leader)));
  return {};
}

Outcome<void> forget(Session& session) {
  const auto supervisors = session.supervisors();
  if (!supervisors) return tl::unexpected(supervisors.error());
  for (const Term& supervisor : *supervisors) {
    std::vector<Term> items{supervisor, Term::atom(session.arguments.target)};
    session.add_timeout(items);
    const auto answer =
        ask(session.api, request_of("forget_node", std::move(items)), session.timeout(forget_patience));
    if (!answer) return tl::unexpected(answer.error());
  }
  session.out.line(session.out.json() ? json_line(Json{{"forgotten", session.arguments.target}})
                                      : fmt::format("{} is forgotten: nothing waits for it any more",
                                                    harmless(session.arguments.target)));
  return {};
}

}  // namespace brood::app
