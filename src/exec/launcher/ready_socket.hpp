// ReadySocket: where a program says that it is ready, by the protocol of sd_notify(3): a datagram with the
// line READY=1 to the socket that NOTIFY_SOCKET names. Programs made for systemd's Type=notify do so already.
//
// It lives in the abstract namespace under a name that cannot be guessed, so that nothing of it is left
// behind; and only the words of this user, of the program's and of root count.
//
// Thread rule: none; owned by one thread.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "exec/launcher/spawn.hpp"

namespace brood::exec {

class ReadySocket {
 public:
  /// `name`: unique on this machine. Fails (`io`) where the system gives no socket.
  static Result<ReadySocket> open(const std::string& name);

  /// What NOTIFY_SOCKET is set to.
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// The user that the program runs as, where that is another than this process's.
  void trust(std::optional<uid_t> user) { user_ = user; }
  /// Reads what has come; never waits. True: the program has said that it is ready.
  bool is_said();

 private:
  Fd fd_;
  std::string address_;
  std::optional<uid_t> user_;
};

}  // namespace brood::exec
