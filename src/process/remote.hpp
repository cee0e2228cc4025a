// The seam between processes and the network. `process` calls Remote for anything that leaves this node;
// `node` calls RemoteEvents (implemented by Runtime) for anything that arrives. Terms cross it encoded, with
// version byte.
//
// Thread rule: every function of both may be called from any thread. None of them blocks. A Remote never
// calls back into RemoteEvents from within a call.
#pragma once

#include <brood/remote.hpp>
#include <brood/term.hpp>
#include <cstdint>
#include <utility>

#include "process/calls/gen_protocol.hpp"

namespace brood::process {

using brood::NamedProcess;

[[nodiscard]] inline const NodeName& node_of(const Address& to) {
  if (const auto* pid = std::get_if<Pid>(&to)) return pid->node;
  if (const auto* named = std::get_if<NamedProcess>(&to)) return named->node;
  return std::get<Ref>(to).node;
}

/// What became of a call on its way out.
enum class CallSent : std::uint8_t {
  refused,    ///< Too much waits for that node already; nothing was done.
  monitored,  ///< Sent behind a monitor, which is the caller's to take back.
  watched,    ///< Sent alone: the callee's node tells of the callee's end unless the call is answered.
};

/// What processes ask of the network. Sending to a node that is not connected starts a connection attempt;
/// what was sent meanwhile is delivered in order once it stands, or dropped (and counted) when it fails, and
/// then RemoteEvents::node_down is told. Answers (reply, unlink_ack, monitor_exit) and the ends of relations
/// (exit, unlink, demonitor) start none: to a node that is not connected they are dropped and counted, for it
/// may be one that a request has merely named.
///
/// A peer may take less than it is sent. What can be refused is refused then, by false, before memory is
/// taken for it: nothing was done, and the sender may try again. Signals and answers are never refused; a
/// peer that lets those pile up as well loses its connection.
class Remote {
 public:
  virtual ~Remote() = default;

  /// As send() and send_named(), but false when too much waits for that node already.
  [[nodiscard]] virtual bool try_send(const Pid& from, const Pid& to, EncodedTerm term) {
    send(from, to, std::move(term));
    return true;
  }
  [[nodiscard]] virtual bool try_send_named(const Pid& from, const NamedProcess& to, EncodedTerm term) {
    send_named(from, to, std::move(term));
    return true;
  }
  /// Calls with `request` (with version byte): the answer is to come by the alias `ref`, and so is word of
  /// the callee's end, except where `to` is itself an alias, which nobody can watch.
  [[nodiscard]] virtual CallSent try_call(const Pid& from, const Address& to, const Ref& ref,
                                          EncodedTerm request) = 0;
  /// Answers a call of another node. `more_follows`: the same thread will have something else to send at
  /// once.
  virtual void reply(const Pid& from, const GenFrom& caller, EncodedTerm answer, bool more_follows) = 0;

  virtual void send(const Pid& from, const Pid& to, EncodedTerm term) = 0;
  virtual void send_named(const Pid& from, const NamedProcess& to, EncodedTerm term) = 0;
  virtual void send_alias(const Pid& from, const Ref& alias, EncodedTerm term) = 0;
  virtual void link(const Pid& from, const Pid& to) = 0;
  virtual void unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  virtual void unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  /// `from` ended with `reason`; `to` was linked to it.
  virtual void exit(const Pid& from, const Pid& to, EncodedTerm reason) = 0;
  /// exit/2: `from` asks `to` to end.
  virtual void exit2(const Pid& from, const Pid& to, EncodedTerm reason) = 0;
  virtual void monitor(const Pid& from, const Pid& to, const Ref& ref) = 0;
  virtual void monitor_named(const Pid& from, const NamedProcess& to, const Ref& ref) = 0;
  virtual void demonitor(const Pid& from, const Pid& to, const Ref& ref) = 0;
  virtual void demonitor_named(const Pid& from, const NamedProcess& to, const Ref& ref) = 0;
  /// A larger term is taken by no node: whoever would send one is told `limit_exceeded` instead.
  [[nodiscard]] virtual std::size_t message_bytes_max() const { return SIZE_MAX; }
  /// Answers a monitor that `watcher` set on `watched` (a pid, or a name when `watched_name` is not empty).
  virtual void monitor_exit(const Pid& watched, const Atom& watched_name, const Pid& watcher, const Ref& ref,
                            EncodedTerm reason) = 0;
};

/// Takes back the monitor of a call; an alias has none.
inline void demonitor_callee(Remote& network, const Pid& self, const Address& to, const Ref& ref) {
  if (const auto* pid = std::get_if<Pid>(&to)) network.demonitor(self, *pid, ref);
  if (const auto* named = std::get_if<NamedProcess>(&to)) network.demonitor_named(self, *named, ref);
}

/// What the network tells of. Who is said to have sent it (`from`, `watcher`) is a process of the node at the
/// other end of the connection, except in on_monitor_exit(), which names nobody. `to`, `watched`, ... are
/// processes of this node; unknown ones are handled as OTP does (message dropped, link and monitor answered
/// with noproc).
class RemoteEvents {
 public:
  virtual ~RemoteEvents() = default;

  virtual void on_send(const Pid& from, const Pid& to, EncodedTerm term) = 0;
  virtual void on_send_named(const Pid& from, const Atom& to, EncodedTerm term) = 0;
  virtual void on_send_alias(const Pid& from, const Ref& alias, EncodedTerm term) = 0;
  virtual void on_link(const Pid& from, const Pid& to) = 0;
  virtual void on_unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  virtual void on_unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  virtual void on_exit(const Pid& from, const Pid& to, EncodedTerm reason) = 0;
  virtual void on_exit2(const Pid& from, const Pid& to, EncodedTerm reason) = 0;
  virtual void on_monitor(const Pid& watcher, const Pid& watched, const Ref& ref) = 0;
  virtual void on_monitor_named(const Pid& watcher, const Atom& watched, const Ref& ref) = 0;
  virtual void on_demonitor(const Pid& watcher, const Ref& ref) = 0;
  virtual void on_monitor_exit(const Pid& watcher, const Ref& ref, EncodedTerm reason) = 0;
  /// A connection ended or could not be made: links and monitors over it end with `noconnection`.
  virtual void on_node_down(const NodeName& node) = 0;
  /// A connection stands; told before anything that arrives over it. Optional.
  virtual void on_node_up(const NodeName& node) { (void)node; }
};

}  // namespace brood::process
