// LastEnd: how and when the last run of a program ended. Kept as a small file beside the program's log, by
// the shim (so it is there although the node was killed) or, should the shim be lost, by the node.
//
//   end          of the last run; not there while a run lasts
//   end.before   of the run before the one that lasts
//
// Both are one line of numbers: "brood-end 1 STARTED_MS ENDED_MS CODE SIGNAL CAUSE LOST LEFT_BEHIND".
// Plain C++ and POSIX only. Any thread; whoever reads meets a whole file, old or new.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "exec/exit_status.hpp"

namespace brood::exec {

struct LastEnd {
  ExitStatus status;
  std::int64_t started_ms = 0;  ///< Of the wall clock, since 1970. 0: not known.
  std::int64_t ended_ms = 0;

  friend bool operator==(const LastEnd&, const LastEnd&) = default;
};

/// The wall clock, in milliseconds since 1970.
[[nodiscard]] std::int64_t wall_clock_ms() noexcept;
/// "2026-11-28 11:00:00 UTC"
[[nodiscard]] std::string wall_clock_text(std::int64_t ms);

/// "2026-11-28T11:00:00.123Z"
[[nodiscard]] std::string wall_clock_stamp(std::int64_t ms);

/// False with errno if `folder` cannot be written to. Does not make the folder.
bool write_last_end(const std::string& folder, const LastEnd& end);
/// A run begins: what `end` says is of the run before from now on. Returns it; nullopt if there is none.
std::optional<LastEnd> put_aside_last_end(const std::string& folder);
/// The newest that is known; nullopt if no run has ended, or it was too long ago.
[[nodiscard]] std::optional<LastEnd> read_last_end(const std::string& folder);
/// Whether a file of that name in the folder of a log is one of these.
[[nodiscard]] bool is_last_end_file(const std::string& name);

}  // namespace brood::exec
