// brood wait.
#include <fmt/format.h>

#include <algorithm>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

constexpr std::chrono::milliseconds wait_patience{60000};
constexpr int look_every_ms = 100;

struct Look {
  bool there = false;
  std::string state;  ///< In words, while it is not as wished.
  std::string node;   ///< Where it runs.
};

Look running(const std::optional<ChildRow>& row) {
  if (!row) return {false, "there is no such child", ""};
  if (!row->wanted) return {false, "it was stopped, or has ended for good", ""};
  if (row->failed) return {false, "it is failed: " + row->failure, ""};
  if (row->instances.empty())
    return {false, row->waiting.empty() ? "it runs nowhere yet" : "it waits: " + row->waiting, ""};
  for (const auto& instance : row->instances) {
    if (instance.phase == "running") continue;
    return {false,
            fmt::format("on {} it is {}{}", instance.node, instance.phase,
                        instance.reason.empty() ? "" : ": " + instance.reason),
            ""};
  }
  return {true, "", row->instances.front().node};
}

Look healthy(const std::optional<ChildRow>& row) {
  Look look = running(row);
  if (!look.there) return look;
  for (const auto& instance : row->instances) {
    if (instance.health == "healthy") continue;
    if (instance.health.empty()) return {false, "it has no health check", ""};
    return {false,
            fmt::format("on {} it is {}{}", instance.node, instance.health,
                        instance.reason.empty() ? "" : ": " + instance.reason),
            ""};
  }
  return look;
}

Look stopped(const std::optional<ChildRow>& row) {
  if (!row || (row->instances.empty() && !row->wanted)) return {true, "", ""};
  if (row->instances.empty() && row->failed) return {true, "", ""};
  if (row->instances.empty()) return {false, "it is to run, and waits", ""};
  return {false, fmt::format("it is {} on {}", row->instances.front().phase, row->instances.front().node),
          ""};
}

Outcome<std::optional<ChildRow>> look_at(Session& session, const Term& supervisor, const std::string& id) {
  const auto answer =
      ask(session.api, request_of("describe", {supervisor, Term::tuple({Term::atom("id"), *parse_id(id)})}),
          question_timeout);
  if (!answer) return tl::unexpected(answer.error());
  auto rows = child_rows(*answer);
  if (rows.empty()) return std::optional<ChildRow>{};
  return std::optional<ChildRow>{std::move(rows.front())};
}

// How a program ended; empty where nobody knows.
std::string end_of(Session& session, const Term& supervisor, const std::string& id) {
  const auto end = ask(session.api, request_of("last_end", {supervisor, *parse_id(id)}), question_timeout);
  return end && end->as_map() != nullptr ? end_words(*end) : "";
}

// Of a program with a start period: it is to run that long without being started anew.
Outcome<void> outlasts_its_start(Session& session, const Term& supervisor, const std::string& id,
                                 const ChildRow& row) {
  std::int64_t period_ms = 0;
  for (const auto& [key, value] : row.options)
    if (key == "start_period_ms" && value.as_integer()) period_ms = *value.as_integer();
  if (period_ms == 0 || row.instances.empty()) return {};
  const auto process = row.instances.front().os_pid;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(period_ms);
  while (std::chrono::steady_clock::now() < until) {
    if (!session.out.wait(look_every_ms)) return {};
    const auto now = look_at(session, supervisor, id);
    if (!now) return tl::unexpected(now.error());
    const Look look = running(*now);
    if (look.there && (*now)->instances.front().os_pid == process) continue;
    return refused("start_failed", fmt::format("{} did not run for its start period of {} ms{}", harmless(id),
                                               period_ms, look.there ? "" : ": " + harmless(look.state)));
  }
  return {};
}

}  // namespace

Outcome<void> wait_until_well(Session& session, const Term& supervisor, const std::string& id) {
  const auto until = std::chrono::steady_clock::now() + session.timeout(wait_patience);
  for (;;) {
    const auto row = look_at(session, supervisor, id);
    if (!row) return tl::unexpected(row.error());
    const bool checked = *row && has_health_check(**row);
    const Look look = checked ? healthy(*row) : running(*row);
    if (look.there) return outlasts_its_start(session, supervisor, id, **row);
    const bool ill = *row && !(*row)->instances.empty() && (*row)->instances.front().health == "unhealthy";
    if (ill || !*row || std::chrono::steady_clock::now() >= until)
      return refused(ill ? "unhealthy" : "timeout",
                     fmt::format("{} is not {} after its restart: {}", harmless(id),
                                 checked ? "healthy" : "running", harmless(look.state)));
    if (!session.out.wait(look_every_ms)) return {};
  }
}

Outcome<void> wait(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const bool to_end = session.arguments.wait_for == "stopped";
  const bool to_health = session.arguments.wait_for == "healthy";
  const auto until = std::chrono::steady_clock::now() + session.timeout(wait_patience);
  Json done = Json::array();
  for (const auto& id : session.arguments.ids) {
    for (;;) {
      const auto row = look_at(session, *supervisor, id);
      if (!row) return tl::unexpected(row.error());
      const Look look = to_end ? stopped(*row) : to_health ? healthy(*row) : running(*row);
      if (look.there) {
        const auto end = to_end ? end_of(session, *supervisor, id) : "";
        const auto words = to_health     ? fmt::format("is healthy on {}", look.node)
                           : !to_end     ? fmt::format("runs on {}", look.node)
                           : end.empty() ? std::string("does not run")
                                         : "has ended: " + end;
        if (!session.out.json()) session.out.line(fmt::format("{} {}", harmless(id), harmless(words)));
        done.push_back(Json{{"id", id},
                            {"state", session.arguments.wait_for},
                            {"node", look.node.empty() ? Json(nullptr) : Json(look.node)},
                            {"last_end", end.empty() ? Json(nullptr) : Json(end)}});
        break;
      }
      const bool in_vain = to_health && *row && !has_health_check(**row);
      if (in_vain || std::chrono::steady_clock::now() >= until)
        return refused(
            in_vain ? "invalid_argument" : "timeout",
            fmt::format("{} is not {}: {}", harmless(id), session.arguments.wait_for, harmless(look.state)));
      if (!session.out.wait(look_every_ms)) return {};
    }
  }
  if (session.out.json()) session.out.line(json_line(done));
  return {};
}

}  // namespace brood::app
