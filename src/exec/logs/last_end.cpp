#include "exec/logs/last_end.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <ctime>

namespace brood::exec {
namespace {

constexpr const char* end_file = "/end";
constexpr const char* before_file = "/end.before";
constexpr const char* new_file = "/end.new";
constexpr std::size_t line_bytes_max = 256;

std::optional<LastEnd> parse(const char* line) {
  LastEnd end;
  int cause = 0;
  const int read = std::sscanf(line, "brood-end 1 %" SCNd64 " %" SCNd64 " %d %d %d %" SCNu64 " %" SCNu32,
                               &end.started_ms, &end.ended_ms, &end.status.code, &end.status.signal, &cause,
                               &end.status.log_bytes_lost, &end.status.left_behind);
  if (read != 7 || cause < 0 || cause > end_cause_max) return std::nullopt;
  end.status.cause = static_cast<EndCause>(cause);
  return end;
}

std::optional<LastEnd> read_file(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return std::nullopt;
  char line[line_bytes_max + 1] = {};
  const ssize_t n = read(fd, line, line_bytes_max);
  close(fd);
  return n > 0 ? parse(line) : std::nullopt;
}

bool write_file(const std::string& path, const char* line, std::size_t size) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  const ssize_t n = write(fd, line, size);
  const int error = n < 0 ? errno : ENOSPC;
  close(fd);
  errno = error;
  return n == static_cast<ssize_t>(size);
}

}  // namespace

std::int64_t wall_clock_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

std::string wall_clock_text(std::int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  char text[64] = {};
  if (gmtime_r(&seconds, &parts) == nullptr) return "an unknown time";
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

std::string wall_clock_stamp(std::int64_t ms) {
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  char date[64] = {};
  char text[80] = {};
  if (gmtime_r(&seconds, &parts) == nullptr) return "?";
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(ms % 1000));
  return text;
}

bool write_last_end(const std::string& folder, const LastEnd& end) {
  char line[line_bytes_max];
  const int size = std::snprintf(
      line, sizeof line, "brood-end 1 %" PRId64 " %" PRId64 " %d %d %d %" PRIu64 " %" PRIu32 "\n",
      end.started_ms, end.ended_ms, end.status.code, end.status.signal, static_cast<int>(end.status.cause),
      end.status.log_bytes_lost, end.status.left_behind);
  const std::string fresh = folder + new_file;
  return write_file(fresh, line, static_cast<std::size_t>(size)) &&
         rename(fresh.c_str(), (folder + end_file).c_str()) == 0;
}

std::optional<LastEnd> put_aside_last_end(const std::string& folder) {
  auto end = read_file(folder + end_file);
  if (rename((folder + end_file).c_str(), (folder + before_file).c_str()) != 0) return std::nullopt;
  return end;
}

std::optional<LastEnd> read_last_end(const std::string& folder) {
  auto end = read_file(folder + end_file);
  return end ? end : read_file(folder + before_file);
}

bool is_last_end_file(const std::string& name) {
  return name == end_file + 1 || name == before_file + 1 || name == new_file + 1;
}

}  // namespace brood::exec
