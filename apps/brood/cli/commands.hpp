// The commands that ask a node. Each writes its answer to the Output or says what the trouble was.
//
// One thread.
#pragma once

#include "apps/brood/cli/api.hpp"
#include "apps/brood/cli/arguments.hpp"
#include "apps/brood/cli/output.hpp"
#include "apps/brood/cli/rows.hpp"

namespace brood::app {

struct Session {
  Api& api;
  Output& out;
  const Arguments& arguments;

  [[nodiscard]] std::chrono::milliseconds timeout(std::chrono::milliseconds otherwise) const {
    return arguments.common.timeout.value_or(otherwise);
  }
  /// --timeout, where it was given, as the last item of a request, #{timeout => Ms}: the node waits as long
  /// as we.
  void add_timeout(std::vector<Term>& items) const;
  /// The supervisors meant: --supervisor, or all those there; at least one.
  [[nodiscard]] Outcome<std::vector<Term>> supervisors() const;
  /// The supervisor meant: --supervisor, or the only one there. Several: a usage error that lists them.
  [[nodiscard]] Outcome<Term> supervisor() const;
};

/// What --json calls the common time-out of plain questions.
inline constexpr std::chrono::milliseconds question_timeout{5000};
/// Asks what may take long. A person at a terminal sees meanwhile what `words` makes of the cluster's nodes.
[[nodiscard]] Outcome<Term> ask_at_length(
    Session& session, const Term& request, std::chrono::milliseconds timeout,
    const std::function<std::string(const std::vector<NodeRow>&)>& words);

Outcome<void> start(Session& session);
Outcome<void> stop(Session& session);
Outcome<void> ps(Session& session);
Outcome<void> top(Session& session);
Outcome<void> show(Session& session);
Outcome<void> retry(Session& session);
Outcome<void> restart(Session& session);
Outcome<void> signal(Session& session);
Outcome<void> wait(Session& session);
/// The ids that a command names, each once, or those of the children with its --tag.
Outcome<std::vector<std::string>> ids_asked(Session& session, const Term& supervisor);
/// After a restart: waits until the child runs, is healthy where it has a check, and has outlasted its start
/// period. At most --timeout, or a minute, until it is well.
Outcome<void> wait_until_well(Session& session, const Term& supervisor, const std::string& id);
Outcome<void> call(Session& session);
Outcome<void> cast(Session& session);
Outcome<void> nodes(Session& session);
Outcome<void> where(Session& session);
Outcome<void> drain(Session& session);
Outcome<void> undrain(Session& session);
/// no_such_node, unless that node is one of the cluster, or was lately.
Outcome<void> check_is_there(Session& session, std::string_view option, const std::string& node);
Outcome<void> workers(Session& session);
Outcome<void> move(Session& session);
Outcome<void> rebalance(Session& session);
Outcome<void> scoreboard(Session& session);
Outcome<void> forget(Session& session);
Outcome<void> partition(Session& session);
/// Says it to a person where that supervisor's children may not run, or none is started at the moment.
void remark_partition(Session& session, const Term& supervisor);
Outcome<void> logs(Session& session);
Outcome<void> why(Session& session);
Outcome<void> events(Session& session);
Outcome<void> apply(Session& session);

/// Runs the command that the arguments name.
Outcome<void> run_command(Session& session);

/// What can be known to be wrong before any node is asked: ids, terms and files of the arguments.
Outcome<void> check_before_connecting(const Arguments& arguments);

/// The child's spec that `brood start` asks for.
Outcome<Term> start_spec(const Arguments& arguments);

/// A request: {Name, Item...}.
[[nodiscard]] Term request_of(std::string_view name, std::vector<Term> items);

}  // namespace brood::app
