// FairQueue: what is to be sent to one peer, and in which order it leaves. A message that is larger than a
// fragment is cut; its sender stands in line from then on, and the senders in line take turns, a fragment
// each, while the small messages of all others pass between.
//
// Invariant: what one sender sends leaves in its order (a fragmented message is complete before anything else
// of its sender begins). Callers from outside any process share one pid: they count as one sender for each
// receiver, or a large call of one would hold up all others.
//
// Thread rule: none of its own; its owner locks.
#pragma once

#include <compare>
#include <deque>
#include <list>
#include <map>

#include "node/channel/send_queue.hpp"

namespace brood::node {

/// The most of a payload that one frame carries.
inline constexpr std::size_t fragment_bytes = 64 * 1024;

class FairQueue {
 public:
  /// Where messages pass through whole, no sender ever stands in line. Before the first message.
  void set_framing(Framing framing) { framing_ = framing; }

  /// One message. `payload` may be empty, and is moved from. Returns how many bytes will go out for it.
  std::size_t append(const OutgoingControl& control, EncodedTerm&& payload);
  std::size_t append_tick();

  [[nodiscard]] bool empty() const { return bytes_ == 0; }
  /// Not yet handed out by refill().
  [[nodiscard]] std::size_t bytes() const { return bytes_; }
  /// Of senders in line: what messages of others pass by.
  [[nodiscard]] std::size_t bytes_in_line() const { return bytes_ - ready_.bytes(); }
  /// A message of so many bytes would have to wait for its sender's turns.
  [[nodiscard]] bool must_stand_in_line(const OutgoingControl& control, std::size_t payload_bytes) const;
  void clear();

  /// Fills `out`, which must be empty, with what is to be written next. False: there is nothing.
  bool refill(SendQueue& out);

 private:
  struct Sender {
    std::uint32_t id = 0;
    std::uint32_t serial = 0;
    std::size_t receiver = 0;  ///< A hash; of callers from outside any process only.
    friend auto operator<=>(const Sender&, const Sender&) = default;
  };
  /// Frames of small messages, or one large message of which `next` fragments are still to go.
  struct Item {
    Bytes head;  ///< The frames; what goes before a large payload.
    SharedOctets payload;
    std::size_t offset = 1;  ///< Behind the version byte.
    std::uint64_t sequence = 0;
    std::uint64_t fragments = 0;
  };
  struct Line {
    Sender sender;
    std::deque<Item> items;
  };
  using Lines = std::list<Line>;

  [[nodiscard]] static Sender sender_of(const OutgoingControl& control);
  std::size_t stand_in_line(const Sender& sender, const OutgoingControl& control, EncodedTerm&& payload);
  void take_turn(Line& line, SendQueue& out);
  bool send_fragment(Item& item, SendQueue& out);

  Framing framing_ = Framing::header;
  SendQueue ready_;  ///< Of senders that are not in line.
  Lines lines_;      ///< In the order of their turns.
  std::map<Sender, Lines::iterator> in_line_;
  std::size_t bytes_ = 0;
  std::uint64_t last_sequence_ = 0;
  Bytes head_;  ///< Reused.
};

}  // namespace brood::node
