// Child: all that one node knows of one child id, in one record, so that an event finds it with one hash.
// Each part of the core writes its own piece of it and reads the others'; the compiler sees to that (Owned).
//
// Thread rule: plain data of one core. A Child is where it is until it is erased; what outlives a step keeps
// its ChildRef and asks the table.
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "core/base/peer_index.hpp"
#include "core/base/types.hpp"
#include "core/requests/open.hpp"

namespace brood::core {

/// A value that anyone reads, and that only `Writer` writes.
template <typename T, typename Writer>
class Owned {
 public:
  [[nodiscard]] const T& get() const { return value_; }

 private:
  friend Writer;
  T value_{};
};

class ChildTable;
class SpecTable;
class Instances;
class Locals;
class Reconciler;
class Coordinator;
class Assignments;
class History;

/// A child by its place in the table. The generation tells it from another that took its place.
struct ChildRef {
  std::uint32_t slot = 0xffff'ffff;
  std::uint32_t generation = 0;
  friend auto operator<=>(const ChildRef&, const ChildRef&) = default;
};

/// A list of children that may be very many: in blocks, for a vector of a quarter of a million that grows
/// holds up a step by 10 ms, most of it for memory that was never touched before.
using ChildRefs = std::deque<ChildRef>;

/// A session by its place in the table of those that host something (rows/instances.hpp); 0 is this node's.
using SessionRef = std::uint32_t;
inline constexpr SessionRef own_session = 0;
inline constexpr SessionRef no_session = 0xffff'ffff;

struct Hosted {
  SessionRef session = no_session;
  std::uint32_t place = 0;  ///< In the list of what that session hosts.
  Instance instance;
};

/// Why this node told its instance to end.
enum class StopWhy : std::uint8_t {
  none,
  removed,   ///< The row is gone, or not wanted any more.
  replaced,  ///< The row has another spec.
  released,  ///< It belongs on another node.
  conflict,  ///< Another instance of it stays.
  role,      ///< A program is told its new role by a restart.
  locked,    ///< This part of the cluster may not run children.
  failed,    ///< It was given up, for what others of its instances did to their nodes.
};

/// The instance that runs here. `epoch` is the one the driver knows; a survivor of a conflict may publish a
/// greater one.
struct Own {
  Epoch epoch;
  SpecPtr spec;
  Dot birth;
  /// The driver was asked to start it and has not said yet that it ended; false: it waits to be started
  /// again.
  bool alive = false;
  StopWhy stopping = StopWhy::none;
  bool ran = false;  ///< Started came for this epoch.
  bool keeps_state = false;
  bool has_role = false;        ///< One of several instances: it is told whether it is active.
  bool waits_for_role = false;  ///< Its first start waits until it is known as what it starts.
  Why way = Why::unknown;       ///< Why it leaves, where it does ...
  PeerIndex way_to = no_peer;   ///< ... and for which node.
  std::uint32_t place = 0;      ///< In the list of this node's own.
  Duration ran_at{};
  std::uint64_t opened_in = 0;  ///< The step in which it was opened, having been made ready for a hand-over.
  Duration restart_at = Duration::max();
  Dot waits_with;                 ///< The row as it was when it began to wait for that.
  std::uint32_t failures = 0;     ///< In a row.
  std::vector<Duration> crashes;  ///< Within max_seconds, oldest first.
};

struct Child {
  ChildId id;
  ChildRef ref;
  Owned<std::uint32_t, ChildTable> bucket_place;

  /// Of concurrent rows the greatest (clock, dot).
  Owned<std::unique_ptr<SpecRow>, SpecTable> row_;
  Owned<std::vector<Hosted>, Instances> hosted_;
  Owned<Epoch, Instances> floor_;
  Owned<std::unique_ptr<Own>, Locals> own_;
  /// The node on which it belonged when it was last looked at in a view that may be acted by; no_peer: it has
  /// to be looked at by the next sweep.
  Owned<PeerIndex, Reconciler> place_;
  Owned<bool, Reconciler> touched_;
  /// To be looked at once this node may act.
  Owned<bool, Reconciler> waits_;
  /// Why the last instance that went did; unknown once another has started.
  Owned<Why, History> ended_;
  Owned<std::unique_ptr<Work>, Coordinator> work_;
  Owned<std::uint32_t, Assignments> counted_;  ///< For which node; see there.

  [[nodiscard]] const SpecRow* row() const { return row_.get().get(); }
  [[nodiscard]] bool wanted() const { return row() && row()->wanted; }
  [[nodiscard]] bool being_replaced() const { return wanted() && row()->held; }
  [[nodiscard]] const Own* own() const { return own_.get().get(); }
  /// The greatest epoch seen of it.
  [[nodiscard]] const Epoch& floor() const { return floor_.get(); }
  /// Instances as their nodes publish them. Those of sessions that are over stay among them until they are
  /// dropped, so read them through Instances, which passes over these.
  [[nodiscard]] const std::vector<Hosted>& hosted() const { return hosted_.get(); }
  [[nodiscard]] PeerIndex place() const { return place_.get(); }
  [[nodiscard]] Why ended() const { return ended_.get(); }
  /// What this node, as its coordinator, has open for it; nullptr: nothing.
  [[nodiscard]] const Work* work() const { return work_.get().get(); }
  [[nodiscard]] bool empty() const {
    return !row() && hosted().empty() && !own() && !work() && !touched_.get();
  }
};

}  // namespace brood::core
