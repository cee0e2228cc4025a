#include "supervisor/driver/partition.hpp"

namespace brood::supervisor {
namespace {

Term node_list(const std::vector<NodeName>& names) {
  std::vector<Term> all;
  for (const NodeName& name : names) all.emplace_back(name);
  return Term::list(std::move(all));
}

}  // namespace

PartitionStatus partition_of(const core::Core& core) {
  const core::PartitionStatus of_core = core.partition();
  PartitionStatus status;
  status.partitioned = of_core.partitioned;
  status.locked = !of_core.acting;
  status.why = of_core.why;
  status.strategy = of_core.strategy;
  status.count = of_core.count;
  status.members = of_core.tally.members;
  status.size = of_core.tally.size;
  status.here = of_core.tally.here;
  status.missing = of_core.tally.missing;
  status.takeover_delay = std::chrono::duration_cast<std::chrono::milliseconds>(of_core.takeover_delay);
  status.overlap_bound = std::chrono::duration_cast<std::chrono::milliseconds>(of_core.overlap_bound);
  return status;
}

Term partition_term(const PartitionStatus& status) {
  const auto number = [](std::size_t value) { return Term(static_cast<std::int64_t>(value)); };
  return Term::map({{Term::atom("partitioned"), Term(status.partitioned)},
                    {Term::atom("locked"), Term(status.locked)},
                    {Term::atom("why"), Term::binary(status.why)},
                    {Term::atom("strategy"), Term::binary(status.strategy)},
                    {Term::atom("count"), Term::binary(status.count)},
                    {Term::atom("members"), node_list(status.members)},
                    {Term::atom("size"), number(status.size)},
                    {Term::atom("here"), number(status.here)},
                    {Term::atom("missing"), node_list(status.missing)},
                    {Term::atom("takeover_delay_ms"), Term(status.takeover_delay.count())},
                    {Term::atom("overlap_bound_ms"), Term(status.overlap_bound.count())}});
}

Result<void> reset_result(const Outcomes& outcomes, bool timed_out) {
  if (timed_out) return Error{Errc::timeout, "not all nodes of this part have said in time that they know"};
  for (const core::Outcome& outcome : outcomes)
    if (outcome.error) return *outcome.error;
  return {};
}

}  // namespace brood::supervisor
