// brood ps, show.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

// Of 100,000 children the answer is some tens of megabytes.
constexpr std::chrono::milliseconds table_timeout{30000};

Outcome<std::vector<ChildRow>> describe(Session& session, const Term& supervisor, Term what) {
  const auto answer =
      ask(session.api, request_of("describe", {supervisor, std::move(what)}), session.timeout(table_timeout));
  if (!answer) return tl::unexpected(answer.error());
  auto rows = child_rows(*answer);
  for (auto& row : rows) row.supervisor = supervisor.as_atom()->name;
  return rows;
}

Term selection(const Arguments& arguments) {
  if (arguments.local) return Term::atom("local");
  if (!arguments.tag.empty()) return Term::tuple({Term::atom("tag"), Term::binary(arguments.tag)});
  return Term::atom("all");
}

void keep_tag(std::vector<ChildRow>& rows, const std::string& tag) {
  rows.erase(std::remove_if(rows.begin(), rows.end(),
                            [&](const ChildRow& row) {
                              return std::find(row.tags.begin(), row.tags.end(), tag) == row.tags.end();
                            }),
             rows.end());
}

std::string total_line(const std::vector<ChildRow>& rows) {
  std::size_t running = 0;
  std::size_t failed = 0;
  for (const auto& row : rows) {
    failed += row.failed ? 1 : 0;
    running += std::any_of(row.instances.begin(), row.instances.end(),
                           [](const InstanceRow& instance) { return instance.phase == "running"; });
  }
  return fmt::format("{} children, {} running{}", rows.size(), running,
                     failed == 0 ? "" : fmt::format(", {} failed", failed));
}

// Why a child waits is told of one child only, as that asks more of the node; of the first few it is asked.
constexpr int whys_asked = 20;

void ask_why_waiting(Session& session, std::vector<ChildRow>& rows) {
  int left = whys_asked;
  for (auto& row : rows) {
    const bool waits = row.wanted && !row.failed && row.instances.empty() && row.waiting.empty();
    if (!waits || left-- <= 0) continue;
    const auto id = Term::tuple({Term::atom("id"), *parse_id(row.id)});
    const auto one = describe(session, Term::atom(row.supervisor), id);
    if (one && !one->empty()) row.waiting = one->front().waiting;
  }
}

// How a program last ended is known to the nodes that have its log. One that does not say so hides nothing
// else.
void ask_last_end(Session& session, const Term& supervisor, ChildRow& row) {
  if (row.worker != "exec" || !row.last_end.empty()) return;
  const auto end = ask(session.api, request_of("last_end", {supervisor, *parse_id(row.id)}),
                       session.timeout(question_timeout));
  if (end && end->as_map() != nullptr) row.last_end = end_words(*end);
}

}  // namespace

Outcome<void> ps(Session& session) {
  const auto supervisors = session.supervisors();
  if (!supervisors) return tl::unexpected(supervisors.error());
  std::vector<ChildRow> rows;
  for (const auto& supervisor : *supervisors) {
    auto some = describe(session, supervisor, selection(session.arguments));
    if (!some) return tl::unexpected(some.error());
    std::move(some->begin(), some->end(), std::back_inserter(rows));
  }
  if (session.arguments.local && !session.arguments.tag.empty()) keep_tag(rows, session.arguments.tag);
  auto& out = session.out;
  if (session.arguments.quiet && !out.json()) {
    for (const auto& row : rows) out.line(row.id);
    return {};
  }
  ask_why_waiting(session, rows);
  if (out.json()) {
    out.line(json_line(children_json(rows)));
    return {};
  }
  out.write(render(children_table(rows, supervisors->size() > 1), out.width(), out.color()));
  const bool none_runs = std::none_of(rows.begin(), rows.end(), [](const ChildRow& row) {
    return std::any_of(row.instances.begin(), row.instances.end(),
                       [](const auto& one) { return !one.pid.empty(); });
  });
  if (none_runs && !rows.empty())
    for (const auto& supervisor : *supervisors) remark_partition(session, supervisor);
  if (out.width()) out.line(styled(total_line(rows), Style::faint, out.color()));
  return {};
}

Outcome<void> show(Session& session) {
  const auto& id = session.arguments.id;
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  auto rows = describe(session, *supervisor, Term::tuple({Term::atom("id"), *parse_id(id)}));
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty())
    return refused("no_such_child", fmt::format("{}: no such child; `brood ps` shows those there are", id));
  ask_last_end(session, *supervisor, rows->front());
  auto& out = session.out;
  if (out.json()) {
    out.line(json_line(child_json(rows->front())));
  } else {
    out.write(child_text(rows->front(), out.color()));
  }
  return {};
}

}  // namespace brood::app
