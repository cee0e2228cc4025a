#include "node/channel/dialect.hpp"

#include "node/handshake/flags.hpp"

namespace brood::node {

Dialect Dialect::of(std::uint64_t flags) {
  const auto has = [&](std::uint64_t flag) { return (flags & flag) == flag; };
  Dialect dialect;
  dialect.framing = has(flag::fragments) ? Framing::header : Framing::bare;
  dialect.names_senders = has(flag::send_sender);
  dialect.payload_exits = has(flag::exit_payload);
  dialect.unlink_ids = has(flag::unlink_id);
  // libei announces the first of the two and cannot watch anything; only who can watch names watches at all.
  dialect.monitors = has(flag::dist_monitor | flag::dist_monitor_name);
  dialect.aliases = has(flag::alias);
  dialect.answers_anybody = dialect.monitors;
  return dialect;
}

Fit fit(const Dialect& dialect, Outgoing& message) {
  OutgoingControl& control = message.control;
  switch (control.op) {
    case Op::send_sender:
      if (!dialect.names_senders) control.op = Op::send;
      return Fit::goes;
    case Op::alias_send:
      if (dialect.aliases) return Fit::goes;
      if (control.to == nullptr) return Fit::lost;
      control.op = dialect.names_senders ? Op::send_sender : Op::send;
      return Fit::goes;
    case Op::payload_exit:
      if (!dialect.payload_exits) control.op = Op::exit;
      return Fit::goes;
    case Op::payload_exit2:
      if (!dialect.payload_exits) control.op = Op::exit2;
      return Fit::goes;
    case Op::payload_monitor_p_exit:
      if (!dialect.payload_exits) control.op = Op::monitor_p_exit;
      return Fit::goes;
    case Op::monitor_p:
      if (dialect.monitors) return Fit::goes;
      return control.of_call ? Fit::needless : Fit::no_monitor;
    case Op::demonitor_p:
      return dialect.monitors ? Fit::goes : Fit::needless;
    case Op::unlink_id:
      if (dialect.unlink_ids) return Fit::goes;
      control.op = Op::unlink;
      return Fit::goes_quiet;
    case Op::unlink_id_ack:
      return dialect.unlink_ids ? Fit::goes : Fit::needless;
    default:
      return Fit::goes;
  }
}

}  // namespace brood::node
