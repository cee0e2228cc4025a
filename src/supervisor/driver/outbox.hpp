// Outbox: what a supervisor's core says to its peers, as terms: {Supervisor, <<Message>>}.
//
// A body is encoded once, whatever the number of its receivers; the last of them takes the bytes themselves.
//
// Owns: nothing but its address. Calls: `post`, once for each receiver. Thread rule: control thread only.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/core.hpp"

namespace brood::supervisor {

class Outbox {
 public:
  /// Hands a term to the network; a node that is not connected (any more) gets nothing.
  using Post = std::function<void(const NodeName& to, Bytes term)>;
  Outbox(std::string supervisor, Post post) : supervisor_(std::move(supervisor)), post_(std::move(post)) {}

  void send(const std::vector<core::Send>& sends) const;
  void send(const core::Send& one) const;

 private:
  const std::string supervisor_;
  const Post post_;
};

}  // namespace brood::supervisor
