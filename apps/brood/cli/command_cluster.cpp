// brood nodes, where, drain, workers.
#include <fmt/format.h>

#include <algorithm>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

constexpr std::chrono::milliseconds drain_timeout{120000};
constexpr std::chrono::milliseconds undrain_timeout{10000};

struct Where {
  std::string node;  ///< Where it belongs; empty: nowhere.
  std::string pid;   ///< Empty: it does not run.
  std::string runs_on;
  std::string why_not;  ///< Why it runs nowhere, in words.
};

// A child that there is belongs where its row says: `nodes` and --on count there, and not for a mere key.
Where where_of(const ChildRow& row) {
  Where out{row.node_for, "", "", row.failed ? "failed: " + row.failure : row.waiting};
  if (!row.wanted) out.why_not = "it was stopped, or has ended for good";
  for (const auto& instance : row.instances) {
    if (instance.pid.empty() || !out.pid.empty()) continue;
    out.pid = instance.pid;
    out.runs_on = instance.node;
  }
  return out;
}

Json where_json(const std::string& key, const Where& where) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  Json out{{"key", key},
           {"node", or_null(where.node)},
           {"pid", or_null(where.pid)},
           {"runs_on", or_null(where.runs_on)}};
  if (where.pid.empty() && !where.why_not.empty()) out["why"] = where.why_not;
  return out;
}

std::string where_text(const std::string& key, const Where& where) {
  const auto id = harmless(key);
  const auto why = where.why_not.empty() ? "" : fmt::format(" ({})", harmless(where.why_not));
  if (where.node.empty() && where.pid.empty()) return fmt::format("{}: no node could run it{}", id, why);
  const auto belongs =
      where.node.empty() ? id + " belongs nowhere" : fmt::format("{} belongs on {}", id, where.node);
  if (where.pid.empty()) return fmt::format("{}; it does not run{}", belongs, why);
  return fmt::format("{}; it runs on {} as {}", belongs, where.runs_on, where.pid);
}

std::int64_t children_on(const std::vector<NodeRow>& rows, const std::string& node,
                         const std::string& supervisor) {
  std::int64_t count = 0;
  for (const auto& row : rows)
    for (const auto& [name, children] : row.children)
      if (row.name == node && (supervisor.empty() || supervisor == name)) count += children;
  return count;
}

}  // namespace

Outcome<Term> ask_at_length(Session& session, const Term& request, std::chrono::milliseconds timeout,
                            const std::function<std::string(const std::vector<NodeRow>&)>& words) {
  if (!session.out.shows_progress()) return ask(session.api, request, timeout);
  auto answer = session.api.request_while(request, timeout, [&] {
    const auto info = ask(session.api, Term::atom("node_info"), question_timeout);
    if (info) session.out.progress(words(node_rows(*info)));
  });
  session.out.progress("");
  if (!answer) return answer;
  return checked(std::move(*answer));
}

Outcome<void> nodes(Session& session) {
  const auto answer = ask(session.api, Term::atom("node_info"), session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  const auto rows = node_rows(*answer);
  auto& out = session.out;
  if (session.arguments.quiet && !out.json()) {
    for (const auto& row : rows)
      if (row.up) out.line(row.name);
    return {};
  }
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
  const auto what = Term::tuple({Term::atom("id"), id});
  const auto described =
      ask(session.api, request_of("describe", {*supervisor, what}), session.timeout(question_timeout));
  if (!described) return tl::unexpected(described.error());
  Where found;
  if (const auto rows = child_rows(*described); !rows.empty()) {
    found = where_of(rows.front());
  } else {
    const auto node =
        ask(session.api, request_of("node_for", {*supervisor, id}), session.timeout(question_timeout));
    if (!node) return tl::unexpected(node.error());
    if (node->as_atom() != nullptr && !node->is_atom("undefined")) found.node = node->as_atom()->name;
  }
  session.out.line(session.out.json() ? json_line(where_json(key, found)) : where_text(key, found));
  return {};
}

Outcome<void> drain(Session& session) {
  const auto& supervisor = session.arguments.common.supervisor;
  std::vector<Term> items{Term::atom(supervisor.empty() ? "all" : supervisor)};
  session.add_timeout(items);
  const auto left = [&](const std::vector<NodeRow>& rows) {
    const auto count = children_on(rows, session.api.node(), supervisor);
    return fmt::format("{}: {} {} left", session.api.node(), count, count == 1 ? "child is" : "children are");
  };
  const auto answer =
      ask_at_length(session, request_of("drain", std::move(items)), session.timeout(drain_timeout), left);
  if (!answer) return tl::unexpected(answer.error());
  session.out.line(session.out.json()
                       ? json_line(Json{{"drained", session.api.node()}})
                       : fmt::format("drained {}: its children run on other nodes now", session.api.node()));
  return {};
}

Outcome<void> undrain(Session& session) {
  const auto& supervisor = session.arguments.common.supervisor;
  std::vector<Term> items{Term::atom(supervisor.empty() ? "all" : supervisor)};
  session.add_timeout(items);
  const auto answer =
      ask(session.api, request_of("undrain", std::move(items)), session.timeout(undrain_timeout));
  if (!answer) return tl::unexpected(answer.error());
  session.out.line(session.out.json() ? json_line(Json{{"undrained", session.api.node()}})
                                      : session.api.node() + " gets children again");
  return {};
}

Outcome<void> check_is_there(Session& session, std::string_view option, const std::string& node) {
  const auto answer = ask(session.api, Term::atom("node_info"), session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  const auto rows = node_rows(*answer);
  const bool is_there =
      std::any_of(rows.begin(), rows.end(), [&](const NodeRow& row) { return row.name == node; });
  if (is_there) return {};
  return refused(
      "no_such_node",
      fmt::format("{} {}: no such node in the cluster; `brood nodes` shows those there are", option, node));
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
