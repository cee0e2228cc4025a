// WitnessLine: this node's one TCP connection to a witness outside the cluster, over which its workers report
// what they do, a line each: `start|stop|beat ID NODE PID EPOCH`.
//
// Thread rule: any thread. A report has been handed to the kernel when report() returns.
#pragma once

#include <brood/worker.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace brood::chaos {

class WitnessLine {
 public:
  /// The line to that witness, shared by all workers of the program.
  [[nodiscard]] static std::shared_ptr<WitnessLine> to(const std::string& host, std::uint16_t port);

  WitnessLine(std::string host, std::uint16_t port) : host_(std::move(host)), port_(port) {}
  ~WitnessLine();
  WitnessLine(const WitnessLine&) = delete;
  WitnessLine& operator=(const WitnessLine&) = delete;

  /// Connects when it is not connected. False: the witness cannot be reached.
  bool report(std::string_view what, const WorkerIdentity& who, const Pid& pid);

 private:
  bool connect_locked();
  bool write_locked(std::string_view line);

  std::string host_;
  std::uint16_t port_;
  std::mutex mutex_;
  int socket_ = -1;  ///< Guarded by mutex_.
};

}  // namespace brood::chaos
