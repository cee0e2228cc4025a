// What the network tells the runtime.
#include "process/calls/gen_protocol.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

/// A reason as it came; what cannot be read still ends what it was to end.
ExitReason read_reason(BytesView encoded) {
  auto term = decode_term(encoded);
  return term ? ExitReason(std::move(*term))
              : ExitReason::error("malformed", "the exit reason cannot be read");
}

}  // namespace

void Runtime::on_send(const Pid& from, const Pid& to, EncodedTerm term) {
  core_->desk.node_seen(from.node);
  (void)core_->receive(from, to, std::move(term));
}

void Runtime::on_send_named(const Pid& from, const Atom& to, EncodedTerm term) {
  core_->desk.node_seen(from.node);
  (void)core_->receive_named(from, to, std::move(term));
}

void Runtime::on_send_alias(const Pid& from, const Ref& alias, EncodedTerm term) {
  core_->desk.node_seen(from.node);
  (void)core_->receive_alias(from, alias, std::move(term));
}

void Runtime::on_link(const Pid& from, const Pid& to) {
  core_->desk.node_seen(from.node);
  if (const ProcessPtr process = core_->find(to)) {
    // Before the signal: a lost connection must not pass by a link that is about to be made.
    core_->note_remote_relation(*process);
    if (core_->signal(*process, std::make_unique<LinkEnvelope>(Envelope::Kind::link, from))) return;
  }
  core_->exit(to, from, ExitReason::noproc(), ExitEnvelope::Source::link);
}

void Runtime::on_unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) {
  core_->desk.node_seen(from.node);
  const ProcessPtr process = core_->find(to);
  if (process &&
      core_->signal(*process, std::make_unique<LinkEnvelope>(Envelope::Kind::unlink, from, unlink_id)))
    return;
  core_->remote.with([&](Remote& network) { network.unlink_ack(to, from, unlink_id); });
}

void Runtime::on_unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) {
  if (const ProcessPtr process = core_->find(to))
    core_->signal(*process, std::make_unique<LinkEnvelope>(Envelope::Kind::unlink_ack, from, unlink_id));
}

void Runtime::on_exit(const Pid& from, const Pid& to, EncodedTerm reason) {
  core_->desk.node_seen(from.node);
  if (core_->identity.owns(to)) core_->exit(from, to, read_reason(reason), ExitEnvelope::Source::link);
}

void Runtime::on_exit2(const Pid& from, const Pid& to, EncodedTerm reason) {
  core_->desk.node_seen(from.node);
  if (core_->identity.owns(to)) core_->exit(from, to, read_reason(reason), ExitEnvelope::Source::other);
}

void Runtime::on_monitor(const Pid& watcher, const Pid& watched, const Ref& ref) {
  core_->desk.node_seen(watcher.node);
  const Watcher entry{{}, 0, true, watcher, ref, {}};
  core_->remote_watches.add({watcher, ref}, Identity::local(watched));
  const ProcessPtr process = core_->find(watched);
  if (process && core_->signal(*process, std::make_unique<MonitorEnvelope>(Envelope::Kind::monitor, entry)))
    return;
  core_->notify_down(entry, watched, ExitReason::noproc());
}

void Runtime::on_monitor_named(const Pid& watcher, const Atom& watched, const Ref& ref) {
  core_->desk.node_seen(watcher.node);
  const Names::Holder holder = core_->names.find(watched);
  if (const auto* pid = std::get_if<LocalPid>(&holder)) {
    core_->remote_watches.add({watcher, ref}, *pid);
    Watcher entry{{}, 0, true, watcher, ref, watched};
    if (core_->signal(*pid, std::make_unique<MonitorEnvelope>(Envelope::Kind::monitor, std::move(entry))))
      return;
  } else {
    core_->remote_watches.add({watcher, ref}, watched);
    if (core_->names.watch_sink(watched, {watcher, ref})) return;
  }
  const Watcher entry{{}, 0, true, watcher, ref, watched};
  core_->notify_down(entry, core_->identity.pid(outside), ExitReason::noproc());
}

void Runtime::on_demonitor(const Pid& watcher, const Ref& ref) {
  RemoteWatches::Key key{watcher, ref};
  if (const auto target = core_->remote_watches.take(key)) core_->end_watch(std::move(key), *target);
}

void Runtime::on_monitor_exit(const Pid& watcher, const Ref& ref, EncodedTerm reason) {
  const auto id = core_->identity.id_of(ref);
  if (!id || !core_->identity.owns(watcher)) return;
  const LocalPid local = Identity::local(watcher);
  if (local == outside) return core_->desk.down(*id, read_reason(reason));
  core_->signal(local, std::make_unique<DownEnvelope>(*id, read_reason(reason)));
}

void Runtime::on_node_up(const NodeName& node) {
  core_->desk.node_seen(node);
}

void Runtime::on_node_down(const NodeName& node) {
  for (const auto& [key, target] : core_->remote_watches.take_node(node)) core_->end_watch(key, target);
  for (const LocalPid pid : core_->remotely_related())
    core_->signal(pid, std::make_unique<NodeDownEnvelope>(node));
  core_->desk.node_down(node);
}

}  // namespace brood::process
