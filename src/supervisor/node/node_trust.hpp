// NodeTrust: what a peer may do, by whether it has proved to be the node that it says it is.
//
// Owns: how much was refused, and when a line about a peer was last written. Reads: the options, the network
// and the peer directory. Calls nobody.
//
// Thread rule: any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "node/net/log_limiter.hpp"
#include "supervisor/node/network.hpp"
#include "supervisor/node/peer_directory.hpp"

namespace brood::supervisor {

class NodeTrust {
 public:
  NodeTrust(const NodeOptions& options, const process::Runtime& runtime, const Network& network,
            const PeerDirectory& peers)
      : options_(options), runtime_(runtime), network_(network), peers_(peers) {}

  /// The start of a connected brood node that has proved to be it; nullopt: none, and its message is refused,
  /// which is counted and said in the log.
  [[nodiscard]] std::optional<std::uint32_t> proven_creation(const NodeName& node);
  /// Whether a process of that node may start commands that no file lists, as far as it is this node's to
  /// say.
  [[nodiscard]] bool may_start_commands(const NodeName& node) const;
  /// Counts, and says in the log, that such a command was refused.
  void note_refused_command(const NodeName& by);

  [[nodiscard]] std::uint64_t commands_refused() const { return commands_refused_; }
  /// Messages of supervisors that came from peers that have not proved to be brood nodes.
  [[nodiscard]] std::uint64_t unproven_refused() const { return unproven_refused_; }

 private:
  const NodeOptions& options_;
  const process::Runtime& runtime_;
  const Network& network_;
  const PeerDirectory& peers_;
  node::LogLimiter limiter_;
  std::atomic<std::uint64_t> unproven_refused_ = 0;
  std::atomic<std::uint64_t> commands_refused_ = 0;
};

/// At the start of a node: commands over connections that anybody in between can change.
void warn_of_plain_exec(const NodeOptions& options);

}  // namespace brood::supervisor
