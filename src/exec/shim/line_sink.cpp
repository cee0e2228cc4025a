#include "exec/shim/line_sink.hpp"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

namespace brood::exec {
namespace {

constexpr std::size_t journal_line_max = 48 * 1024;  // of journald's LineMax=
constexpr std::size_t syslog_line_max = 1024;        // of RFC 3164
constexpr int info = 6;
constexpr int facility_daemon = 3 << 3;
constexpr suseconds_t send_wait_us = 100'000;

/// "<3>words": 3, and the words.
int take_priority(std::string_view& line) {
  if (line.size() < 3 || line[0] != '<' || line[1] < '0' || line[1] > '7' || line[2] != '>') return info;
  const int priority = line[1] - '0';
  line.remove_prefix(3);
  return priority;
}

/// A value with a line break has its length in front of it, as of systemd's "Native Journal Protocol".
void add_field(std::string& to, std::string_view name, std::string_view value) {
  to += name;
  if (value.find('\n') == std::string_view::npos) {
    to += '=';
  } else {
    to += '\n';
    for (unsigned shift = 0; shift < 64; shift += 8)
      to += static_cast<char>(static_cast<std::uint64_t>(value.size()) >> shift & 0xff);
  }
  to += value;
  to += '\n';
}

std::string syslog_time() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  char text[32] = "Jan  1 00:00:00";
  if (localtime_r(&now, &parts) != nullptr) std::strftime(text, sizeof text, "%b %e %H:%M:%S", &parts);
  return text;
}

/// A word that ends at the first of these would be cut there by who reads it.
std::string as_tag(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c <= ' ' || c == ':' || c == '[' || c == 0x7f; }, '_');
  return text;
}

}  // namespace

LineSink::LineSink(Form form, std::string path, Source source)
    : form_(form), path_(std::move(path)), source_(std::move(source)) {}

LineSink::~LineSink() {
  if (fd_ >= 0) close(fd_);
}

void LineSink::write(std::string_view text) {
  const std::size_t most = form_ == Form::journal ? journal_line_max : syslog_line_max;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::size_t part = std::min(end, text.size());
    const std::size_t room = most - std::min(most, rest_.size());
    rest_ += text.substr(0, std::min(part, room));
    if (part > room) {  // too long
      text.remove_prefix(room);
    } else if (end == std::string_view::npos) {
      return;
    } else {
      text.remove_prefix(end + 1);
    }
    send_line(rest_);
    rest_.clear();
  }
}

void LineSink::finish() {
  if (!rest_.empty()) send_line(rest_);
  rest_.clear();
}

void LineSink::send_line(std::string_view line) {
  const std::size_t size = line.size() + 1;
  if (line.ends_with('\r')) line.remove_suffix(1);
  const int priority = take_priority(line);
  if (line.empty()) return;
  std::string datagram;
  if (form_ == Form::journal) {
    add_field(datagram, "MESSAGE", line);
    add_field(datagram, "PRIORITY", std::to_string(priority));
    add_field(datagram, "SYSLOG_IDENTIFIER", source_.child);
    add_field(datagram, "SYSLOG_PID", std::to_string(source_.pid));
    add_field(datagram, "BROOD_CHILD", source_.child);
    add_field(datagram, "BROOD_SUPERVISOR", source_.supervisor);
    add_field(datagram, "BROOD_NODE", source_.node);
  } else {
    datagram = '<' + std::to_string(facility_daemon | priority) + '>' + syslog_time() + ' ' +
               as_tag(source_.child) + '[' + std::to_string(source_.pid) + "]: ";
    datagram += line;
  }
  if (!send(datagram)) lost_.fetch_add(size, std::memory_order_relaxed);
}

bool LineSink::send(const std::string& datagram) {
  // Whoever listens there may have been started anew: the second try is to that one.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (fd_ < 0 && !open()) return false;
    const ssize_t n =
        ::send(fd_, datagram.data(), datagram.size(), MSG_NOSIGNAL | (waits_ ? 0 : MSG_DONTWAIT));
    if (n >= 0) {
      waits_ = true;
      return true;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EMSGSIZE || errno == ENOBUFS) {
      waits_ = false;
      return false;
    }
    close(fd_);
    fd_ = -1;
  }
  return false;
}

bool LineSink::open() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path_.data(), path_.size());
  fd_ = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  const timeval wait{.tv_sec = 0, .tv_usec = send_wait_us};
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  close(fd_);
  fd_ = -1;
  return false;
}

}  // namespace brood::exec
