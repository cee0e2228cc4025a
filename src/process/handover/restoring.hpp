// Restoration: what a process that starts takes over.
//
// Thread rule: written by who spawns, then by the process's turn.
#pragma once

#include <brood/term.hpp>

#include "process/handover/parcel.hpp"

namespace brood::process {

struct Restoration {
  explicit Restoration(SavedState state) { parcel.saved = std::move(state); }
  explicit Restoration(Parcel whole) : parcel(std::move(whole)), moves(true) {}

  Parcel parcel;
  bool moves = false;  ///< With mail, timers and callers, and held until it is opened.
  Pid pid = {};        ///< Of the process, from its spawn on.
};

}  // namespace brood::process
