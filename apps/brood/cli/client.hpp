// Client: a hidden node that asks one brood node, and nothing else: it does not listen and is not registered
// with EPMD.
//
// One thread uses it; it has threads of its own.
#pragma once

#include <brood/tls.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "apps/brood/cli/api.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {

struct ClientOptions {
  NodeAddress node;
  std::string cookie;
  std::optional<TlsOptions> tls = std::nullopt;
  std::uint16_t epmd_port = 4369;
  std::chrono::milliseconds connect_timeout{7000};
};

class Client final : public Api {
 public:
  /// Connects. Troubles are of status exit_unreachable: no such host, EPMD down, not registered, connection
  /// refused, wrong cookie, timeout, ...
  [[nodiscard]] static Outcome<std::unique_ptr<Client>> connect(const ClientOptions& options);
  ~Client() override;

  Outcome<Term> request(const Term& request, std::chrono::milliseconds timeout) override;
  Outcome<Term> request_while(const Term& request, std::chrono::milliseconds timeout,
                              const std::function<void()>& meanwhile) override;
  [[nodiscard]] const std::string& node() const override;

 private:
  struct Impl;
  explicit Client(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// ERL_EPMD_PORT from the environment, else 4369.
[[nodiscard]] std::uint16_t epmd_port_from_environment();

}  // namespace brood::app
