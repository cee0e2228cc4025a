// Channels coming up, going down and being kept alive.
#include <fmt/format.h>
#include <malloc.h>

#include "node/handshake/flags.hpp"
#include "node/peers/distribution_impl.hpp"
#include "process/log/log.hpp"

namespace brood::node {

namespace {

/// What a channel must have had in its queue for its end to be worth a look at the heap, and when that look
/// comes: the channel itself goes a moment after its end was told.
constexpr std::size_t trim_bytes_min = 4 * 1024 * 1024;
constexpr milliseconds trim_after{200};

}  // namespace

std::shared_ptr<Channel> Distribution::Impl::find(const NodeName& node) const {
  const std::shared_lock lock(peers_mutex_);
  const auto found = peers_.find(node);
  return found == peers_.end() ? nullptr : found->second.channel;
}

void Distribution::Impl::up(HandshakeSession& session, std::optional<HostPort> listening) {
  const PeerIdentity& identity = session.handshake().peer();
  const PeerInfo info{.name = identity.name,
                      .creation = identity.creation,
                      .flags = identity.flags,
                      .hidden = (identity.flags & flag::published) == 0,
                      .answers_anybody = Dialect::of(identity.flags).answers_anybody,
                      .address = to_text(session.remote()),
                      .proven = session.handshake().proves()};
  const auto channel =
      std::make_shared<Channel>(session.take_stream(), info,
                                ChannelOptions{.send_buffer_max = options.send_buffer_max,
                                               .message_bytes_max = options.message_bytes_max,
                                               .assembly_bytes_max = options.assembly_bytes_max,
                                               .tick_timeout = options.tick_timeout,
                                               .budget = budget_},
                                weak_from_this());
  std::shared_ptr<Channel> old;
  std::shared_ptr<Dialer> dialer;
  {
    const std::unique_lock lock(peers_mutex_);
    if (stopping_) return;
    Peer& peer = peers_[info.name];
    budget_->give_back(peer.waiting.bytes());
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
    const auto found = peers_.find(channel->peer().name);
    // Replaced: told when that happened.
    if (found == peers_.end() || found->second.channel != channel) return;
    found->second.channel.reset();
    found->second.idle_since = Clock::now();
    if (found->second.is_forgettable()) peers_.erase(found);
  }
  if (channel->dropped_bytes() > trim_bytes_min) {
    trim_at_.store(Clock::now() + trim_after, std::memory_order_relaxed);
    ticker_.wake();
  }
  report_down(channel->peer(), reason, words);
}

void Distribution::Impl::report_down(const PeerInfo& peer, DownReason reason, const std::string& words) {
  if (reason == DownReason::protocol_error) {
    ++counts_.protocol_errors;
    if (limiter_.allow(peer.name.text()))
      log::warn("{} sent {}; its connection is closed", peer.name.text(), words);
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

/// The one that most waits for and that has taken nothing for longest, both together. Null: nothing waits.
std::shared_ptr<Channel> Distribution::Impl::slowest_channel() const {
  const auto now = Clock::now();
  std::shared_ptr<Channel> slowest;
  double most = 0;
  const std::shared_lock lock(peers_mutex_);
  for (const auto& entry : peers_) {
    const auto& channel = entry.second.channel;
    if (channel == nullptr || channel->is_closed()) continue;
    const auto stalled = std::chrono::duration<double>(now - channel->stalled_since()).count();
    const double weight = static_cast<double>(channel->backlog()) * (std::max(stalled, 0.0) + 0.001);
    if (weight <= most) continue;
    most = weight;
    slowest = channel;
  }
  return slowest;
}

void Distribution::Impl::on_over_budget() {
  const std::unique_lock one(cutting_, std::try_to_lock);
  if (!one.owns_lock()) return;
  while (true) {
    // What closed channels still hold goes by itself: it is no reason to close another.
    std::size_t waiting = 0;
    {
      const std::shared_lock lock(peers_mutex_);
      for (const auto& entry : peers_) {
        const auto& channel = entry.second.channel;
        waiting += entry.second.waiting.bytes();
        if (channel != nullptr && !channel->is_closed()) waiting += channel->backlog();
      }
    }
    if (waiting <= budget_->bytes_max()) return;
    const auto slowest = slowest_channel();
    if (slowest == nullptr) return;
    const std::size_t backlog = slowest->backlog();
    ++counts_.slowest_cut;
    if (limiter_.allow("cut " + slowest->peer().name.text())) {
      log::warn(
          "{} is cut: {} bytes wait for all peers together, more than {}, and {} of them for it, which takes "
          "them slowest",
          slowest->peer().name.text(), waiting, budget_->bytes_max(), backlog);
    }
    slowest->close(DownReason::overflow,
                   fmt::format("{} bytes waited for it, and too many for all peers together", backlog));
  }
}

void Distribution::Impl::forget_idle_nodes(Clock::time_point now) {
  if (now - swept_at_ < options.forget_after / 4) return;
  swept_at_ = now;
  limiter_.sweep(now);
  const std::unique_lock lock(peers_mutex_);
  std::erase_if(peers_, [&](const auto& entry) {
    const Peer& peer = entry.second;
    return peer.is_idle() && !peer.is_kept && now - peer.idle_since >= options.forget_after;
  });
}

milliseconds Distribution::Impl::give_memory_back(Clock::time_point now, milliseconds next) {
  const auto at = trim_at_.load(std::memory_order_relaxed);
  if (at == Clock::time_point{}) return next;
  if (now < at) return std::min(next, std::chrono::ceil<milliseconds>(at - now));
  trim_at_.store({}, std::memory_order_relaxed);
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
  return next;
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
  forget_idle_nodes(now);
  return give_memory_back(now, std::min(next, std::max(options.forget_after / 4, milliseconds(1))));
}

}  // namespace brood::node
