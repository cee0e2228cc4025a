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

}  // namespace

Outcome<void> wait(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const bool to_end = session.arguments.wait_for == "stopped";
  const auto until = std::chrono::steady_clock::now() + session.timeout(wait_patience);
  Json done = Json::array();
  for (const auto& id : session.arguments.ids) {
    for (;;) {
      const auto row = look_at(session, *supervisor, id);
      if (!row) return tl::unexpected(row.error());
      const Look look = to_end ? stopped(*row) : running(*row);
      if (look.there) {
        const auto end = to_end ? end_of(session, *supervisor, id) : "";
        const auto words = !to_end       ? fmt::format("runs on {}", look.node)
                           : end.empty() ? std::string("does not run")
                                         : "has ended: " + end;
        if (!session.out.json()) session.out.line(fmt::format("{} {}", harmless(id), harmless(words)));
        done.push_back(Json{{"id", id},
                            {"state", session.arguments.wait_for},
                            {"node", look.node.empty() ? Json(nullptr) : Json(look.node)},
                            {"last_end", end.empty() ? Json(nullptr) : Json(end)}});
        break;
      }
      if (std::chrono::steady_clock::now() >= until)
        return refused("timeout", fmt::format("{} is not {}: {}", harmless(id), session.arguments.wait_for,
                                              harmless(look.state)));
      if (!session.out.wait(look_every_ms)) return {};
    }
  }
  if (session.out.json()) session.out.line(json_line(done));
  return {};
}

}  // namespace brood::app
