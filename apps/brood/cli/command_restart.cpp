// brood restart, signal.
#include <fmt/format.h>

#include <set>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"
#include "exec/exit_status.hpp"

namespace brood::app {
namespace {

// Without --timeout the node has its own bounds, the child's own time to end among them.
constexpr std::chrono::milliseconds restart_patience{86'400'000};

}  // namespace

Outcome<std::vector<std::string>> ids_asked(Session& session, const Term& supervisor) {
  const auto& arguments = session.arguments;
  if (arguments.tag.empty()) {
    std::vector<std::string> out;
    std::set<std::string> seen;
    for (const auto& id : arguments.ids)
      if (seen.insert(id).second) out.push_back(id);
    return out;
  }
  const auto what = Term::tuple({Term::atom("tag"), Term::binary(arguments.tag)});
  const auto answer =
      ask(session.api, request_of("describe", {supervisor, what}), session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  std::vector<std::string> out;
  for (const auto& row : child_rows(*answer))
    if (row.wanted) out.push_back(row.id);
  if (out.empty())
    return refused("no_such_child", fmt::format("no child has the tag {}", harmless(arguments.tag)));
  return out;
}

namespace {

// Where it runs now.
Outcome<std::string> restart_one(Session& session, const Term& supervisor, const std::string& id) {
  std::vector<Term> items{supervisor, *parse_id(id)};
  session.add_timeout(items);
  const auto answer =
      session.api.request(request_of("restart_child", std::move(items)), session.timeout(restart_patience));
  if (!answer) return tl::unexpected(about(id, answer.error()));
  // {ok, Pid, Id} of a child; anything else is an error's.
  if (answer->is_record("ok", 3)) {
    const auto* pid = (*answer->as_tuple())[1].as_pid();
    return pid == nullptr ? std::string() : pid->node.text();
  }
  const auto trouble = checked(*answer);
  return tl::unexpected(about(id, trouble ? trouble_of(*answer) : trouble.error()));
}

}  // namespace

Outcome<void> restart(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto ids = ids_asked(session, *supervisor);
  if (!ids) return tl::unexpected(ids.error());
  Json restarted = Json::array();
  Json errors = Json::array();
  std::optional<Trouble> first;
  for (const auto& id : *ids) {
    auto node = restart_one(session, *supervisor, id);
    if (node && session.arguments.rolling)
      if (auto well = wait_until_well(session, *supervisor, id); !well) node = tl::unexpected(well.error());
    if (node) {
      restarted.push_back(id);
      if (session.out.json()) continue;
      session.out.line(fmt::format("restarted {} on {}", harmless(id), *node));
      if (!session.out.flush()) return {};
      continue;
    }
    errors.push_back(Json{{"id", id}, {"code", node.error().code}, {"message", node.error().message}});
    if (!first) {
      first = node.error();
    } else {
      first->message += "\nbrood: " + node.error().message;
    }
    if (session.arguments.rolling) break;
  }
  if (!first) {
    if (session.out.json()) session.out.line(json_line(Json{{"restarted", restarted}}));
    return {};
  }
  const auto left = ids->size() - restarted.size() - errors.size();
  if (left > 0) first->message += fmt::format("; {} more were left as they are", left);
  if (session.out.json()) first->more = json_line(Json{{"restarted", restarted}, {"errors", errors}});
  return tl::unexpected(*first);
}

Outcome<void> signal(Session& session) {
  const auto& arguments = session.arguments;
  const auto number = exec::signal_from_name(arguments.target);
  if (!number)
    return usage(fmt::format("signal: no such signal: {}; as in HUP, SIGUSR1 or 10", arguments.target));
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto answer = ask(
      session.api, request_of("signal", {*supervisor, *parse_id(arguments.id), Term(std::int64_t{*number})}),
      session.timeout(question_timeout));
  if (!answer) return tl::unexpected(about(arguments.id, answer.error()));
  session.out.line(session.out.json()
                       ? json_line(Json{{"id", arguments.id}, {"signal", *number}})
                       : fmt::format("{} was sent {}", harmless(arguments.id), exec::signal_name(*number)));
  return {};
}

}  // namespace brood::app
