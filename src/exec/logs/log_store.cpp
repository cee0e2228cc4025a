#include "exec/logs/log_store.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>

#include "base/hash.hpp"

namespace brood::exec {
namespace {

constexpr std::size_t name_digits = 20;
constexpr std::string_view times_suffix = ".t";
/// A week of a segment that is written to each second.
constexpr std::size_t times_bytes_max = std::size_t{16} << 20;

std::optional<std::uint64_t> parse_base(std::string_view name) {
  std::uint64_t base = 0;
  if (name.size() != name_digits) return std::nullopt;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), base);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return base;
}

/// Appends up to `bytes_max` bytes of a segment, from `at` within it.
void append_segment(const std::string& path, std::uint64_t at, std::size_t bytes_max, std::string& text) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return;
  const std::size_t start = text.size();
  text.resize(start + bytes_max);
  std::size_t done = 0;
  while (done < bytes_max) {
    const ssize_t n = pread(fd, text.data() + start + done, bytes_max - done, static_cast<off_t>(at + done));
    if (n <= 0) break;
    done += static_cast<std::size_t>(n);
  }
  text.resize(start + done);
  close(fd);
}

bool is_plain(char c, bool first) {
  if (c == '.') return !first;
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::string log_file_name(std::string_view log_name) {
  static constexpr std::size_t name_bytes_max = 200;
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string name;
  for (const char c : log_name) {
    if (is_plain(c, name.empty())) {
      name += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      name += {'%', hex[byte >> 4], hex[byte & 15]};
    }
  }
  if (name.empty()) return "%";  // no other name gives a single '%'
  if (name.size() <= name_bytes_max) return name;
  char tail[32];
  std::snprintf(tail, sizeof tail, "%%~%016llx", static_cast<unsigned long long>(fnv1a64(log_name)));
  return name.substr(0, name_bytes_max - 18) + tail;
}

bool is_log_segment(const std::string& name) {
  return parse_base(name).has_value();
}

std::string log_segment_path(const std::string& folder, std::uint64_t base) {
  char name[name_digits + 1];
  std::snprintf(name, sizeof name, "%020llu", static_cast<unsigned long long>(base));
  return folder + '/' + name;
}

std::vector<LogSegment> log_segments(const std::string& folder) {
  std::vector<LogSegment> segments;
  DIR* dir = opendir(folder.c_str());
  if (dir == nullptr) return segments;
  while (const dirent* entry = readdir(dir)) {
    const auto base = parse_base(entry->d_name);
    struct stat status {};
    if (!base || fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    segments.push_back({*base, static_cast<std::uint64_t>(status.st_size)});
  }
  closedir(dir);
  std::sort(segments.begin(), segments.end(), [](const auto& a, const auto& b) { return a.base < b.base; });
  for (std::size_t i = 0; i + 1 < segments.size(); ++i) {
    segments[i].size = std::min(segments[i].size, segments[i + 1].base - segments[i].base);
  }
  return segments;
}

std::string log_times_path(const std::string& folder, std::uint64_t base) {
  return log_segment_path(folder, base) + std::string(times_suffix);
}

bool is_log_times(const std::string& name) {
  return name.size() == name_digits + times_suffix.size() && name.ends_with(times_suffix) &&
         parse_base(std::string_view(name).substr(0, name_digits)).has_value();
}

std::uint64_t log_offset_since(const std::string& folder, std::int64_t since_ms) {
  const auto segments = log_segments(folder);
  for (const auto& segment : segments) {
    std::string bytes;
    append_segment(log_times_path(folder, segment.base), 0, times_bytes_max, bytes);
    for (std::size_t at = 0; at + sizeof(LogTime) <= bytes.size(); at += sizeof(LogTime)) {
      LogTime time;
      std::memcpy(&time, bytes.data() + at, sizeof time);
      // The next second's text has no time of its own.
      if (time.ms > since_ms - log_times_every_ms) return std::max(time.offset, segment.base);
    }
  }
  return segments.empty() ? 0 : segments.back().base + segments.back().size;
}

LogText read_log(const std::string& folder, std::uint64_t offset, std::size_t bytes_max) {
  LogText result{{}, offset, offset};
  bool any = false;
  const auto segments = log_segments(folder);
  for (const auto& segment : segments) {
    const std::uint64_t end = segment.base + segment.size;
    if (end <= result.next) continue;
    // A gap between segments (one vanished while we read) ends this piece; the next call goes on behind it.
    if (any && segment.base > result.next) break;
    if (!any) result.offset = result.next = std::max(offset, segment.base);
    any = true;
    const std::size_t before = result.text.size();
    const std::size_t want = std::min<std::uint64_t>(bytes_max - before, end - result.next);
    append_segment(log_segment_path(folder, segment.base), result.next - segment.base, want, result.text);
    result.next += result.text.size() - before;
    if (result.text.size() >= bytes_max) break;
  }
  if (!any && !segments.empty()) {
    // Past the end: a log that began anew is read from where it is now.
    result.offset = result.next = std::min(offset, segments.back().base + segments.back().size);
  }
  return result;
}

void trim_to_line(LogText& text) {
  std::size_t at = text.text.find('\n') + 1;  // 0 if there is none
  if (at == 0) {
    while (at < text.text.size() && (static_cast<unsigned char>(text.text[at]) & 0xC0) == 0x80) ++at;
  }
  // What holds one end of a line only is better than nothing, which would look like the end of the log.
  if (at == text.text.size()) return;
  text.text.erase(0, at);
  text.offset += at;
}

LogText read_log_tail(const std::string& folder, std::size_t lines, std::size_t bytes_max) {
  const auto segments = log_segments(folder);
  if (segments.empty()) return {};
  const std::uint64_t end = segments.back().base + segments.back().size;
  // One byte more than asked for tells whether the text begins at the start of a line.
  const std::uint64_t before = end > bytes_max ? end - bytes_max - 1 : 0;
  LogText result = read_log(folder, before, end > bytes_max ? bytes_max + 1 : bytes_max);
  bool within_line = result.offset > 0;
  if (end > bytes_max && result.offset == before && !result.text.empty()) {
    within_line = result.text.front() != '\n';
    result.text.erase(0, 1);
    ++result.offset;
  }
  std::size_t end_of_lines = result.text.size();
  if (end_of_lines > 0 && result.text.back() == '\n') --end_of_lines;  // the final line's own end
  std::size_t at = lines == 0 ? result.text.size() : 0;
  for (std::size_t left = lines, scan = end_of_lines; left > 0 && scan > 0; --left) {
    const auto newline = result.text.rfind('\n', scan - 1);
    if (newline == std::string::npos) break;
    scan = newline;
    if (left == 1) at = newline + 1;
  }
  result.offset += at;
  result.text.erase(0, at);
  if (at == 0 && within_line) trim_to_line(result);
  return result;
}

}  // namespace brood::exec
