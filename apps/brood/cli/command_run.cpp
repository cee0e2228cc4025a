// Which command is which, and what they share.
#include <fmt/format.h>

#include <map>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/section.hpp"

namespace brood::app {
namespace {

using Command = Outcome<void> (*)(Session&);

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> table{
      {"start", start},
      {"stop", stop},
      {"restart", restart},
      {"ps", ps},
      {"top", top},
      {"show", show},
      {"wait", wait},
      {"why", why},
      {"events", events},
      {"retry", retry},
      {"signal", signal},
      {"call", call},
      {"cast", cast},
      {"nodes", nodes},
      {"where", where},
      {"drain", drain},
      {"undrain", undrain},
      {"logs", logs},
      {"apply", apply},
      {"workers", workers},
      {"partition", partition},
      {"move", move},
      {"rebalance", rebalance},
      {"scoreboard", scoreboard},
      {"forget", forget},
  };
  return table;
}

Outcome<void> check_ids(const Arguments& arguments) {
  auto ids = arguments.ids;
  const auto& command = arguments.command;
  const bool has_id = command == "start" || command == "show" || command == "retry" || command == "call" ||
                      command == "cast" || command == "where" || command == "move" || command == "signal" ||
                      command == "why";
  if (command == "ps" && !arguments.after.empty()) ids.push_back(arguments.after);
  if (has_id) ids.push_back(arguments.id);
  for (const auto& id : ids) {
    if (const auto parsed = parse_id(id); !parsed) return usage(parsed.error().message);
  }
  return {};
}

}  // namespace

Term request_of(std::string_view name, std::vector<Term> items) {
  items.insert(items.begin(), Term::atom(name));
  return Term::tuple(std::move(items));
}

void Session::add_timeout(std::vector<Term>& items) const {
  if (!arguments.common.timeout) return;
  const auto ms = static_cast<std::int64_t>(arguments.common.timeout->count());
  items.push_back(Term::map({{Term::atom("timeout"), Term(ms)}}));
}

Outcome<std::vector<Term>> Session::supervisors() const {
  if (!arguments.common.supervisor.empty()) return std::vector<Term>{Term::atom(arguments.common.supervisor)};
  const auto answer = ask(api, Term::atom("supervisors"), timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  std::vector<Term> all;
  if (const auto* list = answer->as_list()) {
    for (const auto& name : *list) all.push_back(Term::atom(name.text().value_or(to_string(name))));
  }
  if (all.empty()) return refused("no_such_supervisor", fmt::format("no supervisor runs on {}", api.node()));
  return all;
}

Outcome<Term> Session::supervisor() const {
  const auto all = supervisors();
  if (!all) return tl::unexpected(all.error());
  if (all->size() == 1) return all->front();
  std::vector<std::string> names;
  for (const auto& name : *all) names.push_back(name.as_atom()->name);
  return usage(fmt::format("{} has several supervisors; say which: --supervisor {}", api.node(),
                           fmt::join(names, " | ")));
}

Outcome<void> check_before_connecting(const Arguments& arguments) {
  if (auto ids = check_ids(arguments); !ids) return ids;
  if (arguments.common.supervisor.size() > 255) return usage("--supervisor: a name has at most 255 bytes");
  if (arguments.command == "call" || arguments.command == "cast") {
    if (const auto term = parse_term(arguments.term); !term) {
      return usage(fmt::format("{}: TERM: {}", arguments.command, term.error().message));
    }
  }
  if (arguments.command == "start") {
    if (const auto spec = start_spec(arguments); !spec) return tl::unexpected(spec.error());
  }
  return {};
}

Outcome<void> run_command(Session& session) {
  const auto found = commands().find(session.arguments.command);
  if (found == commands().end()) return usage("no such command: " + session.arguments.command);
  return found->second(session);
}

}  // namespace brood::app
