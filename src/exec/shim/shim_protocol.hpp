// What a node and its shims say to each other. Both are built from one tree and checked against
// `shim_version`, so messages are plain structs, one a packet, over a SOCK_SEQPACKET pair.
//
//   node: brood-shim VERSION LOG_FOLDER LOG_BYTES_MAX LOG_FILES LOG_TIMES JOURNAL SYSLOG CWD SETUP... --
//   PROGRAM
//         ARGUMENT...
//   (LOG_TIMES: 1, lines begin with the time, or 0; JOURNAL, SYSLOG: sockets that its output goes to as well,
//   or empty; SETUP: see program_setup.hpp) shim: started | start_failed, later ended node: stop, signal,
//   log, look (any number of times), or closes
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <type_traits>

namespace brood::exec {

inline constexpr int shim_version = 5;
/// Open in a new shim, besides 0, 1 and 2 (which are /dev/null).
inline constexpr int shim_control_fd = 3;
inline constexpr int shim_heartbeat_fd = 4;
/// Every process of an instance has this in its environment, with a value of its own; see sweep.hpp.
inline constexpr const char* instance_variable = "BROOD_EXEC_INSTANCE";

/// One page that the node shares with all its shims. The node writes, the shims read.
struct HeartbeatPage {
  std::atomic<std::int64_t> beat_ns;   ///< boot_time_ns() of the last sign of life.
  std::atomic<std::int64_t> limit_ns;  ///< Age at which the node counts as stalled; 0: never.
};
static_assert(std::atomic<std::int64_t>::is_always_lock_free);
inline constexpr std::size_t heartbeat_page_bytes = 4096;

/// CLOCK_BOOTTIME: unlike CLOCK_MONOTONIC it goes on while the machine sleeps, as the other nodes do.
inline std::int64_t boot_time_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

/// `look`: the limit in the page has changed; `log`: how its output is kept has.
enum class ShimMessageKind : std::uint32_t { started = 1, start_failed, ended, stop, look, signal, log };
/// What failed at a start; `ShimMessage::code` is the errno.
enum class StartStep : std::int32_t {
  version = 1,
  resources,
  chdir,
  exec,
  node_stalled,
  user,
  group,
  nice,
  stdin_file,
  limit,  ///< `detail` is the resource.
  cgroup,
  terminal,
};

/// Unused fields are zero.
struct ShimMessage {
  ShimMessageKind kind = ShimMessageKind::started;
  std::int32_t pid = 0;         ///< started
  StartStep step{};             ///< start_failed
  std::int32_t code = 0;        ///< start_failed: errno; ended: exit code; log: the number of files
  std::int32_t detail = 0;      ///< start_failed: see StartStep; log: 1, lines begin with the time
  std::int32_t signal = 0;      ///< ended; signal; stop: the stop signal
  std::uint32_t cause = 0;      ///< ended: an EndCause
  std::int64_t wait_ms = 0;     ///< stop: before SIGKILL; negative for ever
  std::uint64_t lost = 0;       ///< ended: bytes of output lost
  std::uint64_t left = 0;       ///< ended: processes that the program left behind
  std::uint64_t log_bytes = 0;  ///< log: how much is kept
};
static_assert(std::is_trivially_copyable_v<ShimMessage>);

}  // namespace brood::exec
