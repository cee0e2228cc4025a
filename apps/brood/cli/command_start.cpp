// brood start, stop, retry.
#include <fmt/format.h>

#include <map>
#include <set>
#include <thread>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/program_options.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"
#include "apps/brood/fleet/spec_term.hpp"
#include "exec/exit_status.hpp"

namespace brood::app {
namespace {

// Without --timeout the node has its own bounds, which we outwait: a lost node is noticed by itself.
constexpr std::chrono::milliseconds start_timeout{60000};
// A child may take as long to end as its spec says.
constexpr std::chrono::milliseconds stop_timeout{86'400'000};
// How soon a command has to end after its start for `start` to tell of it.
constexpr int first_moments = 5;
constexpr int first_moment_ms = 20;

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

Outcome<EncodedTerm> args_of(const std::string& text) {
  if (text.empty()) return EncodedTerm{};
  auto term = parse_term(text);
  if (!term) return usage(fmt::format("start: --args: {}", term.error().message));
  if (term->as_list() != nullptr) return encode_term(*term);
  return encode_term(Term::list({std::move(*term)}));
}

Outcome<void> read_metadata(const StartArguments& start, ChildSpec& spec) {
  if (start.metadata.empty()) return {};
  auto term = parse_term(start.metadata);
  if (!term) return usage(fmt::format("start: --metadata: {}", term.error().message));
  if (term->as_map() == nullptr)
    return usage(
        fmt::format("start: --metadata takes a map, '#{{team => <<\"web\">>}}', not {}", start.metadata));
  spec.metadata = std::move(*term);
  return {};
}

Outcome<void> read_node_list(const std::string& text, std::string_view option, std::vector<NodeName>& into) {
  for (const auto& name : node_list(text)) {
    const auto node = parse_node_address(name);
    if (!node) return usage(fmt::format("start: {}: {}", option, node.error().message));
    into.push_back(node->name);
  }
  return {};
}

Outcome<decltype(ChildSpec::run)> what_runs(const StartArguments& start) {
  if (start.command.empty()) {
    if (const auto option = option_of_programs(start); !option.empty())
      return usage(fmt::format("start: {} is for a program, and this is worker {}", option, start.worker));
    auto args = args_of(start.args);
    if (!args) return tl::unexpected(args.error());
    return WorkerSpec{start.worker, std::move(*args)};
  }
  Command command{start.command};
  if (!start.cwd.empty()) command.cwd = start.cwd;
  for (const auto& pair : start.env)
    command.env[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  if (!start.stop_signal.empty()) {
    command.stop_signal = exec::signal_from_name(start.stop_signal);
    if (!command.stop_signal)
      return usage(
          fmt::format("start: --stop-signal takes a name (INT) or a number (2), not {}", start.stop_signal));
  }
  command.start_before_stop = start.start_before_stop;
  command.ready_timeout = std::chrono::milliseconds(start.ready_timeout);
  if (auto read = read_program_options(start, command); !read) return tl::unexpected(read.error());
  return command;
}

Json started_json(const Term& answer) {
  Json out = Json::object();
  const auto* tuple = answer.as_tuple();
  if (tuple == nullptr || tuple->size() != 3) return out;
  out["id"] = id_text((*tuple)[2]);
  if (const auto* pid = (*tuple)[1].as_pid()) {
    out["pid"] = to_string(*pid);
    out["node"] = pid->node.text();
  }
  return out;
}

Term start_options(const Session& session) {
  std::vector<std::pair<Term, Term>> options;
  if (const auto& on = session.arguments.start.on; !on.empty())
    options.emplace_back(Term::atom("node"), Term::atom(parse_node_address(on)->name.text()));
  if (const auto& timeout = session.arguments.common.timeout)
    options.emplace_back(Term::atom("timeout"), Term(static_cast<std::int64_t>(timeout->count())));
  return Term::map(std::move(options));
}

Trouble with_cure(Trouble trouble) {
  if (trouble.code == "not_allowed" && trouble.message.find("exec_allow = true") == std::string::npos) {
    trouble.message +=
        "; a node runs what its own fleet file lists, and other commands only with exec_allow = true under "
        "[node] "
        "there, or when it was started with --exec-allow";
  }
  return trouble;
}

// A command that ends as soon as it has started (a misspelt option, say) was started all the same. What
// became of it in its first moments, in words; empty: it runs, as far as is known.
std::string early_end(Session& session, const Term& supervisor) {
  const auto what = Term::tuple({Term::atom("id"), *parse_id(session.arguments.id)});
  for (int moment = 0; moment < first_moments; ++moment) {
    if (moment > 0) std::this_thread::sleep_for(std::chrono::milliseconds(first_moment_ms));
    const auto answer =
        ask(session.api, request_of("describe", {supervisor, what}), session.timeout(question_timeout));
    if (!answer) return "";
    const auto rows = child_rows(*answer);
    if (rows.empty() || !rows.front().wanted) {
      const auto how = rows.empty() ? "" : rows.front().last_end;
      return how.empty() ? "it has ended already" : "it has ended already: " + how;
    }
    const auto& row = rows.front();
    if (row.failed) return "it failed at once: " + row.failure;
    for (const auto& instance : row.instances) {
      const auto& how = instance.reason.empty() ? instance.last_end : instance.reason;
      if (instance.phase == "restarting" || instance.restarts > 0)
        return fmt::format("it ended at once{}{}; it is started again and again", how.empty() ? "" : ": ",
                           how);
    }
  }
  return "";
}

// ---- stop
// ---------------------------------------------------------------------------------------------------

Outcome<void> stop_one(Session& session, const Term& supervisor, const std::string& id) {
  std::vector<Term> items{supervisor, *parse_id(id)};
  session.add_timeout(items);
  const auto answer =
      ask(session.api, request_of("stop_child", std::move(items)), session.timeout(stop_timeout));
  if (!answer) return tl::unexpected(about(id, answer.error()));
  session.out.line(session.out.json() ? json_line(Json{{"stopped", Json::array({id})}})
                                      : "stopped " + harmless(id));
  return {};
}

// How each id went, by the id as a term.
std::map<Term, std::optional<Trouble>> results_of(const Term& answer) {
  std::map<Term, std::optional<Trouble>> out;
  const auto entries = [&](std::string_view key, auto&& use) {
    const auto* list = answer.get(key);
    if (list == nullptr || list->as_list() == nullptr) return;
    for (const auto& item : *list->as_list()) {
      if (const auto* tuple = item.as_tuple(); tuple != nullptr && tuple->size() >= 2) use(*tuple);
    }
  };
  entries("stopped", [&](const auto& tuple) { out[tuple.front()] = std::nullopt; });
  entries("errors", [&](const auto& tuple) { out[tuple.front()] = trouble_of(tuple.back()); });
  return out;
}

// All at once: each may take its time to end.
Outcome<void> stop_several(Session& session, const Term& supervisor, const std::vector<std::string>& asked) {
  std::vector<Term> ids;
  for (const auto& id : asked) ids.push_back(*parse_id(id));
  std::vector<Term> items{supervisor, Term::list(ids)};
  session.add_timeout(items);
  const auto answer =
      ask(session.api, request_of("stop_children", std::move(items)), session.timeout(stop_timeout));
  if (!answer) return tl::unexpected(answer.error());
  const auto results = results_of(*answer);
  auto stopped = Json::array();
  auto errors = Json::array();
  std::optional<Trouble> first;
  std::set<Term> told;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto& id = asked[i];
    if (!told.insert(ids[i]).second) continue;  // named twice
    const auto found = results.find(ids[i]);
    if (found != results.end() && !found->second) {
      stopped.push_back(id);
      if (!session.out.json()) session.out.line("stopped " + harmless(id));
      continue;
    }
    const auto trouble =
        about(id, found == results.end() ? trouble_of(Term::atom("timeout")) : *found->second);
    errors.push_back(Json{{"id", id}, {"code", trouble.code}, {"message", trouble.message}});
    if (!first) {
      first = trouble;
    } else {
      first->message += "\nbrood: " + trouble.message;
    }
  }
  if (!first) {
    if (session.out.json()) session.out.line(json_line(Json{{"stopped", stopped}}));
    return {};
  }
  if (session.out.json()) {
    // Some were stopped, which the one document must say too.
    first->message = fmt::format("{} of {} were not stopped", errors.size(), errors.size() + stopped.size());
    first->more = json_line(Json{{"stopped", stopped}, {"errors", errors}});
  }
  return tl::unexpected(*first);
}

}  // namespace

Outcome<Term> start_spec(const Arguments& arguments) {
  const auto& start = arguments.start;
  ChildSpec spec;
  const auto id = parse_id(arguments.id);
  if (!id) return usage(id.error().message);
  if (start.worker.empty() && start.command.empty())  // as it was before it was stopped
    return Term::map({{Term::atom("id"), *id}});
  spec.id = Id(*id);
  auto run = what_runs(start);
  if (!run) return tl::unexpected(run.error());
  spec.run = *std::move(run);
  if (auto read = read_order(start, spec); !read) return tl::unexpected(read.error());
  spec.tag = start.tag;
  if (start.restart == "transient") spec.restart = Restart::transient;
  if (start.restart == "temporary") spec.restart = Restart::temporary;
  const auto shutdown = shutdown_of(start.shutdown);
  if (!shutdown) return tl::unexpected(shutdown.error());
  spec.shutdown = *shutdown;
  if (auto read = read_metadata(start, spec); !read) return tl::unexpected(read.error());
  if (auto read = read_node_list(start.mapping, "--mapping", spec.mapping); !read)
    return tl::unexpected(read.error());
  if (auto read = read_node_list(start.nodes, "--nodes", spec.nodes); !read)
    return tl::unexpected(read.error());
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
  if (auto options = start_options(session); !options.as_map()->empty()) items.push_back(std::move(options));
  const auto answer =
      ask(session.api, request_of("start_child", std::move(items)), session.timeout(start_timeout));
  const bool is_bare = session.arguments.start.worker.empty() && session.arguments.start.command.empty();
  if (!answer && is_bare && answer.error().code == "no_such_child")
    return usage(
        fmt::format("start: no {} was stopped here that a fleet file has. What is to run? Give "
                    "--worker NAME, or -- and a command",
                    harmless(session.arguments.id)));
  if (!answer) return tl::unexpected(with_cure(about(session.arguments.id, answer.error())));
  auto json = started_json(*answer);
  const auto ended = session.arguments.start.command.empty() ? "" : early_end(session, *supervisor);
  if (session.out.json()) {
    if (!ended.empty()) json["ended"] = ended;
    session.out.line(json_line(json));
  } else {
    session.out.line(fmt::format("started {} on {} as {}{}", harmless(session.arguments.id),
                                 json.value("node", "?"), json.value("pid", "?"),
                                 ended.empty() ? "" : ", and " + harmless(ended)));
  }
  return {};
}

Outcome<void> stop(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto ids = session.arguments.tag.empty() ? Outcome<std::vector<std::string>>(session.arguments.ids)
                                                 : ids_asked(session, *supervisor);
  if (!ids) return tl::unexpected(ids.error());
  return ids->size() == 1 ? stop_one(session, *supervisor, ids->front())
                          : stop_several(session, *supervisor, *ids);
}

Outcome<void> retry(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto& id = session.arguments.id;
  std::vector<Term> items{*supervisor, *parse_id(id)};
  session.add_timeout(items);
  const auto answer = ask(session.api, request_of("retry", std::move(items)), session.timeout(start_timeout));
  if (!answer) return tl::unexpected(about(id, answer.error()));
  session.out.line(session.out.json() ? json_line(Json{{"retried", id}}) : "tried again: " + id);
  return {};
}

}  // namespace brood::app
