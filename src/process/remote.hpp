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

namespace brood::process {

using brood::NamedProcess;

/// What processes ask of the network. Sending to a node that is not connected starts a connection attempt;
/// what was sent meanwhile is delivered in order once it stands, or dropped (and counted) when it fails, and
/// then RemoteEvents::node_down is told.
///
/// A peer may take less than it is sent. What can be refused is refused then, by false, before memory is
/// taken for it: nothing was done, and the sender may try again. Signals and answers are never refused; a
/// peer that lets those pile up as well loses its connection.
class Remote {
 public:
  virtual ~Remote() = default;

  /// As send() and send_named(), but false when too much waits for that node already.
  [[nodiscard]] virtual bool try_send(const Pid& from, const Pid& to, Bytes term) {
    send(from, to, std::move(term));
    return true;
  }
  [[nodiscard]] virtual bool try_send_named(const Pid& from, const NamedProcess& to, Bytes term) {
    send_named(from, to, std::move(term));
    return true;
  }
  /// What a call needs, in one: a monitor by `ref`, then the message. False as for try_send().
  [[nodiscard]] virtual bool try_call(const Pid& from, const Pid& to, const Ref& ref, Bytes term) {
    monitor(from, to, ref);
    send(from, to, std::move(term));
    return true;
  }
  [[nodiscard]] virtual bool try_call_named(const Pid& from, const NamedProcess& to, const Ref& ref,
                                            Bytes term) {
    monitor_named(from, to, ref);
    send_named(from, to, std::move(term));
    return true;
  }

  virtual void send(const Pid& from, const Pid& to, Bytes term) = 0;
  virtual void send_named(const Pid& from, const NamedProcess& to, Bytes term) = 0;
  virtual void send_alias(const Pid& from, const Ref& alias, Bytes term) = 0;
  virtual void link(const Pid& from, const Pid& to) = 0;
  virtual void unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  virtual void unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  /// `from` ended with `reason`; `to` was linked to it.
  virtual void exit(const Pid& from, const Pid& to, Bytes reason) = 0;
  /// exit/2: `from` asks `to` to end.
  virtual void exit2(const Pid& from, const Pid& to, Bytes reason) = 0;
  virtual void monitor(const Pid& from, const Pid& to, const Ref& ref) = 0;
  virtual void monitor_named(const Pid& from, const NamedProcess& to, const Ref& ref) = 0;
  virtual void demonitor(const Pid& from, const Pid& to, const Ref& ref) = 0;
  virtual void demonitor_named(const Pid& from, const NamedProcess& to, const Ref& ref) = 0;
  /// Answers a monitor that `watcher` set on `watched` (a pid, or a name when `watched_name` is not empty).
  virtual void monitor_exit(const Pid& watched, const Atom& watched_name, const Pid& watcher, const Ref& ref,
                            Bytes reason) = 0;
};

/// What the network tells of. `to`, `watched`, ... are processes of this node; unknown ones are handled as
/// OTP does (message dropped, link and monitor answered with noproc).
class RemoteEvents {
 public:
  virtual ~RemoteEvents() = default;

  virtual void on_send(const Pid& from, const Pid& to, Bytes term) = 0;
  virtual void on_send_named(const Pid& from, const Atom& to, Bytes term) = 0;
  virtual void on_send_alias(const Pid& from, const Ref& alias, Bytes term) = 0;
  virtual void on_link(const Pid& from, const Pid& to) = 0;
  virtual void on_unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  virtual void on_unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) = 0;
  virtual void on_exit(const Pid& from, const Pid& to, Bytes reason) = 0;
  virtual void on_exit2(const Pid& from, const Pid& to, Bytes reason) = 0;
  virtual void on_monitor(const Pid& watcher, const Pid& watched, const Ref& ref) = 0;
  virtual void on_monitor_named(const Pid& watcher, const Atom& watched, const Ref& ref) = 0;
  virtual void on_demonitor(const Pid& watcher, const Ref& ref) = 0;
  virtual void on_monitor_exit(const Pid& watcher, const Ref& ref, Bytes reason) = 0;
  /// A connection ended or could not be made: links and monitors over it end with `noconnection`.
  virtual void on_node_down(const NodeName& node) = 0;
  /// A connection stands; told before anything that arrives over it. Optional.
  virtual void on_node_up(const NodeName& node) { (void)node; }
};

}  // namespace brood::process
