// brood why, events [-f].
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

constexpr std::int64_t events_shown = 1000;
constexpr int follow_pause_ms = 250;

std::string text(const Term& map, const char* key) {
  const Term* value = map.get(key);
  if (value == nullptr || value->is_atom("undefined")) return "";
  return value->text().value_or("");
}

std::int64_t number(const Term& map, const char* key) {
  const Term* value = map.get(key);
  return value == nullptr || value->as_integer() == nullptr ? 0 : *value->as_integer();
}

const std::vector<Term>& list(const Term& map, const char* key) {
  static const std::vector<Term> none;
  const Term* value = map.get(key);
  return value == nullptr || value->as_list() == nullptr ? none : *value->as_list();
}

/// In UTC, as the marks within a log are.
std::string time_text(std::int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:03}", fmt::gmtime(seconds), ms % 1000);
}

Json event_json(const Term& event) {
  const Term* id = event.get("id");
  const bool is_of_child = id != nullptr && !id->is_atom("undefined");
  const auto or_null = [](std::string value) {
    return value.empty() ? Json(nullptr) : Json(std::move(value));
  };
  return Json{{"number", number(event, "number")},
              {"time", time_text(number(event, "time_ms")) + "Z"},
              {"id", is_of_child ? Json(id_text(*id)) : Json(nullptr)},
              {"event", text(event, "event")},
              {"cause", or_null(text(event, "cause"))},
              {"node", or_null(text(event, "node"))},
              {"other", or_null(text(event, "other"))},
              {"epoch", number(event, "epoch")},
              {"reason", text(event, "reason")},
              {"text", text(event, "text")}};
}

std::string event_line(const Session& session, const Term& event) {
  return fmt::format("{}  {}", styled(time_text(number(event, "time_ms")), Style::faint, session.out.color()),
                     harmless(text(event, "text")));
}

Outcome<Term> ask_events(Session& session, const Term& supervisor, std::int64_t after, std::int64_t limit) {
  std::vector<std::pair<Term, Term>> options{{Term::atom("after"), Term(after)},
                                             {Term::atom("limit"), Term(limit)}};
  if (!session.arguments.prefix.empty())
    options.emplace_back(Term::atom("prefix"), Term::binary(session.arguments.prefix));
  return ask(session.api, request_of("events", {supervisor, Term::map(std::move(options))}),
             session.timeout(question_timeout));
}

Outcome<void> follow(Session& session, const Term& supervisor, std::int64_t next) {
  while (session.out.flush() && session.out.wait(follow_pause_ms)) {
    const auto page = ask_events(session, supervisor, next, events_shown);
    if (!page) return tl::unexpected(page.error());
    if (number(*page, "next") < next) {
      session.out.remark("--- the node has begun anew ---");
      next = 0;
      continue;
    }
    if (number(*page, "lost") > 0)
      session.out.remark(fmt::format("--- up to {} events lost ---", number(*page, "lost")));
    for (const Term& event : list(*page, "events")) session.out.line(event_line(session, event));
    next = number(*page, "next");
  }
  return {};
}

}  // namespace

Outcome<void> why(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto answer = ask(session.api, request_of("why", {*supervisor, *parse_id(session.arguments.id)}),
                          session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  auto& out = session.out;
  if (out.json()) {
    Json here = Json::array();
    for (const Term& one : list(*answer, "here"))
      here.push_back({{"node", text(one, "node")},
                      {"phase", text(one, "phase")},
                      {"cause", text(one, "cause")},
                      {"last_cause", text(one, "last_cause")},
                      {"text", text(one, "text")}});
    Json events = Json::array();
    for (const Term& event : list(*answer, "events")) events.push_back(event_json(event));
    out.line(json_line(Json{{"id", session.arguments.id},
                            {"state", text(*answer, "state")},
                            {"here", std::move(here)},
                            {"events", std::move(events)}}));
    return {};
  }
  out.line(fmt::format("{}: {}", styled(harmless(session.arguments.id), Style::bold, out.color()),
                       harmless(text(*answer, "state"))));
  for (const Term& one : list(*answer, "here")) out.line("  " + harmless(text(one, "text")));
  const auto& events = list(*answer, "events");
  if (!events.empty()) out.line("");
  for (const Term& event : events) out.line(event_line(session, event));
  if (events.empty()) out.remark(fmt::format("{} remembers nothing that happened to it", session.api.node()));
  return {};
}

Outcome<void> events(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto limit = static_cast<std::int64_t>(session.arguments.lines.value_or(events_shown));
  const auto page = ask_events(session, *supervisor, 0, limit);
  if (!page) return tl::unexpected(page.error());
  if (session.out.json()) {
    Json all = Json::array();
    for (const Term& event : list(*page, "events")) all.push_back(event_json(event));
    session.out.line(json_line(Json{{"events", std::move(all)}, {"next", number(*page, "next")}}));
    return {};
  }
  for (const Term& event : list(*page, "events")) session.out.line(event_line(session, event));
  if (session.arguments.follow) return follow(session, *supervisor, number(*page, "next"));
  return {};
}

}  // namespace brood::app
