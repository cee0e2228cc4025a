// Prober: tries TCP connections without blocking anybody: one thread for all monitors of the program, which
// lives while somebody holds the Prober.
//
// Thread rule: any thread; answers come on the prober's thread and must not hold the last Prober.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace brood::app::builtin {

struct ProbeResult {
  std::string error;  ///< Empty: it connected.
  std::chrono::microseconds took{0};
};

class Prober {
 public:
  /// The program's one prober.
  [[nodiscard]] static std::shared_ptr<Prober> shared();
  Prober();
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// Resolves and connects, and closes at once. `done` runs exactly once, unless the prober ends before.
  void probe(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
             std::function<void(ProbeResult)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace brood::app::builtin
