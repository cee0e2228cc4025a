// Starting a shim from the node: a program of many threads, so no fork of it, and none of its descriptors
// but the two meant for the shim.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <brood/result.hpp>
#include <map>
#include <string>
#include <vector>

#include "exec/command.hpp"
#include "exec/launcher/identity.hpp"

namespace brood::exec {

/// A descriptor that closes itself.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() { reset(); }
  void reset();
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

using Environment = std::map<std::string, std::string>;
/// This process's environment now, without what its service manager gave it to talk to it. Not while another
/// thread changes it.
[[nodiscard]] Environment current_environment();

/// How many descriptors this process might have open when it was started, whatever it has raised since.
[[nodiscard]] rlimit file_limit_at_start();

/// Where the shim is: `wanted` if that is not empty, else beside this program, in ../libexec/brood or ../bin
/// of it, or in PATH. `io` with the places that were searched.
[[nodiscard]] Result<std::string> find_shim(const std::string& wanted);

/// Bytes that are kept of its output; `otherwise` where the command says nothing.
[[nodiscard]] std::uint64_t log_size_of(const Command& command, std::size_t otherwise);
[[nodiscard]] unsigned log_files_of(const Command& command);

struct ShimRequest {
  std::string shim_path;
  std::string log_folder;
  const Command& command;
  /// Of the node, with the identity's and those of a file; the command's own entries win.
  const Environment& environment;
  const Identity& identity;
  std::string instance;  ///< Value of `instance_variable`.
  int heartbeat_fd = -1;
  std::size_t log_bytes_max = 0;  ///< Where the command says nothing.
  std::string journal = {};       ///< Sockets that its output goes to as well; empty: not.
  std::string syslog = {};
  std::string cgroup = {};  ///< The folder of its own; empty: it has none.
};

struct ShimProcess {
  pid_t pid = 0;
  /// The node's end. Shut down for writing, it makes the shim kill its program; its end is the shim's.
  Fd control;
};

/// Waits for the exec of the shim (well under a millisecond), not for its program. `start_failed` if the
/// system refuses. The caller reaps it.
[[nodiscard]] Result<ShimProcess> spawn_shim(const ShimRequest& request);

}  // namespace brood::exec
