// brood show.
#include <fmt/format.h>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/describe.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

// How a program last ended is known to the nodes that have its log. One that does not say so hides nothing
// else.
void ask_last_end(Session& session, const Term& supervisor, ChildRow& row) {
  if (row.worker != "exec" || !row.last_end.empty()) return;
  const auto end = ask(session.api, request_of("last_end", {supervisor, *parse_id(row.id)}),
                       session.timeout(question_timeout));
  if (end && end->as_map() != nullptr) row.last_end = end_words(*end);
}

}  // namespace

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
