// The checkers have teeth: for each planted bug, the rule that is meant for it (or an earlier one, as the
// first broken rule counts) is found broken within a few seeds.
#include <gtest/gtest.h>

#include "sim/simulation.hpp"

namespace brood::sim {
namespace plant_test {
using namespace std::chrono_literals;

struct Tooth {
  Plant plant;
  std::set<std::string> rules;  ///< Any of these names the bug.
  std::string faults = "seed";
  std::optional<Partition> partition = std::nullopt;
  std::string synchronisation = "";
};

void PrintTo(const Tooth& tooth, std::ostream* out) {
  *out << to_string(tooth.plant);
}

class Planted : public testing::TestWithParam<Tooth> {};

TEST_P(Planted, BugIsNoticed) {
  SimOptions options;
  options.busy = 60s;
  options.plant = GetParam().plant;
  if (options.plant == Plant::deaf_role) options.copies = Copies{2, true};
  if (options.plant == Plant::early_reply) options.copies = Copies{3, true, Copies::Follow::each_call};
  options.partition = GetParam().partition;
  options.synchronisation = GetParam().synchronisation;
  if (GetParam().faults != "seed") options.faults = *parse_faults(GetParam().faults);
  std::string seen;
  for (options.seed = 1; options.seed <= 100; ++options.seed) {
    const Report report = simulate(options);
    if (!report.violation) continue;
    if (GetParam().rules.contains(report.violation->rule)) return;
    seen += report.violation->rule + " ";
  }
  FAIL() << "not noticed in 100 seeds; other rules: " << seen;
}

INSTANTIATE_TEST_SUITE_P(
    Sim, Planted,
    testing::Values(
        Tooth{Plant::early_answer, {"acknowledged"}, "none"},
        Tooth{Plant::lying_ack, {"lost", "agree", "acknowledged", "revived"}, "none"},
        Tooth{Plant::deaf_stop, {"overlap"}, "leave"}, Tooth{Plant::silent_death, {"lost"}, "loop"},
        Tooth{
            Plant::undead, {"revived", "overlap"}, "none"},  // A view that nobody has really confirmed lets
                                                             // two nodes start, or is never confirmed at all.
        Tooth{Plant::agreeable_views, {"overlap", "members"}}, Tooth{Plant::wrong_pid, {"answers"}, "none"},
        Tooth{Plant::mute, {"unanswered"}, "none"}, Tooth{Plant::needless_stop, {"needless"}, "none"},
        Tooth{Plant::unfaithful_fence, {"overlap"}, "pause"}, Tooth{Plant::deaf_role, {"role"}, "none"},
        Tooth{Plant::two_starts, {"answers"}, "none"}, Tooth{Plant::lost_parcel, {"state"}, "leave"},
        Tooth{Plant::early_open, {"overlap", "handover"}, "leave"},
        Tooth{Plant::no_quorum, {"minority", "overlap"}, "split", Partition::majority_quorum},
        Tooth{Plant::hasty_takeover, {"overlap"}, "split", Partition::static_quorum},
        // A stop is answered though what it stopped still runs: the word that a member holds the removal came
        // before the change that says what that member runs.
        Tooth{Plant::loose_order, {"answers"}, "chaos,crash,leave", std::nullopt, "gossip"},
        Tooth{Plant::early_reply, {"state"}, "crash"}, Tooth{Plant::call_again, {"calls"}, "loop"}),
    [](const auto& instance) { return std::string(to_string(instance.param.plant)); });

TEST(Planted, ChanceFromElsewhereChangesTheTrace) {
  SimOptions options;
  options.busy = 10s;
  options.plant = Plant::chance;
  options.salt = 1;
  const auto first = simulate(options).trace_hash;
  options.salt = 2;
  EXPECT_NE(simulate(options).trace_hash, first);
}
}  // namespace plant_test
}  // namespace brood::sim
