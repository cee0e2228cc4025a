// brood top.
#include <algorithm>
#include <iterator>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/top/terminal.hpp"
#include "apps/brood/top/view.hpp"

namespace brood::app {
namespace {

constexpr std::chrono::milliseconds table_timeout{30000};

Outcome<void> look(Session& session, const std::vector<Term>& supervisors, live::View& view) {
  const auto nodes = ask(session.api, Term::atom("node_info"), session.timeout(question_timeout));
  if (!nodes) return tl::unexpected(nodes.error());
  std::vector<ChildRow> children;
  for (const auto& supervisor : supervisors) {
    const auto answer = ask(session.api, request_of("describe", {supervisor, Term::atom("all")}),
                            session.timeout(table_timeout));
    if (!answer) return tl::unexpected(answer.error());
    auto rows = child_rows(*answer);
    for (auto& row : rows) row.supervisor = supervisor.as_atom()->name;
    std::move(rows.begin(), rows.end(), std::back_inserter(children));
  }
  view.take(node_rows(*nodes), std::move(children), supervisors.size() > 1, std::chrono::steady_clock::now());
  return {};
}

// Asks anew where the node has gone: another of --node, or the same when it is back.
void look_again(Session& session, const std::vector<Term>& supervisors, live::View& view) {
  auto seen = session.api.reach_again();
  if (seen) seen = look(session, supervisors, view);
  if (!seen) view.lost(seen.error().message.substr(0, seen.error().message.find('\n')));
}

Outcome<void> run(Session& session, const std::vector<Term>& supervisors) {
  using Clock = std::chrono::steady_clock;
  const live::Terminal terminal;
  live::View view;
  if (auto seen = look(session, supervisors, view); !seen) return seen;
  const auto every = std::chrono::milliseconds(session.arguments.every_ms);
  for (auto next = Clock::now() + every;;) {
    terminal.show(view.frame(terminal.size(), session.out.color()));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    if (!view.press(terminal.key(std::max(left, std::chrono::milliseconds(1))), terminal.size())) return {};
    const auto now = Clock::now();
    if (now < next) continue;
    if (!view.paused() && !look(session, supervisors, view)) look_again(session, supervisors, view);
    // A table that takes long to fetch is not fetched all the time.
    next = std::max(now + every, Clock::now() + (Clock::now() - now));
  }
}

}  // namespace

Outcome<void> top(Session& session) {
  if (session.out.json() || !live::Terminal::is_there())
    return usage("top: it needs a terminal; `brood nodes` and `brood ps` print once");
  const auto supervisors = session.supervisors();
  if (!supervisors) return tl::unexpected(supervisors.error());
  return run(session, *supervisors);
}

}  // namespace brood::app
