// brood show.
#include <fmt/format.h>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/describe.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

// How a program last ended is known to the nodes that have its log. One that does not say so hides nothing
// else.
std::optional<Term> last_end(Session& session, const Term& supervisor, const std::string& id) {
  const auto end = ask(session.api, request_of("last_end", {supervisor, *parse_id(id)}),
                       session.timeout(question_timeout));
  return end && end->as_map() != nullptr ? std::optional(*end) : std::nullopt;
}

// A program that no table has any more (it was stopped, or has ended for good), and of which a node still has
// the log and how it ended.
void show_ended(Session& session, const std::string& id, const Term& end) {
  const Term* node = end.get("node");
  const std::string where = node == nullptr ? "" : node->text().value_or("");
  if (session.out.json())
    return session.out.line(
        json_line(Json{{"id", id}, {"wanted", false}, {"node", where}, {"last_end", end_words(end)}}));
  const auto field = [&](std::string_view name, const std::string& value) {
    session.out.line(fmt::format("{:<11}{}", name, harmless(value)));
  };
  field("id", id);
  field("wanted", "no: " + end_words(end));
  field("ran on", where);
}

}  // namespace

Outcome<void> show(Session& session) {
  const auto& id = session.arguments.id;
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  auto rows = describe(session, *supervisor, Term::tuple({Term::atom("id"), *parse_id(id)}));
  if (!rows) return tl::unexpected(rows.error());
  if (rows->empty()) {
    const auto end = last_end(session, *supervisor, id);
    if (end) return show_ended(session, id, *end), Outcome<void>{};
    return refused("no_such_child", fmt::format("{}: no such child; `brood ps` shows those there are", id));
  }
  if (ChildRow& row = rows->front(); row.worker == "exec" && row.last_end.empty())
    if (const auto end = last_end(session, *supervisor, id)) row.last_end = end_words(*end);
  auto& out = session.out;
  if (out.json()) {
    out.line(json_line(child_json(rows->front())));
  } else {
    out.write(child_text(rows->front(), out.color()));
  }
  return {};
}

}  // namespace brood::app
