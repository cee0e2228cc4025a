// What processes send, and what arrives for them.
#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "node/distribution_impl.hpp"

namespace brood::node {

namespace asio = boost::asio;

void Distribution::Impl::send(const NodeName& node, const OutgoingControl& control, Bytes&& payload) {
  for (;;) {
    if (const auto channel = find(node)) {
      if (channel->send(control, std::move(payload))) return;
      // Closed, and its end is still to be told, which answers for this message too; unless that has been
      // told already: then there is another channel, or none.
      if (find(node) == channel) {
        ++counts_.messages_dropped;
        return;
      }
      continue;
    }
    bool begin = false;
    bool full = false;
    {
      const std::unique_lock lock(peers_mutex_);
      Peer& peer = peers_[node.value];
      if (peer.channel != nullptr) continue;
      begin = !std::exchange(peer.connecting, true);
      full = peer.waiting.bytes() / 4 > options.send_buffer_max;  // As for a channel.
      if (full) {
        ++counts_.messages_dropped;
      } else {
        peer.waiting.append(control, std::move(payload));
        ++peer.waiting_messages;
      }
    }
    if (begin) asio::post(io, [self = shared_from_this(), node] { self->begin_attempt(node, false); });
    if (full) {
      asio::post(io, [self = shared_from_this(), node] {
        self->fail_attempt(node, ConnectFailure::unreachable,
                           "too much was sent to it before it was connected");
      });
    }
    return;
  }
}

Result<void> Distribution::Impl::on_message(Channel& channel, BytesView body) {
  TermLimits limits;
  limits.bytes_max = options.message_bytes_max;
  if (auto decoded = decode_control(body, limits, incoming_); !decoded) return decoded;
  callback([&] {
    if (processes_ != nullptr) deliver(channel, incoming_);
  });
  return {};
}

void Distribution::Impl::deliver(Channel& channel, IncomingControl& control) {
  process::RemoteEvents& to = *processes_;
  switch (control.op) {
    case Op::send:
    case Op::send_sender:
      return to.on_send(control.from, control.to, control.term());
    case Op::reg_send:
      return to.on_send_named(control.from, control.name, control.term());
    case Op::alias_send:
      return to.on_send_alias(control.from, control.ref, control.term());
    case Op::link:
      return to.on_link(control.from, control.to);
    // Unlinks without an id are of nodes that are too old to get here; the id 0 is never used otherwise.
    case Op::unlink:
      return to.on_unlink(control.from, control.to, 0);
    case Op::unlink_id:
      return to.on_unlink(control.from, control.to, control.id);
    case Op::unlink_id_ack:
      return to.on_unlink_ack(control.from, control.to, control.id);
    case Op::payload_exit:
      return to.on_exit(control.from, control.to, control.term());
    case Op::payload_exit2:
      return to.on_exit2(control.from, control.to, control.term());
    case Op::monitor_p:
      if (!control.name.name.empty()) return to.on_monitor_named(control.from, control.name, control.ref);
      return to.on_monitor(control.from, control.to, control.ref);
    case Op::demonitor_p:
      return to.on_demonitor(control.from, control.ref);
    case Op::payload_monitor_p_exit:
      // The answer to our own probe says all by having come.
      if (control.to.id == 0 && control.to.serial == 0 &&
          control.ref.words == std::vector<std::uint32_t>{0, 0, 0})
        return;
      return to.on_monitor_exit(control.to, control.ref, control.term());
    case Op::spawn_request:
      channel.send({.op = Op::spawn_reply, .to = &control.from, .ref = &control.ref}, {});
      return;
    default:
      return;  // Group leaders, link requests of nodes, replies to spawns: nothing here has them.
  }
}

void Distribution::send(const Pid& from, const Pid& to, Bytes term) {
  impl_->send(to.node, {.op = Op::send_sender, .from = &from, .to = &to}, std::move(term));
}

void Distribution::send_named(const Pid& from, const process::NamedProcess& to, Bytes term) {
  impl_->send(to.node, {.op = Op::reg_send, .from = &from, .name = &to.name}, std::move(term));
}

void Distribution::send_alias(const Pid& from, const Ref& alias, Bytes term) {
  impl_->send(alias.node, {.op = Op::alias_send, .from = &from, .ref = &alias}, std::move(term));
}

void Distribution::link(const Pid& from, const Pid& to) {
  impl_->send(to.node, {.op = Op::link, .from = &from, .to = &to}, {});
}

void Distribution::unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) {
  impl_->send(to.node, {.op = Op::unlink_id, .from = &from, .to = &to, .id = unlink_id}, {});
}

void Distribution::unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) {
  impl_->send(to.node, {.op = Op::unlink_id_ack, .from = &from, .to = &to, .id = unlink_id}, {});
}

void Distribution::exit(const Pid& from, const Pid& to, Bytes reason) {
  impl_->send(to.node, {.op = Op::payload_exit, .from = &from, .to = &to}, std::move(reason));
}

void Distribution::exit2(const Pid& from, const Pid& to, Bytes reason) {
  impl_->send(to.node, {.op = Op::payload_exit2, .from = &from, .to = &to}, std::move(reason));
}

void Distribution::monitor(const Pid& from, const Pid& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::monitor_p, .from = &from, .to = &to, .ref = &ref}, {});
}

void Distribution::monitor_named(const Pid& from, const process::NamedProcess& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::monitor_p, .from = &from, .name = &to.name, .ref = &ref}, {});
}

void Distribution::demonitor(const Pid& from, const Pid& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::demonitor_p, .from = &from, .to = &to, .ref = &ref}, {});
}

void Distribution::demonitor_named(const Pid& from, const process::NamedProcess& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::demonitor_p, .from = &from, .name = &to.name, .ref = &ref}, {});
}

void Distribution::monitor_exit(const Pid& watched, const Atom& watched_name, const Pid& watcher,
                                const Ref& ref, Bytes reason) {
  const Atom* name = watched_name.name.empty() ? nullptr : &watched_name;
  impl_->send(watcher.node,
              {.op = Op::payload_monitor_p_exit, .from = &watched, .to = &watcher, .name = name, .ref = &ref},
              std::move(reason));
}

}  // namespace brood::node
