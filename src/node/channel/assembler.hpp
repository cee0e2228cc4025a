// Assembler: puts the fragments of large messages together again, several messages at a time. Whole messages
// pass through it untouched.
//
// Invariants: memory is held for what has arrived, within the limits (and address space of up to 32 times as
// much, where the header says that more comes). A message that would go beyond one of them is given up: its
// beginning is handed out, what comes of it later is passed over.
//
// Thread rule: none of its own; one for each channel.
#pragma once

#include <brood/term.hpp>
#include <optional>
#include <unordered_map>

#include "node/channel/dist_header.hpp"
#include "node/channel/frames.hpp"

namespace brood::node {

struct AssemblyLimits {
  std::size_t message_bytes_max;      ///< Of one message.
  std::size_t bytes_max;              ///< Of all that are incomplete. Too small: of many large messages at
                                      ///< once some are refused.
  std::size_t messages_max = 16'384;  ///< Incomplete at once; a sender has one under way at a time.
};

class Assembler {
 public:
  explicit Assembler(const AssemblyLimits& limits) : limits_(limits) {}

  /// Takes a frame. The body of a message, to be read with decode_control() and payload(), valid until the
  /// next call; or the beginning of one (`is_cut`) that is too large; nullopt while more of it is to come.
  /// Errors: malformed (a fragment out of turn, or of no message, or a control term that does not end in the
  /// first one, as it has to), limit_exceeded (messages_max).
  [[nodiscard]] Result<std::optional<Frame>> take(const Frame& frame);

  /// The payload of what take() gave last, with version byte, to be taken over; nullptr: it is in the body.
  [[nodiscard]] Bytes* payload() { return complete_.payload.empty() ? nullptr : &complete_.payload; }

  [[nodiscard]] std::size_t incomplete() const { return partial_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  /// Apart, so that the payload need not be moved to become a term.
  struct Message {
    Bytes body;     ///< Header and control term.
    Bytes payload;  ///< With version byte.
    [[nodiscard]] std::size_t size() const { return body.size() + payload.size(); }
  };
  struct Partial {
    std::uint64_t expected = 0;  ///< The next fragment's number, and how many are to come.
    bool given_up = false;
    Message message;
  };
  using Taken = Result<std::optional<Frame>>;
  Taken begin(const BodyHeader& header, bool is_cut);
  Taken go_on(const BodyHeader& header, BytesView more, bool is_cut);
  bool add(Partial& partial, BytesView more);
  Frame give_up(Partial& partial, BytesView more);

  const AssemblyLimits limits_;
  std::unordered_map<std::uint64_t, Partial> partial_;
  std::size_t bytes_ = 0;
  Message complete_;
};

}  // namespace brood::node
