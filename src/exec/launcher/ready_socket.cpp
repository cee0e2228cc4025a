#include "exec/launcher/ready_socket.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace brood::exec {
namespace {

constexpr std::size_t datagram_max = 4096;
/// So many at one time: a program that sends without end must not keep others from being heard.
constexpr int datagrams_max = 64;

bool has_line(std::string_view text, std::string_view line) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    if (text.substr(0, end) == line) return true;
    if (end == std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return false;
}

bool is_trusted(const msghdr& message, uid_t program) {
  for (cmsghdr* one = CMSG_FIRSTHDR(&message); one != nullptr;
       one = CMSG_NXTHDR(const_cast<msghdr*>(&message), one)) {
    if (one->cmsg_level != SOL_SOCKET || one->cmsg_type != SCM_CREDENTIALS) continue;
    ucred who{};
    std::memcpy(&who, CMSG_DATA(one), sizeof who);
    return who.uid == 0 || who.uid == geteuid() || who.uid == program;
  }
  return false;
}

}  // namespace

Result<ReadySocket> ReadySocket::open(const std::string& name) {
  const auto fail = [](const char* what) {
    return Error{Errc::io, std::string(what) + ": " + std::generic_category().message(errno)};
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.size() + 1 > sizeof address.sun_path) return Error{Errc::io, "the name of a socket is too long"};
  std::memcpy(address.sun_path + 1, name.data(), name.size());  // a zero before it: the abstract namespace
  ReadySocket made;
  made.fd_ = Fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.fd_) return fail("no socket for a program to say that it is ready");
  const int on = 1;
  if (setsockopt(made.fd_.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return fail("cannot learn who says that a program is ready");
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  if (bind(made.fd_.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0)
    return fail("cannot name the socket for a program to say that it is ready");
  made.address_ = '@' + name;
  return made;
}

bool ReadySocket::is_said() {
  bool said = false;
  std::array<char, datagram_max> text;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(ucred))> control;
  for (int left = datagrams_max; left > 0; --left) {
    iovec piece{text.data(), text.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) break;
    if ((message.msg_flags & MSG_TRUNC) != 0 || !is_trusted(message, user_.value_or(geteuid()))) continue;
    said = said || has_line({text.data(), static_cast<std::size_t>(size)}, "READY=1");
  }
  return said;
}

}  // namespace brood::exec
