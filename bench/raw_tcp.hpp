// A bare TCP ping-pong over loopback, two blocking threads and nothing else: what the kernel takes for a
// round trip, and so the floor of every measurement of one.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <thread>

namespace brood::bench {

inline bool transfer_all(int fd, std::string& bytes, bool sending) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t count = sending ? ::send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL)
                                  : ::recv(fd, bytes.data() + at, bytes.size() - at, 0);
    if (count <= 0) return false;
    at += static_cast<std::size_t>(count);
  }
  return true;
}

/// Microseconds of a round trip of `bytes`, the mean of `rounds`. 0: the sockets could not be made.
inline double tcp_round_trip_us(std::size_t bytes, std::size_t rounds) {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(listening, reinterpret_cast<sockaddr*>(&address), length);
  ::listen(listening, 1);
  ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) return 0;
  const int other = ::accept(listening, nullptr, nullptr);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(other, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  std::thread echo([other, bytes] {
    std::string buffer(bytes, 'x');
    while (transfer_all(other, buffer, false) && transfer_all(other, buffer, true)) {
    }
  });
  std::string buffer(bytes, 'x');
  const auto since = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < rounds; ++i) {
    if (!transfer_all(fd, buffer, true) || !transfer_all(fd, buffer, false)) break;
  }
  const auto taken = std::chrono::steady_clock::now() - since;
  ::shutdown(fd, SHUT_RDWR);
  echo.join();
  for (const int open : {fd, other, listening}) ::close(open);
  return std::chrono::duration<double, std::micro>(taken).count() / static_cast<double>(rounds);
}

}  // namespace brood::bench
