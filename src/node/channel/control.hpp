// Control messages: the first term of a frame, saying what to do with the payload that may follow. Encoded
// straight into a send buffer, decoded in place; no Term is built.
//
// Thread rule: pure functions. Source: "Distribution Protocol", section "Protocol between Connected Nodes".
#pragma once

#include <brood/codec.hpp>
#include <brood/term.hpp>

namespace brood::node {

enum class Op : std::uint8_t {
  link = 1,
  send = 2,
  exit = 3,
  unlink = 4,
  node_link = 5,
  reg_send = 6,
  group_leader = 7,
  exit2 = 8,
  send_tt = 12,
  exit_tt = 13,
  reg_send_tt = 16,
  exit2_tt = 18,
  monitor_p = 19,
  demonitor_p = 20,
  monitor_p_exit = 21,
  send_sender = 22,
  send_sender_tt = 23,
  payload_exit = 24,
  payload_exit_tt = 25,
  payload_exit2 = 26,
  payload_exit2_tt = 27,
  payload_monitor_p_exit = 28,
  spawn_request = 29,
  spawn_request_tt = 30,
  spawn_reply = 31,
  spawn_reply_tt = 32,
  alias_send = 33,
  alias_send_tt = 34,
  unlink_id = 35,
  unlink_id_ack = 36,
};

/// A control message to send: what `op` needs is set, the rest is null. Nothing is owned; it lives for one
/// call.
struct OutgoingControl {
  Op op;
  const Pid* from = nullptr;
  const Pid* to = nullptr;
  const Atom* name = nullptr;  ///< reg_send: to. (de)monitor by name: the watched. monitor exit: the watched,
                               ///< instead of from.
  const Ref* ref = nullptr;    ///< A monitor, an alias or a request.
  std::uint64_t id = 0;        ///< Of an unlink.
  BytesView head = {};         ///< What stands before the payload, of which the payload is the last part.
  bool of_call = false;        ///< A monitor that a call can go without.
};

/// The op has its reason (an encoded term) inside the control message, not behind it.
[[nodiscard]] constexpr bool has_reason_inside(Op op) {
  return op == Op::exit || op == Op::exit2 || op == Op::monitor_p_exit;
}

/// The ops that brood sends: link, reg_send, send_sender, monitor_p, demonitor_p, payload_exit,
/// payload_exit2, payload_monitor_p_exit, spawn_reply (always {error, notsup} in kind: the atom notsup),
/// alias_send, unlink_id, unlink_id_ack; and to peers that know no others (channel/dialect.hpp): send,
/// unlink, and exit, exit2 and monitor_p_exit with their `reason` (with version byte). Anything else is a bug
/// of the caller. Written without a version byte, as behind a header.
void encode_control(TermWriter& out, const OutgoingControl& control, BytesView reason = {});

/// A control message as received. Which fields are set depends on `op`; trace variants are folded into their
/// plain forms, and exits with a reason inside into the payload forms, so that after decoding `op` is one of
/// link, send, send_sender, reg_send, exit (payload_exit), ... as listed at decode_control().
struct IncomingControl {
  Op op = Op::node_link;
  Pid from;
  Pid to;
  Atom name;  ///< Not empty: a process named by an atom stands where a pid would.
  Ref ref;
  std::uint64_t id = 0;
  BytesView payload;  ///< Without version byte; a view. Empty when the op has none, or when what would be one
                      ///< came inside the control tuple (an exit's reason).
  Bytes reason;       ///< What came inside the tuple, without version byte.

  /// Where the payload lies, with version byte, if that may be taken over.
  Bytes* owned = nullptr;

  /// The payload or reason as a term that stands alone, with version byte. Once: it takes `owned`.
  [[nodiscard]] EncodedTerm term();
};

/// Decodes the body of a whole message, header and all. Afterwards `op` is one of: link, unlink,
/// unlink_id, unlink_id_ack, send (from is empty), send_sender, reg_send, alias_send, monitor_p, demonitor_p,
/// payload_monitor_p_exit, payload_exit, payload_exit2, spawn_request, group_leader, node_link, spawn_reply.
/// `payload`, with version byte, is one that lies apart from the body and may be taken over by out.term().
/// `out` is reused from message to message. malformed: the stream cannot be trusted any further.
[[nodiscard]] Result<void> decode_control(BytesView body, const TermLimits& limits, IncomingControl& out,
                                          Bytes* payload = nullptr);

}  // namespace brood::node
