// Outbox: what a supervisor's core says to its peers, as terms: {Supervisor, <<Message>>}.
//
// A body is encoded once, whatever the number of its receivers; the last of them takes the bytes themselves.
//
// Owns: its address, and the count of what it sent. Calls: `post`, once for each receiver. Thread rule:
// control thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "core/core.hpp"

namespace brood::supervisor {

class Outbox {
 public:
  /// Hands a term to the network; a node that is not connected (any more) gets nothing.
  using Post = std::function<void(const NodeName& to, EncodedTerm term)>;
  Outbox(std::string supervisor, Post post) : supervisor_(std::move(supervisor)), post_(std::move(post)) {}

  void send(const std::vector<core::Send>& sends);
  void send(const core::Send& one);

  /// What was handed to the network since the beginning: one for each receiver of a message.
  struct Sent {
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  [[nodiscard]] const Sent& sent() const { return sent_; }

 private:
  const std::string supervisor_;
  const Post post_;
  Sent sent_;
};

}  // namespace brood::supervisor
