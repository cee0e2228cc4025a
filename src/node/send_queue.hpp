// SendQueue: encoded frames on their way to one peer, in order, as a few large pieces of memory that are
// written to the socket together. Pieces are used again: small messages take no memory in the steady state.
// Large payloads are moved in, not copied.
//
// Thread rule: none of its own; its owner locks.
#pragma once

#include <sys/uio.h>

#include <brood/term.hpp>
#include <span>
#include <vector>

#include "node/control.hpp"

namespace brood::node {

class SendQueue {
 public:
  /// One message. `payload` is an encoded term with version byte, or empty; it may be moved from.
  /// Returns how many bytes were added.
  std::size_t append(const OutgoingControl& control, Bytes&& payload);
  std::size_t append_tick();
  /// What `other` holds, behind what is here; `other` is empty afterwards.
  void append_all(SendQueue&& other);

  [[nodiscard]] bool empty() const { return used_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  void clear();

  /// Fills `slots` with what is to be written first; returns how many were filled.
  std::size_t gather(std::span<iovec> slots) const;
  /// The first `count` bytes have been written.
  void consume(std::size_t count);

  void swap(SendQueue& other) noexcept;

 private:
  Bytes& open_piece();
  void seal(Bytes&& piece);
  void recycle(Bytes& piece);

  std::vector<Bytes> pieces_;  ///< Those from used_ on are empty and kept for their memory.
  std::size_t used_ = 0;
  std::size_t first_ = 0;   ///< The piece that is being written.
  std::size_t offset_ = 0;  ///< How much of it has been.
  std::size_t bytes_ = 0;   ///< Not yet written.
  bool open_ = false;       ///< The last piece may be added to.
};

}  // namespace brood::node
