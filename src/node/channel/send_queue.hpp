// SendQueue: encoded frames on their way to one peer, in order, as a few large pieces of memory that are
// written to the socket together. Pieces are used again: small messages take no memory in the steady state.
// Large payloads are not copied. Who comes next where messages are large is decided by FairQueue.
//
// Thread rule: none of its own; its owner locks.
#pragma once

#include <sys/uio.h>

#include <brood/term.hpp>
#include <span>
#include <vector>

#include "node/channel/dialect.hpp"

namespace brood::node {

/// An encoded term that several pieces show parts of.
using detail::SharedOctets;

class SendQueue {
 public:
  /// One message in one frame. `payload` may be empty, and is moved from. Returns how many bytes were added.
  std::size_t append(const OutgoingControl& control, EncodedTerm&& payload,
                     Framing framing = Framing::header);
  std::size_t append_tick();
  /// Whole frames.
  void append_bytes(BytesView frames);
  /// A fragment: `head` (the length of its frame among it), then a part of a payload.
  void append_fragment(BytesView head, const SharedOctets& payload, BytesView part);

  [[nodiscard]] bool empty() const { return used_ == 0; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  void clear();

  /// Fills `slots` with what is to be written first; returns how many were filled.
  std::size_t gather(std::span<iovec> slots) const;
  /// The first `count` bytes have been written.
  void consume(std::size_t count);

  void swap(SendQueue& other) noexcept;

 private:
  /// Bytes of its own, or a part of shared ones.
  struct Piece {
    Bytes own;
    SharedOctets shared;
    BytesView part;
    [[nodiscard]] BytesView view() const { return shared ? part : BytesView(own); }
  };
  Bytes& open_piece();
  void seal(SharedOctets shared, BytesView part);
  void recycle(Piece& piece);

  std::vector<Piece> pieces_;  ///< Those from used_ on are empty and kept for their memory.
  std::size_t used_ = 0;
  std::size_t first_ = 0;   ///< The piece that is being written.
  std::size_t offset_ = 0;  ///< How much of it has been.
  std::size_t bytes_ = 0;   ///< Not yet written.
  bool open_ = false;       ///< The last piece may be added to.
};

}  // namespace brood::node
