// Child: all that one node knows of one child id: its row, where it runs, and this node's own instance.
//
// Invariant: at most one Hosted per peer; `own` is set exactly while this node hosts an instance, whose
// published form is the Hosted of peer 0.
#pragma once

#include <vector>

#include "core/types.hpp"

namespace brood::core {

/// A peer by its place in the core's table; 0 is this node. Never seen outside the core.
using PeerIndex = std::uint16_t;
inline constexpr PeerIndex self_index = 0;
inline constexpr PeerIndex no_peer = 0xffff;
inline constexpr PeerIndex every_peer = 0xfffe;

struct Hosted {
  PeerIndex peer = no_peer;
  Instance instance;
};

/// Why this node told its instance to end.
enum class StopWhy : std::uint8_t {
  none,
  removed,   ///< The row is gone, or not wanted any more.
  replaced,  ///< The row has another spec.
  released,  ///< It belongs on another node.
  conflict,  ///< Another instance of it stays.
};

/// The instance that runs here. `epoch` is the one the driver knows; a survivor of a conflict may publish a
/// greater one.
struct Own {
  Epoch epoch;
  SpecPtr spec;
  Dot birth;
  /// The driver has a process of it (Start sent, no Exited yet); false: waits to restart.
  bool alive = false;
  StopWhy stopping = StopWhy::none;
  bool ran = false;  ///< Started came for this epoch.
  Duration ran_at{};
  Duration restart_at = Duration::max();
  std::uint32_t failures = 0;     ///< In a row.
  std::vector<Duration> crashes;  ///< Within max_seconds, oldest first.
};

struct Child {
  std::unique_ptr<SpecRow> row;  ///< The visible row: of concurrent ones the greatest (clock, dot).
  std::uint64_t hash = 0;        ///< The id's hash64, kept because every view change needs it.
  std::vector<Hosted> hosted;    ///< Live instances as their nodes publish them.
  Epoch floor;                   ///< The greatest epoch seen.
  PeerIndex place = no_peer;     ///< First of its placement when it was last reconciled; no_peer: must be.
  std::unique_ptr<Own> own;

  [[nodiscard]] const Hosted* at(PeerIndex peer) const {
    for (const Hosted& hosted_at : hosted)
      if (hosted_at.peer == peer) return &hosted_at;
    return nullptr;
  }
  [[nodiscard]] Hosted* at(PeerIndex peer) {
    for (Hosted& hosted_at : hosted)
      if (hosted_at.peer == peer) return &hosted_at;
    return nullptr;
  }
  [[nodiscard]] bool wanted() const { return row && row->wanted; }
  [[nodiscard]] bool empty() const { return !row && hosted.empty() && !own; }
};

}  // namespace brood::core
