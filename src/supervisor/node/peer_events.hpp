// PeerEvents: what happens in this node when the network tells of another one: who is told, and what that one
// is told first. It decides nothing.
//
// Owns: nothing. Writes: the peer directory. Calls: the runtime, the network, drivers, the watch.
//
// Thread rule: the network's loop, one event at a time; found() from any thread.
#pragma once

#include "supervisor/node/node_trust.hpp"
#include "supervisor/node/node_watch.hpp"
#include "supervisor/node/peer_directory.hpp"
#include "supervisor/node/seeds.hpp"
#include "supervisor/node/supervisor_table.hpp"
#include "supervisor/node/up_watch.hpp"

namespace brood::supervisor {

class RequestServer;

/// What brood nodes say to each other goes to this name.
inline const Atom peer_name("brood_peer");

class PeerEvents {
 public:
  struct Parts {
    const NodeOptions& options;
    process::Runtime& runtime;
    Network& network;
    PeerDirectory& peers;
    NodeWatch& watch;
    Seeds& seeds;
    UpWatch& up;
    NodeTrust& trust;
    SupervisorTable& supervisors;
    RequestServer& requests;
  };
  explicit PeerEvents(Parts parts) : parts_(parts) {}

  [[nodiscard]] node::DistributionEvents events();
  /// What came for peer_name.
  void receive(const process::Incoming& incoming);
  /// A strategy has named a node: it is connected to, unless it is already or was tried just now.
  void found(const std::string& address);

 private:
  void up(const node::PeerInfo& peer);
  void down(const node::PeerInfo& peer, node::DownReason reason, const std::string& words);
  void connect_failed(const NodeName& node, node::ConnectFailure failure, const std::string& words);
  void seed_failed(const NodeName& node, node::ConnectFailure failure, const std::string& words);
  void note_brood(const NodeName& node);
  void to_all(const core::Event& event);

  const Parts parts_;
};

}  // namespace brood::supervisor
