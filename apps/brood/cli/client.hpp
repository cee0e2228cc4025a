// Client: a hidden node that asks one brood node at a time, and nothing else: it does not listen and is not
// registered with EPMD.
//
// One thread uses it; it has threads of its own.
#pragma once

#include <brood/tls.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apps/brood/cli/api.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {

struct ClientOptions {
  std::vector<NodeAddress> nodes;  ///< The first of these that can be reached; at least one.
  std::string cookie;
  std::optional<TlsOptions> tls = std::nullopt;
  std::uint16_t epmd_port = 4369;
  std::chrono::milliseconds connect_timeout{7000};
};

class Client final : public Api {
 public:
  /// Troubles are of status exit_unreachable, with the words of every node: no such host, EPMD down, not
  /// registered, connection refused, wrong cookie, timeout, ... Only reaching a node is tried at the next:
  /// what was asked of one may have happened.
  [[nodiscard]] static Outcome<std::unique_ptr<Client>> connect(ClientOptions options);
  ~Client() override;

  Outcome<Term> request(const Term& request, std::chrono::milliseconds timeout) override;
  Outcome<Term> request_while(const Term& request, std::chrono::milliseconds timeout,
                              const std::function<void()>& meanwhile) override;
  Outcome<void> reach_again() override;
  [[nodiscard]] const std::string& node() const override;

 private:
  struct Impl;
  explicit Client(ClientOptions options);
  std::unique_ptr<Impl> impl_;  ///< Never empty once connect() has returned it.
  const ClientOptions options_;
};

/// ERL_EPMD_PORT from the environment, else 4369.
[[nodiscard]] std::uint16_t epmd_port_from_environment();

}  // namespace brood::app
