// Outbox: what a supervisor's core says to its peers, as terms: {Supervisor, <<Message>>}.
//
// A body is encoded once, whatever the number of its receivers; the last of them takes the bytes themselves.
// What one step says to a peer is handed over in one piece, for each write to a socket costs as much as the
// rest of a small step.
//
// Owns: its address, and the count of what it sent. Calls: `post`, once for each receiver in a step. Thread
// rule: control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/core.hpp"

namespace brood::supervisor {

class Outbox {
 public:
  /// Hands terms to the network, in their order; a node that is not connected (any more) gets nothing.
  using Post = std::function<void(const NodeName& to, std::vector<EncodedTerm> terms)>;
  Outbox(std::string supervisor, Post post) : supervisor_(std::move(supervisor)), post_(std::move(post)) {}

  /// To each receiver in the order given. Who has the last word comes first: answers are what somebody waits
  /// for, and stand behind the changes that all are told.
  void send(const std::vector<core::Send>& sends);

  /// What was handed to the network since the beginning: one for each receiver of a message.
  struct Sent {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] const Sent& sent() const { return sent_; }

 private:
  [[nodiscard]] EncodedTerm encoded(const core::Send& one);

  const std::string supervisor_;
  const Post post_;
  Sent sent_;
};

}  // namespace brood::supervisor
