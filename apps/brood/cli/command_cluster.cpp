// brood nodes, where, drain, workers.
#include <fmt/format.h>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

constexpr std::chrono::milliseconds drain_timeout{120000};

Json where_json(const std::string& key, const Term& node, const Term& pid) {
  Json out{{"key", key}, {"node", nullptr}, {"pid", nullptr}, {"runs_on", nullptr}};
  if (node.as_atom() != nullptr && !node.is_atom("undefined")) out["node"] = node.as_atom()->name;
  if (const auto* running = pid.as_pid()) {
    out["pid"] = to_string(*running);
    out["runs_on"] = running->node.value;
  }
  return out;
}

std::string where_text(const Json& where) {
  const auto key = harmless(where["key"].get<std::string>());
  if (where["node"].is_null()) return fmt::format("{}: no node could run it", key);
  auto out = fmt::format("{} belongs on {}", key, where["node"].get<std::string>());
  if (where["pid"].is_null()) return out + "; it does not run";
  return out + fmt::format("; it runs on {} as {}", where["runs_on"].get<std::string>(),
                           where["pid"].get<std::string>());
}

}  // namespace

Outcome<void> nodes(Session& session) {
  const auto answer = ask(session.api, Term::atom("node_info"), session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  const auto rows = node_rows(*answer);
  auto& out = session.out;
  if (out.json()) {
    out.line(json_line(nodes_json(rows)));
  } else {
    out.write(render(nodes_table(rows), out.width(), out.color()));
  }
  return {};
}

Outcome<void> where(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto& key = session.arguments.id;
  const auto id = *parse_id(key);
  const auto node =
      ask(session.api, request_of("node_for", {*supervisor, id}), session.timeout(question_timeout));
  if (!node) return tl::unexpected(node.error());
  const auto pid =
      ask(session.api, request_of("whereis", {*supervisor, id}), session.timeout(question_timeout));
  if (!pid) return tl::unexpected(pid.error());
  const auto json = where_json(key, *node, *pid);
  session.out.line(session.out.json() ? json_line(json) : where_text(json));
  return {};
}

Outcome<void> drain(Session& session) {
  auto request = Term::tuple({Term::atom("drain"), Term::atom("all")});
  if (!session.arguments.common.supervisor.empty()) {
    request = Term::tuple({Term::atom("drain"), Term::atom(session.arguments.common.supervisor)});
  }
  const auto answer = ask(session.api, request, session.timeout(drain_timeout));
  if (!answer) return tl::unexpected(answer.error());
  session.out.line(session.out.json()
                       ? json_line(Json{{"drained", session.api.node()}})
                       : fmt::format("drained {}: its children run on other nodes now", session.api.node()));
  return {};
}

Outcome<void> workers(Session& session) {
  const auto answer =
      ask(session.api, Term::tuple({Term::atom("worker_names")}), session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  auto names = Json::array();
  if (const auto* list = answer->as_list()) {
    for (const auto& name : *list) names.push_back(name.text().value_or(to_string(name)));
  }
  if (session.out.json()) {
    session.out.line(json_line(names));
    return {};
  }
  for (const auto& name : names) session.out.line(harmless(name.get<std::string>()));
  return {};
}

}  // namespace brood::app
