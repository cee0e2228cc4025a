#include "tests/plugins/witness_line.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

namespace brood::chaos {
namespace {

// An id on the line: one word.
std::string one_word(const Id& id) {
  auto text = id.text();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= ' '; }, '_');
  return text;
}

}  // namespace

std::shared_ptr<WitnessLine> WitnessLine::to(const std::string& host, std::uint16_t port) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::uint16_t>, std::shared_ptr<WitnessLine>> lines;
  const std::lock_guard guard(mutex);
  auto& line = lines[{host, port}];
  if (!line) line = std::make_shared<WitnessLine>(host, port);
  return line;
}

WitnessLine::~WitnessLine() {
  if (socket_ >= 0) ::close(socket_);
}

bool WitnessLine::connect_locked() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  if (::inet_pton(AF_INET, host_.c_str(), &address.sin_addr) != 1) return false;
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket_ < 0) return false;
  const int on = 1;
  (void)::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  ::close(socket_);
  socket_ = -1;
  return false;
}

bool WitnessLine::write_locked(std::string_view line) {
  if (socket_ < 0 && !connect_locked()) return false;
  while (!line.empty()) {
    const auto sent = ::send(socket_, line.data(), line.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) {
      ::close(socket_);
      socket_ = -1;
      return false;
    }
    line.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool WitnessLine::report(std::string_view what, const WorkerIdentity& who, const Pid& pid) {
  // A stop says when it was, by the clock that the witness has too: it may be read late.
  const std::chrono::duration<double> now = std::chrono::steady_clock::now().time_since_epoch();
  const auto kind = what == "stop" ? fmt::format("stop@{:.6f}", now.count()) : std::string(what);
  const auto line = fmt::format("{} {} {} {} {}\n", kind, one_word(who.child_id), pid.node.text(),
                                to_string(pid), who.epoch_clock);
  const std::lock_guard guard(mutex_);
  return write_locked(line) || write_locked(line);
}

}  // namespace brood::chaos
