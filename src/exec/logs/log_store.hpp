// Where the output of programs is kept, and how it is read. Shared by the node (reads) and the shim (writes).
//
// A log is a folder of segments, each named by the offset of its first byte since the log began, in 20
// digits. The newest two are kept, each at most half of the allowed size; so an offset stays true when
// older text is dropped, and reading on from an offset is all that following needs. Whoever reads and
// whoever writes need no lock: segments only grow, and a folder listing shows which are there. Beside them is
// how the last run ended (last_end.hpp); a run's text begins with a line that says how the one before it
// ended.
//
// Plain C++ and POSIX only: the shim links nothing else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace brood::exec {

/// Text of a log. `offset` is that of its first byte; `next` is where to read on.
struct LogText {
  std::string text;
  std::uint64_t offset = 0;
  std::uint64_t next = 0;
};

/// A file name for any bytes: letters, digits, '.', '-', '_' as they are (no leading '.'), others as %XX;
/// what would be longer than 200 is cut and gets a hash. Different names have different files.
[[nodiscard]] std::string log_file_name(std::string_view log_name);

struct LogSegment {
  std::uint64_t base = 0;  ///< Offset of its first byte.
  std::uint64_t size = 0;  ///< Bytes in it that do not overlap the next segment.
};
/// The segments in `folder`, oldest first; none if there is no such folder.
[[nodiscard]] std::vector<LogSegment> log_segments(const std::string& folder);
/// Whether a file of that name in the folder of a log is a segment.
[[nodiscard]] bool is_log_segment(const std::string& name);
[[nodiscard]] std::string log_segment_path(const std::string& folder, std::uint64_t base);

/// Beside each segment is when its text came: the time is noted at most once a second, as text is written.
struct LogTime {
  std::uint64_t offset = 0;  ///< What is behind it came at that time or later.
  std::int64_t ms = 0;       ///< Of the wall clock, since 1970.
};
inline constexpr std::int64_t log_times_every_ms = 1000;
[[nodiscard]] std::string log_times_path(const std::string& folder, std::uint64_t base);
/// Whether a file of that name in the folder of a log is one of these.
[[nodiscard]] bool is_log_times(const std::string& name);
/// Where the text begins that came since that time, or up to a second before.
[[nodiscard]] std::uint64_t log_offset_since(const std::string& folder, std::int64_t since_ms);

/// Up to `bytes_max` bytes from `offset` on. If that was dropped already, from the oldest kept byte on
/// (`result.offset > offset` tells). An offset past the end gives no text and `next` at the end.
[[nodiscard]] LogText read_log(const std::string& folder, std::uint64_t offset, std::size_t bytes_max);
/// Text whose beginning is missing then begins at the start of a line; at that of a character, if it holds
/// the start of none. Never makes it empty.
void trim_to_line(LogText& text);
/// The last `lines` lines, at most `bytes_max` bytes of them: whole lines, unless one is longer than that.
[[nodiscard]] LogText read_log_tail(const std::string& folder, std::size_t lines, std::size_t bytes_max);

}  // namespace brood::exec
