// TlsContext: a node's certificate, key and CAs, ready for new connections. The files are looked at again
// whenever a connection begins: changed ones are read and used from then on. If they are of no use, the old
// ones stay, and that is logged once for each change.
//
// Thread rule: one thread at a time.
#pragma once

#include <openssl/types.h>

#include <array>
#include <brood/result.hpp>
#include <brood/tls.hpp>
#include <ctime>
#include <memory>
#include <string>

#include "node/tls/tls_engine.hpp"

namespace brood::node {

class TlsContext {
 public:
  /// Reads the files. `own_host`: what peers will want the certificate to be for, and a warning if it is not;
  /// empty: nobody connects to this node. Errors, with the file and what to do: io (cannot be read),
  /// invalid_argument (others have access to the key, not PEM, the key belongs to another certificate, the
  /// certificate has expired).
  [[nodiscard]] static Result<std::unique_ptr<TlsContext>> load(const TlsOptions& options,
                                                                const std::string& own_host);

  /// For a connection that is accepted.
  [[nodiscard]] std::unique_ptr<TlsEngine> server();
  /// For a connection to a node of that host.
  [[nodiscard]] std::unique_ptr<TlsEngine> client(const std::string& host);

 private:
  struct Free {
    void operator()(SSL_CTX* context) const;
  };
  using ContextPtr = std::unique_ptr<SSL_CTX, Free>;

  /// Differs once a file has been written or replaced.
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  using Stamps = std::array<Stamp, 3>;

  explicit TlsContext(const TlsOptions& options) : options_(options) {}
  [[nodiscard]] Stamps stamps() const;
  [[nodiscard]] Result<ContextPtr> read() const;
  void refresh();

  const TlsOptions options_;
  Stamps seen_{};
  ContextPtr context_;
};

}  // namespace brood::node
