// Links, monitors and exit signals, with OTP's meaning.
#include "process/calls/gen_protocol.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

std::size_t RemoteWatches::Hash::operator()(const Key& key) const {
  std::uint64_t hash = key.second.creation ^ std::uint64_t{key.first.id} << 32;
  for (const std::uint32_t word : key.second.words) hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
  return hash ^ hash >> 32;
}

void RemoteWatches::add(Key key, Target target) {
  std::lock_guard lock(mutex_);
  targets_[std::move(key)] = std::move(target);
}

std::optional<RemoteWatches::Target> RemoteWatches::take(const Key& key) {
  std::lock_guard lock(mutex_);
  auto node = targets_.extract(key);
  if (node.empty()) return std::nullopt;
  return std::move(node.mapped());
}

std::vector<std::pair<RemoteWatches::Key, RemoteWatches::Target>> RemoteWatches::take_node(
    const NodeName& node) {
  std::vector<std::pair<Key, Target>> out;
  std::lock_guard lock(mutex_);
  for (auto it = targets_.begin(); it != targets_.end();) {
    const bool gone = it->first.first.node == node;
    if (gone) out.emplace_back(it->first, std::move(it->second));
    it = gone ? targets_.erase(it) : std::next(it);
  }
  return out;
}

void RuntimeCore::end_watch(RemoteWatches::Key key, const RemoteWatches::Target& target) {
  if (const auto* name = std::get_if<Atom>(&target)) return names.unwatch_sink(*name, key);
  Watcher watcher{{}, 0, true, std::move(key.first), std::move(key.second), {}};
  signal(std::get<LocalPid>(target),
         std::make_unique<MonitorEnvelope>(Envelope::Kind::demonitor, std::move(watcher)));
}

void RuntimeCore::note_remote_relation(Process& process) {
  if (process.has_remote_relations.exchange(true)) return;
  std::lock_guard lock(related_mutex_);
  related_.insert(process.local());
}

std::vector<LocalPid> RuntimeCore::remotely_related() {
  std::lock_guard lock(related_mutex_);
  return {related_.begin(), related_.end()};
}

void RuntimeCore::forget_remote_relation(Process& process) {
  if (!process.has_remote_relations) return;
  std::lock_guard lock(related_mutex_);
  related_.erase(process.local());
}

void RuntimeCore::exit(const Pid& from, const Pid& to, ExitReason reason, ExitEnvelope::Source source) {
  if (identity.is_here(to.node)) {
    if (identity.owns(to))
      signal(Identity::local(to), std::make_unique<ExitEnvelope>(from, std::move(reason), source));
    return;
  }
  remote.try_with([&](Remote& network) {
    EncodedTerm encoded = encode_term(reason.term());
    if (source == ExitEnvelope::Source::link) {
      network.exit(from, to, std::move(encoded));
    } else {
      network.exit2(from, to, std::move(encoded));
    }
  });
}

void RuntimeCore::notify_down(const Watcher& watcher, const Pid& watched, const ExitReason& reason) {
  if (watcher.is_remote) {
    // Not in the table: it was demonitored, or its node is gone.
    if (!remote_watches.take({watcher.remote, watcher.ref})) return;
    remote.try_with([&](Remote& network) {
      network.monitor_exit(watched, watcher.name, watcher.remote, watcher.ref, encode_term(reason.term()));
    });
  } else if (watcher.local == outside) {
    desk.down(watcher.id, reason);
  } else {
    signal(watcher.local, std::make_unique<DownEnvelope>(watcher.id, reason));
  }
}

Monitored RuntimeCore::resolve(const NamedProcess& to) const {
  Monitored watched{{}, to};
  if (!identity.is_here(to.node)) return watched;
  const Names::Holder holder = names.find(to.name);
  if (const auto* pid = std::get_if<LocalPid>(&holder)) watched.pid = identity.pid(*pid);
  return watched;
}

std::optional<ExitReason> RuntimeCore::begin_monitor(LocalPid watcher, std::uint64_t id,
                                                     const Monitored& to) {
  if (!identity.is_here(to.node())) {
    const bool sent = remote.with([&](Remote& network) {
      if (to.by_name()) {
        network.monitor_named(identity.pid(watcher), to.name, identity.ref(id));
      } else {
        network.monitor(identity.pid(watcher), to.pid, identity.ref(id));
      }
    });
    return sent ? std::nullopt : std::optional(ExitReason::noconnection());
  }
  // A sink lives for ever.
  if (to.by_name() && std::holds_alternative<Names::SinkPtr>(names.find(to.name.name))) return std::nullopt;
  if (identity.owns(to.pid) &&
      signal(Identity::local(to.pid),
             std::make_unique<MonitorEnvelope>(Envelope::Kind::monitor, Watcher{watcher, id})))
    return std::nullopt;
  return ExitReason::noproc();
}

void RuntimeCore::end_monitor(LocalPid watcher, std::uint64_t id, const Monitored& to) {
  if (identity.owns(to.pid)) {
    signal(Identity::local(to.pid),
           std::make_unique<MonitorEnvelope>(Envelope::Kind::demonitor, Watcher{watcher, id}));
  } else if (!identity.is_here(to.node())) {
    remote.with([&](Remote& network) {
      if (to.by_name()) {
        network.demonitor_named(identity.pid(watcher), to.name, identity.ref(id));
      } else {
        network.demonitor(identity.pid(watcher), to.pid, identity.ref(id));
      }
    });
  }
}

Ref RuntimeCore::monitor(const Monitored& to, CallDesk::DownFunction down) {
  const std::uint64_t id = desk.add_monitor(to, std::move(down));
  if (const auto ended = begin_monitor(outside, id, to)) desk.down(id, *ended);
  return identity.ref(id);
}

void RuntimeCore::demonitor(const Ref& ref) {
  const auto id = identity.id_of(ref);
  const auto target = id ? desk.remove_monitor(*id) : std::nullopt;
  if (target) end_monitor(outside, *id, *target);
}

void RuntimeCore::apply(Process& process, Envelope& signal) {
  switch (signal.kind) {
    case Envelope::Kind::resume:
      process.is_woken = true;
      break;
    case Envelope::Kind::exit:
      apply_exit(process, static_cast<ExitEnvelope&>(signal));
      break;
    case Envelope::Kind::link: {
      auto& link = static_cast<LinkEnvelope&>(signal);
      // While our unlink is not acknowledged this is an older link, which the unlink ends.
      process.relations().links.emplace(identity.key(link.from), LinkState{});
      if (!identity.owns(link.from)) note_remote_relation(process);
      break;
    }
    case Envelope::Kind::unlink: {
      auto& unlink = static_cast<LinkEnvelope&>(signal);
      auto& links = process.relations().links;
      const auto found = links.find(identity.key(unlink.from));
      if (found != links.end() && found->second.unlink_id == 0) links.erase(found);
      if (identity.owns(unlink.from)) {
        this->signal(
            Identity::local(unlink.from),
            std::make_unique<LinkEnvelope>(Envelope::Kind::unlink_ack, process.self(), unlink.unlink_id));
      } else {
        remote.with(
            [&](Remote& network) { network.unlink_ack(process.self(), unlink.from, unlink.unlink_id); });
      }
      break;
    }
    case Envelope::Kind::unlink_ack: {
      auto& ack = static_cast<LinkEnvelope&>(signal);
      auto& links = process.relations().links;
      const auto found = links.find(identity.key(ack.from));
      if (found != links.end() && found->second.unlink_id == ack.unlink_id && ack.unlink_id != 0)
        links.erase(found);
      break;
    }
    case Envelope::Kind::monitor: {
      auto& watcher = static_cast<MonitorEnvelope&>(signal).watcher;
      if (watcher.is_remote) {
        process.relations().remote_watchers.emplace(std::pair(watcher.remote, watcher.ref), watcher.name);
      } else {
        process.relations().local_watchers.emplace(watcher.id, watcher.local);
      }
      break;
    }
    case Envelope::Kind::demonitor: {
      auto& watcher = static_cast<MonitorEnvelope&>(signal).watcher;
      if (watcher.is_remote) {
        process.relations().remote_watchers.erase({watcher.remote, watcher.ref});
      } else {
        process.relations().local_watchers.erase(watcher.id);
      }
      if (process.is_stub()) moving.caller_left(process, watcher);
      break;
    }
    case Envelope::Kind::node_down:
      apply_node_down(process, static_cast<NodeDownEnvelope&>(signal).node);
      break;
    case Envelope::Kind::aliased:
      apply_aliased(process, static_cast<AliasedEnvelope&>(signal));
      break;
    default:
      break;  // messages never get here
  }
}

void RuntimeCore::monitor_is_over(Process& process, std::uint64_t id) {
  if (!Aliases::is_alias(id)) return;
  const auto& made = process.relations().aliases;
  const auto found = made.find(id);
  if (found != made.end() && found->second != AliasKind::explicit_unalias) process.end_alias(id);
}

void RuntimeCore::apply_aliased(Process& process, AliasedEnvelope& aliased) {
  const auto& made = process.relations().aliases;
  const auto found = made.find(aliased.alias);
  if (found == made.end()) return dispose(process, std::move(aliased.message));
  const AliasKind kind = found->second;
  if (kind == AliasKind::reply) process.end_alias(aliased.alias);
  if (kind == AliasKind::reply_demonitor) {
    process.end_alias(aliased.alias);
    process.end_monitor(aliased.alias);
  }
  process.messages.push(aliased.message.release());
}

void RuntimeCore::exit_trapped(Process& process, const Pid& from, const ExitReason& reason) {
  process.messages.push(
      new MessageEnvelope(Envelope::Kind::info, Message::encoded(make_exit_message(from, reason.term()))));
}

void RuntimeCore::apply_exit(Process& process, const ExitEnvelope& exit) {
  using Source = ExitEnvelope::Source;
  if (exit.source == Source::owner || exit.source == Source::stop) {
    const bool kill = exit.reason.term().is_atom("killed") || exit.reason.term().is_atom("kill");
    return process.begin_end(kill ? ExitReason::killed() : exit.reason, kill);
  }
  if (exit.source == Source::link) {
    Relations* relations = process.relations_if_any();
    if (relations == nullptr) return;
    const auto found = relations->links.find(identity.key(exit.from));
    if (found == relations->links.end()) return;
    const bool unlinked = found->second.unlink_id != 0;
    relations->links.erase(found);
    if (unlinked) return;
  }
  if (process.is_system) return;
  if (process.is_stub()) {
    // What ended was linked to a worker that is elsewhere now; what is asked for is for that one.
    if (exit.source != Source::link) moving.forward_exit(process, exit.reason);
    return;
  }
  if (exit.source != Source::link && exit.reason.term().is_atom("kill"))
    return process.begin_end(ExitReason::killed(), true);
  if (process.traps_exits) return exit_trapped(process, exit.from, exit.reason);
  if (!exit.reason.term().is_atom("normal")) process.begin_end(exit.reason, false);
}

void RuntimeCore::apply_node_down(Process& process, const NodeName& node) {
  Relations* relations = process.relations_if_any();
  if (relations == nullptr) return;
  std::vector<Pid> lost;
  for (auto it = relations->links.begin(); it != relations->links.end();) {
    const bool gone = it->first.node == node;
    if (gone && it->second.unlink_id == 0) lost.push_back(it->first);
    it = gone ? relations->links.erase(it) : std::next(it);
  }
  for (const auto& [id, to] : relations->monitors)
    if (to.node() == node) take_message(process, new DownEnvelope(id, ExitReason::noconnection()));
  for (const Pid& pid : lost) {
    if (process.is_system || process.is_stub()) continue;
    if (process.traps_exits) {
      exit_trapped(process, pid, ExitReason::noconnection());
    } else {
      process.begin_end(ExitReason::noconnection(), false);
    }
  }
}

}  // namespace brood::process
