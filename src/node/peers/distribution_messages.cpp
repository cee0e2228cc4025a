// What processes send, and what arrives for them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>

#include "node/handshake/flags.hpp"
#include "node/net/names.hpp"
#include "node/peers/distribution_impl.hpp"
#include "node/peers/global_peer.hpp"
#include "process/log/log.hpp"

namespace brood::node {

namespace asio = boost::asio;

namespace {

void reply_to_spawn(Channel& channel, const IncomingControl& request) {
  Outgoing reply{{.op = Op::spawn_reply, .to = &request.from, .ref = &request.ref}, {}};
  channel.send({&reply, 1}, Urgency::required);
}

}  // namespace

Sent Distribution::Impl::send(const NodeName& node, std::span<Outgoing> messages, Urgency urgency,
                              Flush flush, Dial dial) {
  for (;;) {
    if (const auto channel = find(node)) {
      if (!channel->dialect().is_full()) messages = fit_all(channel->dialect(), messages);
      if (messages.empty()) return Sent::taken;
      const Sent sent = channel->send(messages, urgency, flush);
      if (sent != Sent::closed) return sent;
      // Closed, and its end is still to be told, which answers for this message too; unless that has been
      // told already: then there is another channel, or none.
      if (find(node) == channel) {
        counts_.messages_dropped += messages.size();
        return Sent::taken;
      }
      continue;
    }
    const Sent sent = send_waiting(node, messages, urgency, dial);
    if (sent != Sent::closed) return sent;
  }
}

std::span<Outgoing> Distribution::Impl::fit_all(const Dialect& dialect, std::span<Outgoing> messages) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Fit how = fit(dialect, messages[i]);
    answer_for_peer(how, messages[i].control);
    if (how != Fit::goes && how != Fit::goes_quiet) continue;
    if (kept != i) messages[kept] = std::move(messages[i]);
    ++kept;
  }
  return messages.first(kept);
}

/// What an Erlang node would have answered. From the io thread: a sender is not called back while it sends.
void Distribution::Impl::answer_for_peer(Fit how, const OutgoingControl& control) {
  if (how == Fit::lost) ++counts_.messages_dropped;
  if (how == Fit::no_monitor) {
    asio::post(io, [self = shared_from_this(), watcher = *control.from, ref = *control.ref] {
      self->callback([&] {
        if (self->processes_ != nullptr)
          self->processes_->on_monitor_exit(watcher, ref, encode_term(Term::atom("notsup")));
      });
    });
  } else if (how == Fit::goes_quiet) {
    asio::post(io, [self = shared_from_this(), from = *control.from, to = *control.to, id = control.id] {
      self->callback([&] {
        if (self->processes_ != nullptr) self->processes_->on_unlink_ack(to, from, id);
      });
    });
  }
}

/// To a node that is not connected. Closed: it is, by now.
Sent Distribution::Impl::send_waiting(const NodeName& node, std::span<Outgoing> messages, Urgency urgency,
                                      Dial dial) {
  bool begin = false;
  bool full = false;
  if (budget_->is_exceeded()) on_over_budget();
  {
    const std::unique_lock lock(peers_mutex_);
    if (dial == Dial::no) {
      const auto found = peers_.find(node);
      if (found == peers_.end() || found->second.is_idle()) {
        counts_.answers_dropped += messages.size();
        return Sent::taken;
      }
    }
    Peer& peer = peers_[node];
    if (peer.channel != nullptr) return Sent::closed;
    if (urgency == Urgency::refusable && peer.waiting.bytes() > options.send_buffer_max) return Sent::busy;
    begin = !std::exchange(peer.connecting, true);
    full = peer.waiting.bytes() > hard_bound(options.send_buffer_max) ||
           (!peer.waiting.empty() && budget_->is_exceeded());
    if (full) {
      counts_.messages_dropped += messages.size();
    } else {
      for (Outgoing& message : messages)
        budget_->take(peer.waiting.append(message.control, std::move(message.payload)));
    }
  }
  if (begin) asio::post(io, [self = shared_from_this(), node] { self->begin_attempt(node, false); });
  if (full) {
    asio::post(io, [self = shared_from_this(), node] {
      self->fail_attempt(node, ConnectFailure::unreachable,
                         "too much was sent to it before it was connected");
    });
  }
  return Sent::taken;
}

void Distribution::Impl::drop_waiting(Peer& peer) {
  counts_.messages_dropped += peer.waiting.size();
  budget_->give_back(peer.waiting.bytes());
  peer.waiting.clear();
}

void Distribution::Impl::send(const NodeName& node, const OutgoingControl& control, EncodedTerm&& payload,
                              Dial dial) {
  Outgoing message{control, std::move(payload)};
  send(node, {&message, 1}, Urgency::required, Flush::now, dial);
}

Result<void> Distribution::Impl::on_message(Channel& channel, BytesView body, Bytes* payload) {
  TermLimits limits;
  limits.bytes_max = options.message_bytes_max;
  if (auto decoded = decode_control(body, limits, incoming_, payload); !decoded) return decoded;
  if (!is_of_its_peer(channel, incoming_)) {
    refuse_forged(channel, incoming_);
    return {};
  }
  callback([&] {
    if (processes_ != nullptr) deliver(channel, incoming_);
  });
  return {};
}

/// Whether who is said to have sent it is a process of the channel's own peer; OTP refuses anything else,
/// too. Of what names nobody, the peer is the sender.
bool Distribution::Impl::is_of_its_peer(const Channel& channel, IncomingControl& control) const {
  const PeerInfo& peer = channel.peer();
  switch (control.op) {
    case Op::send:
      control.from = Pid{peer.name, 0, 0, peer.creation};
      return true;
    case Op::payload_monitor_p_exit:
      // Of a name, or of a process.
      return !control.name.name.empty() || control.from.node == peer.name;
    case Op::group_leader:
    case Op::node_link:
    case Op::spawn_reply:
      return true;  // Nothing here has them.
    default:
      return control.from.node == peer.name;
  }
}

void Distribution::Impl::refuse_forged(const Channel& channel, const IncomingControl& control) {
  ++counts_.senders_forged;
  const std::string& peer = channel.peer().name.text();
  if (limiter_.allow("forged " + peer)) {
    log::warn("refused a message of {} that it sent in the name of {}", peer,
              is_node_name(control.from.node.text()) ? control.from.node.text() : "something else");
  }
}

void Distribution::Impl::answer_global(Channel& channel, IncomingControl& control) {
  auto answer = answer_to_global(options.name, control.term());
  if (!answer) return;
  const Pid nobody{options.name, 0, 0, creation};
  Outgoing message{{.op = Op::reg_send, .from = &nobody, .name = &control.name}, std::move(*answer)};
  channel.send({&message, 1}, Urgency::required);
}

void Distribution::Impl::deliver(Channel& channel, IncomingControl& control) {
  process::RemoteEvents& to = *processes_;
  switch (control.op) {
    case Op::send:
    case Op::send_sender:
      return to.on_send(control.from, control.to, control.term());
    case Op::reg_send:
      if (!options.hidden && control.name.name == global_name) return answer_global(channel, control);
      return to.on_send_named(control.from, control.name, control.term());
    case Op::alias_send:
      return to.on_send_alias(control.from, control.ref, control.term());
    case Op::link:
      return to.on_link(control.from, control.to);
    // Without an id: of a node that wants no acknowledgement. The id 0 is never used otherwise.
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
      if (control.to.id == 0 && control.to.serial == 0 && control.ref.words == RefWords{0, 0, 0}) return;
      return to.on_monitor_exit(control.to, control.ref, control.term());
    case Op::spawn_request:
      reply_to_spawn(channel, control);
      return;
    default:
      return;  // Group leaders, link requests of nodes, replies to spawns: nothing here has them.
  }
}

namespace {

/// What a message may carry, so that it and the control message before it are within the limit of a peer that
/// has the same one.
constexpr std::size_t largest_payload(std::size_t message_bytes_max) {
  constexpr std::size_t control_bytes = 4096;
  return message_bytes_max - std::min(control_bytes, message_bytes_max / 2);
}

OutgoingControl send_to(const Pid& from, const Pid& to) {
  return {.op = Op::send_sender, .from = &from, .to = &to};
}
OutgoingControl send_to_name(const Pid& from, const Atom& name) {
  return {.op = Op::reg_send, .from = &from, .name = &name};
}
OutgoingControl send_to(const Pid& from, const Address& to) {
  if (const auto* pid = std::get_if<Pid>(&to)) return send_to(from, *pid);
  if (const auto* named = std::get_if<process::NamedProcess>(&to)) return send_to_name(from, named->name);
  return {.op = Op::alias_send, .from = &from, .ref = &std::get<Ref>(to)};
}

}  // namespace

bool Distribution::try_send(const Pid& from, const Pid& to, EncodedTerm term) {
  Outgoing message{send_to(from, to), std::move(term)};
  return impl_->send(to.node, {&message, 1}, Urgency::refusable) == Sent::taken;
}

bool Distribution::try_send_named(const Pid& from, const process::NamedProcess& to, EncodedTerm term) {
  Outgoing message{send_to_name(from, to.name), std::move(term)};
  return impl_->send(to.node, {&message, 1}, Urgency::refusable) == Sent::taken;
}

process::CallSent Distribution::try_call(const Pid& from, const Address& to, const Ref& ref,
                                         EncodedTerm request) {
  const NodeName& node = process::node_of(to);
  const auto channel = impl_->find(node);
  const bool is_alias = std::holds_alternative<Ref>(to);
  const bool watched = !is_alias && channel != nullptr && (channel->peer().flags & flag::call_watch) != 0;
  thread_local Bytes head;
  head.clear();
  process::put_call_head(head, from, ref, watched);
  OutgoingControl send = send_to(from, to);
  const OutgoingControl monitor{
      .op = Op::monitor_p, .from = &from, .to = send.to, .name = send.name, .ref = &ref, .of_call = true};
  send.head = head;
  std::array messages{Outgoing{monitor, {}}, Outgoing{send, std::move(request)}};
  std::span<Outgoing> all(messages);
  if (is_alias || watched) all = all.last(1);
  if (watched) {
    const Sent sent = channel->send(all, Urgency::refusable);
    if (sent == Sent::busy) return process::CallSent::refused;
    if (sent == Sent::taken) return process::CallSent::watched;
    // As in Impl::send(): the end that is still to be told is this call's as well.
    if (impl_->find(node) != channel) return try_call(from, to, ref, std::move(all.front().payload));
    ++impl_->counts_.messages_dropped;
    return process::CallSent::watched;
  }
  if (impl_->send(node, all, Urgency::refusable) != Sent::taken) return process::CallSent::refused;
  return process::CallSent::monitored;
}

void Distribution::Impl::reply(const Pid& from, const process::GenFrom& caller, EncodedTerm answer,
                               Flush flush) {
  thread_local Bytes head;
  head.clear();
  process::put_reply_head(head, caller.tag);
  // With the pid, for a peer that knows no aliases.
  OutgoingControl control = send_to(from, caller.pid);
  if (caller.alias) {
    control.op = Op::alias_send;
    control.ref = &*caller.alias;
  }
  control.head = head;
  Outgoing message{control, std::move(answer)};
  send(caller.pid.node, {&message, 1}, Urgency::required, flush, Dial::no);
}

void Distribution::reply(const Pid& from, const process::GenFrom& caller, EncodedTerm answer,
                         bool more_follows) {
  impl_->reply(from, caller, std::move(answer), more_follows ? Flush::soon : Flush::now);
}

std::size_t Distribution::message_bytes_max() const {
  return largest_payload(impl_->options.message_bytes_max);
}

void Distribution::send(const Pid& from, const Pid& to, EncodedTerm term) {
  impl_->send(to.node, send_to(from, to), std::move(term));
}

void Distribution::send_named(const Pid& from, const process::NamedProcess& to, EncodedTerm term) {
  impl_->send(to.node, send_to_name(from, to.name), std::move(term));
}

void Distribution::send_named(const Pid& from, const process::NamedProcess& to,
                              std::vector<EncodedTerm> terms) {
  std::vector<Outgoing> messages;
  messages.reserve(terms.size());
  for (EncodedTerm& term : terms) messages.push_back({send_to_name(from, to.name), std::move(term)});
  impl_->send(to.node, messages, Urgency::required);
}

void Distribution::send_alias(const Pid& from, const Ref& alias, EncodedTerm term) {
  impl_->send(alias.node, {.op = Op::alias_send, .from = &from, .ref = &alias}, std::move(term));
}

void Distribution::link(const Pid& from, const Pid& to) {
  impl_->send(to.node, {.op = Op::link, .from = &from, .to = &to}, {});
}

void Distribution::unlink(const Pid& from, const Pid& to, std::uint64_t unlink_id) {
  impl_->send(to.node, {.op = Op::unlink_id, .from = &from, .to = &to, .id = unlink_id}, {}, Dial::no);
}

void Distribution::unlink_ack(const Pid& from, const Pid& to, std::uint64_t unlink_id) {
  impl_->send(to.node, {.op = Op::unlink_id_ack, .from = &from, .to = &to, .id = unlink_id}, {}, Dial::no);
}

void Distribution::exit(const Pid& from, const Pid& to, EncodedTerm reason) {
  impl_->send(to.node, {.op = Op::payload_exit, .from = &from, .to = &to}, std::move(reason), Dial::no);
}

void Distribution::exit2(const Pid& from, const Pid& to, EncodedTerm reason) {
  impl_->send(to.node, {.op = Op::payload_exit2, .from = &from, .to = &to}, std::move(reason));
}

void Distribution::monitor(const Pid& from, const Pid& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::monitor_p, .from = &from, .to = &to, .ref = &ref}, {});
}

void Distribution::monitor_named(const Pid& from, const process::NamedProcess& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::monitor_p, .from = &from, .name = &to.name, .ref = &ref}, {});
}

void Distribution::demonitor(const Pid& from, const Pid& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::demonitor_p, .from = &from, .to = &to, .ref = &ref}, {}, Dial::no);
}

void Distribution::demonitor_named(const Pid& from, const process::NamedProcess& to, const Ref& ref) {
  impl_->send(to.node, {.op = Op::demonitor_p, .from = &from, .name = &to.name, .ref = &ref}, {}, Dial::no);
}

void Distribution::monitor_exit(const Pid& watched, const Atom& watched_name, const Pid& watcher,
                                const Ref& ref, EncodedTerm reason) {
  const Atom* name = watched_name.name.empty() ? nullptr : &watched_name;
  impl_->send(watcher.node,
              {.op = Op::payload_monitor_p_exit, .from = &watched, .to = &watcher, .name = name, .ref = &ref},
              std::move(reason), Dial::no);
}

}  // namespace brood::node
