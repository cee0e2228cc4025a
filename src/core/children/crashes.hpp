// Crashes: what follows when an instance of this node ends by itself: it is started again by policy, with
// intensity and back-off; past these the next node of its order tries; failed on all of them it rests for a
// while.
//
// Owns: which children this node gave up. Reads: views, instances, who has answered. Asks locals and rows.
// Thread rule: none; owned by one core.
#pragma once

#include <map>

#include "core/children/locals.hpp"
#include "core/members/views.hpp"
#include "core/rows/replication.hpp"
#include "core/rows/rows.hpp"

namespace brood::core {

/// The pause before the next start in a row of so many failures.
[[nodiscard]] Duration restart_pause(const Settings& settings, const Pace& pace, std::uint32_t failures,
                                     bool started);
/// The longest of these pauses.
[[nodiscard]] Duration longest_pause(const Settings& settings, const Pace& pace);
/// The pause after so many rounds of all nodes.
[[nodiscard]] Duration round_pause(const Settings& settings, std::uint32_t rounds);

class Crashes {
 public:
  Crashes(Locals& locals, Instances& instances, Rows& rows, Replication& replication, const Views& views,
          const Sessions& sessions, const Fence& fence, const PeerTable& peers)
      : locals_(locals),
        instances_(instances),
        rows_(rows),
        replication_(replication),
        views_(views),
        sessions_(sessions),
        fence_(fence),
        peers_(peers) {}

  struct Failure {
    bool started = true;  ///< false: its start failed.
    bool normal = false;
    std::string reason;
    Bytes detail;
  };
  /// What follows from the end of a child's instance here; the caller has the child looked at in this step in
  /// any case. Returns the time at which it must be looked at once more; max(): none.
  Duration on_failure(Step& s, Child& child, const Failure& failure);
  /// Whether anything may be started again here.
  [[nodiscard]] bool may_restart() const;
  /// A child that failed on all nodes there were may run on one that has come since.
  void look_at_failed(Step& s, Child& child);
  /// It was given up here while somebody replaced it, and who heard of the former first may have started it:
  /// until all have heard of the latter, and so have said whether they did, it is not started here.
  [[nodiscard]] bool may_run_at_the_next(Step& s, Child& child);
  /// It is gone.
  void forget(const Child& child) {
    if (!given_up_.empty()) given_up_.erase(child.ref);
  }

 private:
  struct GivenUp {
    Dot birth;
    std::uint64_t asked = 0;  ///< The change that all have to answer; 0: none has been made.
  };
  /// Whether it ran long enough for its start to count.
  [[nodiscard]] bool has_started(const Step& s, const Child& child, const Failure& failure) const;
  [[nodiscard]] bool ends_the_child(const Child& child, const Failure& failure, bool started) const;
  [[nodiscard]] bool belongs_here(const Child& child, const SpecRow& row) const;
  [[nodiscard]] bool stays_here(const Step& s, const Child& child) const;
  void end_for_good(Step& s, Child& child, const std::string& reason);
  void move_away(Step& s, Child& child, const std::string& reason);
  void give_to_next(const Step& s, const Child& child, SpecRow& row) const;
  [[nodiscard]] bool avoids_all(const Child& child, const SpecRow& row) const;

  Locals& locals_;
  Instances& instances_;
  Rows& rows_;
  Replication& replication_;
  const Views& views_;
  const Sessions& sessions_;
  const Fence& fence_;
  const PeerTable& peers_;
  std::map<ChildRef, GivenUp> given_up_;
};

}  // namespace brood::core
