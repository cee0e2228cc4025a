// Assembler: puts the fragments of large messages together again, several messages at a time. Whole messages
// pass through it untouched.
//
// Invariants: memory is held for what has arrived (up to four times as much, where the header says that more
// comes); no more arrives than the limits say, whose excess is an error that ends the channel.
//
// Thread rule: none of its own; one for each channel.
#pragma once

#include <brood/term.hpp>
#include <optional>
#include <unordered_map>

#include "node/channel/dist_header.hpp"

namespace brood::node {

struct AssemblyLimits {
  std::size_t message_bytes_max;      ///< Of one message.
  std::size_t bytes_max;              ///< Of all that are incomplete. Too small: many large messages at once
                                      ///< end the connection.
  std::size_t messages_max = 16'384;  ///< Incomplete at once; a sender has one under way at a time.
};

class Assembler {
 public:
  explicit Assembler(const AssemblyLimits& limits) : limits_(limits) {}

  /// Takes the body of a frame. The body of a message, to be read with decode_control(), valid until the next
  /// call; nullopt while more of it is to come. Errors: malformed (a fragment out of turn, or of no message),
  /// limit_exceeded.
  [[nodiscard]] Result<std::optional<BytesView>> take(BytesView body);

  /// The bytes of what take() gave last, to be taken over; nullptr when they are its caller's.
  [[nodiscard]] Bytes* owned() { return complete_.empty() ? nullptr : &complete_; }

  [[nodiscard]] std::size_t incomplete() const { return partial_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Partial {
    std::uint64_t expected = 0;  ///< The next fragment's number, and how many are to come.
    Bytes body;
  };
  Result<std::optional<BytesView>> begin(const BodyHeader& header);
  Result<std::optional<BytesView>> go_on(const BodyHeader& header);
  Result<void> add(Partial& partial, BytesView more);

  const AssemblyLimits limits_;
  std::unordered_map<std::uint64_t, Partial> partial_;
  std::size_t bytes_ = 0;
  Bytes complete_;
};

}  // namespace brood::node
