// brood start, stop, retry.
#include <fmt/format.h>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/spec_term.hpp"

namespace brood::app {
namespace {

// The node's own bound for starting and stopping, and for the acknowledgement of another member.
constexpr std::chrono::milliseconds change_timeout{30000};

Outcome<Shutdown> shutdown_of(const std::string& text) {
  Shutdown out;
  if (text.empty()) return out;
  if (text == "infinity") {
    out.infinity = true;
    return out;
  }
  if (text == "brutal_kill") {
    out.patience = std::chrono::milliseconds(0);
    return out;
  }
  const bool digits = text.find_first_not_of("0123456789") == std::string::npos && text.size() <= 9;
  if (!digits) return usage("start: --shutdown takes milliseconds, infinity or brutal_kill");
  out.patience = std::chrono::milliseconds(std::stol(text));
  return out;
}

Outcome<Bytes> args_of(const std::string& text) {
  if (text.empty()) return Bytes{};
  auto term = parse_term(text);
  if (!term) return usage(fmt::format("start: --args: {}", term.error().message));
  if (term->as_list() != nullptr) return encode_term(*term);
  return encode_term(Term::list({std::move(*term)}));
}

Trouble about(const std::string& id, Trouble trouble) {
  trouble.message = fmt::format("{}: {}", id, trouble.message);
  return trouble;
}

Json started_json(const Term& answer) {
  Json out = Json::object();
  const auto* tuple = answer.as_tuple();
  if (tuple == nullptr || tuple->size() != 3) return out;
  out["id"] = id_text((*tuple)[2]);
  if (const auto* pid = (*tuple)[1].as_pid()) {
    out["pid"] = to_string(*pid);
    out["node"] = pid->node.value;
  }
  return out;
}

}  // namespace

Outcome<Term> start_spec(const Arguments& arguments) {
  const auto& start = arguments.start;
  ChildSpec spec;
  const auto id = parse_id(arguments.id);
  if (!id) return usage(id.error().message);
  spec.id = id->as_atom() != nullptr ? Id(*id->as_atom()) : Id(id->as_binary()->bytes);
  spec.worker = start.worker;
  spec.exec = start.command;
  if (!start.cwd.empty()) spec.cwd = start.cwd;
  for (const auto& pair : start.env)
    spec.env[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  spec.tag = start.tag;
  if (start.restart == "transient") spec.restart = Restart::transient;
  if (start.restart == "temporary") spec.restart = Restart::temporary;
  const auto shutdown = shutdown_of(start.shutdown);
  if (!shutdown) return tl::unexpected(shutdown.error());
  spec.shutdown = *shutdown;
  auto args = args_of(start.args);
  if (!args) return tl::unexpected(args.error());
  spec.args = std::move(*args);
  if (!start.on.empty()) {
    if (const auto node = parse_node_address(start.on); !node)
      return usage("start: --on: " + node.error().message);
  }
  return spec_term(spec);
}

Outcome<void> start(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  auto spec = start_spec(session.arguments);
  if (!spec) return tl::unexpected(spec.error());
  std::vector<Term> items{*supervisor, std::move(*spec)};
  if (const auto& on = session.arguments.start.on; !on.empty()) {
    items.push_back(Term::map({{Term::atom("node"), Term::atom(parse_node_address(on)->name.value)}}));
  }
  const auto answer =
      ask(session.api, request_of("start_child", std::move(items)), session.timeout(change_timeout));
  if (!answer) return tl::unexpected(about(session.arguments.id, answer.error()));
  const auto json = started_json(*answer);
  if (session.out.json()) {
    session.out.line(json_line(json));
  } else {
    session.out.line(fmt::format("started {} on {} as {}", session.arguments.id, json.value("node", "?"),
                                 json.value("pid", "?")));
  }
  return {};
}

Outcome<void> stop(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  auto stopped = Json::array();
  auto errors = Json::array();
  std::optional<Trouble> first;
  for (const auto& id : session.arguments.ids) {
    const auto answer = ask(session.api, request_of("stop_child", {*supervisor, *parse_id(id)}),
                            session.timeout(change_timeout));
    if (answer) {
      stopped.push_back(id);
      if (!session.out.json()) session.out.line("stopped " + id);
      continue;
    }
    const auto trouble = about(id, answer.error());
    if (trouble.status == exit_unreachable) return tl::unexpected(trouble);
    errors.push_back(Json{{"id", id}, {"code", trouble.code}, {"message", trouble.message}});
    if (!first) {
      first = trouble;
    } else {
      first->message += "\nbrood: " + trouble.message;
    }
  }
  // One id: its error is the whole answer. Of several some were stopped, which the document must say too.
  if (first && session.arguments.ids.size() > 1 && session.out.json()) {
    first->message = fmt::format("{} of {} were not stopped", errors.size(), session.arguments.ids.size());
    first->more = json_line(Json{{"stopped", stopped}, {"errors", errors}});
  }
  if (first) return tl::unexpected(*first);
  if (session.out.json()) session.out.line(json_line(Json{{"stopped", stopped}}));
  return {};
}

Outcome<void> retry(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto& id = session.arguments.id;
  const auto answer =
      ask(session.api, request_of("retry", {*supervisor, *parse_id(id)}), session.timeout(change_timeout));
  if (!answer) return tl::unexpected(about(id, answer.error()));
  session.out.line(session.out.json() ? json_line(Json{{"retried", id}}) : "tried again: " + id);
  return {};
}

}  // namespace brood::app
