// tcp_monitor: connects to a server again and again and knows whether it answers.
//
// Start argument: #{host => <<"127.0.0.1">>, port => 7101, every_ms => 1000, timeout_ms => 1000}; host and
// port are required. Call: status -> #{up, checks, failures, last_ms, last_error, host, port}; up is false
// until the first check has ended.
#pragma once

#include <brood/worker.hpp>

#include "apps/brood/workers/prober.hpp"

namespace brood::app::builtin {

struct status {};

struct MonitorOptions {
  std::string host;
  std::uint16_t port = 0;
  std::chrono::milliseconds every{1000};
  std::chrono::milliseconds timeout{1000};
};

/// invalid_argument that names the key.
[[nodiscard]] Result<MonitorOptions> monitor_options(const Term& argument);

class TcpMonitor : public Worker {
 public:
  static constexpr std::string_view worker_name = "tcp_monitor";
  using handles = messages<status>;
  /// Throws std::invalid_argument: the start fails with its words.
  explicit TcpMonitor(const Term& argument);

  Term on(status) const;
  void info(const Term& message);

 private:
  void check();
  void finished(const ProbeResult& result);

  MonitorOptions options_;
  std::shared_ptr<Prober> prober_ = Prober::shared();
  std::function<void(std::function<void()>)> post_;
  bool up_ = false;
  std::int64_t checks_ = 0;
  std::int64_t failures_ = 0;
  std::chrono::microseconds last_took_{0};
  std::string last_error_;
  std::chrono::steady_clock::time_point began_;
};

}  // namespace brood::app::builtin
