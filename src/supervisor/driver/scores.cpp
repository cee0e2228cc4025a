#include "supervisor/driver/scores.hpp"

#include "supervisor/driver/outcomes.hpp"

namespace brood::supervisor {

Scoreboard scoreboard_of(const core::Core& core) {
  Scoreboard board;
  board.leader = core.leader();
  for (const core::ScoreLine& line : core.scoreboard()) {
    NodeScore score;
    score.node = line.node;
    score.weight = line.weight;
    score.told = line.told;
    score.score = line.score_ppm / 1e6;
    score.share = line.share;
    score.children = line.given;
    score.scheduler = line.load.scheduler_ppm / 1e6;
    score.run_queue = line.load.run_queue;
    score.processes = line.load.processes;
    score.memory_bytes = line.load.memory_bytes;
    board.nodes.push_back(std::move(score));
  }
  return board;
}

Term scoreboard_term(const Scoreboard& board) {
  const auto number = [](std::uint64_t value) { return Term(static_cast<std::int64_t>(value)); };
  std::vector<Term> nodes;
  for (const NodeScore& line : board.nodes)
    nodes.push_back(Term::map({{Term::atom("node"), Term(line.node)},
                               {Term::atom("weight"), number(line.weight)},
                               {Term::atom("told"), number(line.told)},
                               {Term::atom("score"), Term(line.score)},
                               {Term::atom("share"), Term(line.share)},
                               {Term::atom("children"), number(line.children)},
                               {Term::atom("scheduler"), Term(line.scheduler)},
                               {Term::atom("run_queue"), number(line.run_queue)},
                               {Term::atom("processes"), number(line.processes)},
                               {Term::atom("memory"), number(line.memory_bytes)}}));
  return Term::map({{Term::atom("leader"), board.leader ? Term(*board.leader) : Term::atom("undefined")},
                    {Term::atom("nodes"), Term::list(std::move(nodes))}});
}

Result<void> plain_result(const Outcomes& outcomes, bool timed_out, const std::string& late) {
  if (timed_out) return Error{Errc::timeout, late};
  for (const core::Outcome& outcome : outcomes)
    if (outcome.error) return told(outcome);
  return {};
}

}  // namespace brood::supervisor
