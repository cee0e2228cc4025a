// Dialect: which forms of the distribution protocol one peer knows, by the capability flags that both sides
// have, and how a message is put for it. OTP knows all of them. A C node made with OTP's libei and a Java
// node made with Jinterface know the oldest ones alone; they are let in all the same, as OTP does, and are
// never sent what they could not read.
//
// Thread rule: pure functions. Source: "Distribution Protocol", sections "Distribution Flags" and "Protocol
// between Connected Nodes".
#pragma once

#include <cstdint>

#include "node/channel/control.hpp"

namespace brood::node {

/// How the body of a message begins.
enum class Framing : std::uint8_t {
  header,  ///< A distribution header; large messages are cut into fragments.
  bare,    ///< The byte 112, then terms with their version bytes; every message is one frame.
};

/// A message on its way out; `payload` is moved from once it is taken.
struct Outgoing {
  OutgoingControl control;
  EncodedTerm payload;
};

struct Dialect {
  Framing framing = Framing::header;
  bool names_senders = true;    ///< send_sender; else send.
  bool payload_exits = true;    ///< Reasons behind the control message; else inside it.
  bool unlink_ids = true;       ///< unlink_id and its acknowledgement; else unlink, which has none.
  bool monitors = true;         ///< Can be asked to watch its processes, by pid and by name.
  bool aliases = true;          ///< alias_send; else answers go to the caller's pid.
  bool answers_anybody = true;  ///< Has names and processes of OTP's kind: an Erlang or brood node.

  /// By the flags that both have.
  [[nodiscard]] static Dialect of(std::uint64_t flags);
  /// Every message goes as it is.
  [[nodiscard]] bool is_full() const {
    return framing == Framing::header && names_senders && payload_exits && unlink_ids && monitors && aliases;
  }
};

/// What becomes of a message for a peer of some dialect.
enum class Fit : std::uint8_t {
  goes,        ///< To be sent, in the form that it has now.
  goes_quiet,  ///< An unlink to be sent, which the peer will not acknowledge: its end is at once.
  needless,    ///< The peer has no use for it and its sender waits for nothing.
  no_monitor,  ///< The peer watches nothing: whoever asked is to be told `notsup`.
  lost,        ///< There is no way to say it.
};

/// Puts `message` into a form that the peer knows.
[[nodiscard]] Fit fit(const Dialect& dialect, Outgoing& message);

}  // namespace brood::node
