// Waiting: messages for a node that is being connected. They are kept whole, not encoded: how a message is
// written depends on what the peer understands, which the handshake will tell.
//
// Thread rule: none of its own; its owner locks.
#pragma once

#include <deque>
#include <optional>

#include "node/channel/dialect.hpp"

namespace brood::node {

class Waiting {
 public:
  /// Takes the payload; the rest is copied. Returns how many bytes it takes, about.
  std::size_t append(const OutgoingControl& control, EncodedTerm&& payload);

  [[nodiscard]] bool empty() const { return parcels_.empty(); }
  [[nodiscard]] std::size_t size() const { return parcels_.size(); }
  /// What they take, about.
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  void clear();

  /// Hands each message to `each(Outgoing&)`, in their order, and forgets it.
  template <typename F>
  void hand_over(F each) {
    for (Parcel& parcel : parcels_) {
      Outgoing message{parcel.control(), std::move(parcel.payload)};
      each(message);
    }
    clear();
  }

 private:
  struct Parcel {
    OutgoingControl plain;  ///< What is no pointer of it.
    std::optional<Pid> from;
    std::optional<Pid> to;
    std::optional<Atom> name;
    std::optional<Ref> ref;
    Bytes head;
    EncodedTerm payload;
    [[nodiscard]] OutgoingControl control() const;
  };
  std::deque<Parcel> parcels_;
  std::size_t bytes_ = 0;
};

}  // namespace brood::node
