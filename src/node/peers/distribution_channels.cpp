// Channels coming up, going down and being kept alive.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "node/handshake/flags.hpp"
#include "node/peers/distribution_impl.hpp"

namespace brood::node {

std::shared_ptr<Channel> Distribution::Impl::find(const NodeName& node) const {
  const std::shared_lock lock(peers_mutex_);
  const auto found = peers_.find(node.value);
  return found == peers_.end() ? nullptr : found->second.channel;
}

void Distribution::Impl::up(HandshakeSession& session, std::optional<HostPort> listening) {
  const PeerIdentity& identity = session.handshake().peer();
  const PeerInfo info{.name = identity.name,
                      .creation = identity.creation,
                      .flags = identity.flags,
                      .hidden = (identity.flags & flag::published) == 0,
                      .answers_anybody = Dialect::of(identity.flags).answers_anybody,
                      .address = to_text(session.remote())};
  const auto channel =
      std::make_shared<Channel>(session.take_stream(), info,
                                ChannelOptions{.send_buffer_max = options.send_buffer_max,
                                               .message_bytes_max = options.message_bytes_max,
                                               .assembly_bytes_max = options.assembly_bytes_max,
                                               .tick_timeout = options.tick_timeout},
                                weak_from_this());
  std::shared_ptr<Channel> old;
  std::shared_ptr<Dialer> dialer;
  {
    const std::unique_lock lock(peers_mutex_);
    if (stopping_) return;
    Peer& peer = peers_[info.name.value];
    peer.waiting.hand_over([&](Outgoing& message) {
      for (Outgoing& fitting : fit_all(channel->dialect(), {&message, 1})) channel->adopt(fitting);
    });
    peer.connecting = false;
    if (peer.tick_timeout) channel->set_tick_timeout(*peer.tick_timeout);
    // A configured address stays the one to try; the channel's own may be a temporary port.
    if (listening) {
      peer.last_known = std::move(listening);
    } else if (peer.configured) {
      peer.last_known = peer.configured;
    }
    dialer = std::exchange(peer.dialer, nullptr);
    old = std::exchange(peer.channel, channel);
  }
  if (dialer != nullptr) dialer->cancel();
  if (old != nullptr) {
    const std::string words = "a new connection of that node took its place";
    old->close(DownReason::replaced, words);
    report_down(old->peer(), DownReason::replaced, words);
  }
  callback([&] {
    if (events_.on_up) events_.on_up(info);
  });
  ticker_.wake();
  channel->start(session.received());
}

void Distribution::Impl::on_closed(const std::shared_ptr<Channel>& channel, DownReason reason,
                                   const std::string& words) {
  {
    const std::unique_lock lock(peers_mutex_);
    const auto found = peers_.find(channel->peer().name.value);
    // Replaced: told when that happened.
    if (found == peers_.end() || found->second.channel != channel) return;
    found->second.channel.reset();
    if (found->second.is_forgettable()) peers_.erase(found);
  }
  report_down(channel->peer(), reason, words);
}

void Distribution::Impl::report_down(const PeerInfo& peer, DownReason reason, const std::string& words) {
  if (reason == DownReason::protocol_error) {
    ++counts_.protocol_errors;
    if (limiter_.allow(peer.name.value))
      spdlog::warn("{} sent {}; its connection is closed", peer.name.value, words);
  }
  callback([&] {
    if (processes_ != nullptr) processes_->on_node_down(peer.name);
    if (events_.on_down) events_.on_down(peer, reason, words);
  });
}

void Distribution::Impl::on_drained() {
  if (!draining_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(drain_mutex_);
  drained_.notify_all();
}

milliseconds Distribution::Impl::tick_round(Clock::time_point now, bool late) {
  {
    const std::shared_lock lock(peers_mutex_);
    for (const auto& entry : peers_) {
      if (entry.second.channel != nullptr) ticking_.push_back(entry.second.channel);
    }
  }
  milliseconds next = round_interval(options.tick_timeout);
  for (const auto& channel : ticking_) {
    if (late) channel->restart_silence(now);
    const milliseconds timeout = channel->tick_timeout();
    next = std::min(next, round_interval(timeout));
    switch (judge({now, channel->last_sent(), channel->silent_since(), timeout})) {
      case TickAction::none:
        break;
      case TickAction::send:
        channel->tick();
        break;
      case TickAction::give_up:
        if (channel->has_unread()) {
          channel->restart_silence(now);
        } else {
          channel->close(DownReason::tick_timeout,
                         fmt::format("nothing was heard from it for {} ms", timeout.count()));
        }
        break;
    }
  }
  ticking_.clear();
  return next;
}

}  // namespace brood::node
