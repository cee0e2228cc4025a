#include "node/channel/channel.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "node/handshake/flags.hpp"

namespace brood::node {
namespace {

namespace asio = boost::asio;

/// A sender that comes back sooner than this leaves the writing to the io thread, which then writes many
/// messages at once; a later one writes by itself, which spares a round trip a thread switch.
constexpr auto direct_pause = std::chrono::microseconds(10);
/// Larger writes are left to the io thread: they take long, and senders should not.
constexpr std::size_t direct_bytes_max = 64 * 1024;
/// So many sends that can wait for more are written at once.
constexpr int held_max = 16;
/// Writes in one turn of the io thread before it looks at other channels.
constexpr int writes_per_turn = 8;

/// This thread hands out what has arrived by that channel. What that makes it send is written once it is
/// through: one write for the answers to many messages.
thread_local const Channel* delivering = nullptr;

class DeliveringScope {
 public:
  explicit DeliveringScope(const Channel& channel) { delivering = &channel; }
  ~DeliveringScope() { delivering = nullptr; }
  DeliveringScope(const DeliveringScope&) = delete;
  DeliveringScope& operator=(const DeliveringScope&) = delete;
};

}  // namespace

Channel::Channel(std::unique_ptr<Stream> stream, PeerInfo peer, const ChannelOptions& options,
                 std::weak_ptr<ChannelOwner> owner)
    : stream_(std::move(stream)),
      peer_(std::move(peer)),
      dialect_(Dialect::of(peer_.flags & flag::announced)),
      send_buffer_max_(options.send_buffer_max),
      owner_(std::move(owner)),
      budget_(options.budget),
      incoming_(options.message_bytes_max),
      assembler_({.message_bytes_max = options.message_bytes_max, .bytes_max = options.assembly_bytes_max}),
      stalled_since_(Clock::now()),
      last_received_(Clock::now()),
      last_sent_(Clock::now()),
      tick_timeout_(options.tick_timeout) {
  queue_.set_framing(dialect_.framing);
}

Channel::~Channel() {
  budget_->give_back(backlog());
}

void Channel::add_backlog(std::size_t bytes) {
  if (backlog_.fetch_add(bytes, std::memory_order_relaxed) == 0)
    stalled_since_.store(Clock::now(), std::memory_order_relaxed);
  budget_->take(bytes);
}

void Channel::take_backlog(std::size_t bytes) {
  backlog_.fetch_sub(bytes, std::memory_order_relaxed);
  budget_->give_back(bytes);
}

/// Under mutex_. What is being written belongs to its writer, and goes with the channel.
void Channel::drop_queue() {
  take_backlog(queue_.bytes());
  queue_ = FairQueue();
}

void Channel::adopt(Outgoing& message) {
  const std::scoped_lock lock(mutex_);
  add_backlog(queue_.append(message.control, std::move(message.payload)));
  if (writing_) return;
  writing_ = true;
  write_later();
}

void Channel::start(BytesView received) {
  stream_->let_in();
  while (!received.empty()) {
    const auto space = incoming_.space();
    const std::size_t count = std::min(space.size(), received.size());
    std::copy_n(received.data(), count, space.data());
    incoming_.commit(count);
    received.remove_prefix(count);
  }
  on_read(0);
}

// --- receiving

void Channel::read() {
  stream_->read_some(incoming_.space(),
                     [self = shared_from_this()](const boost::system::error_code& error, std::size_t count) {
                       if (error) return self->close(DownReason::closed, self->stream_->words(error));
                       self->last_received_.store(Clock::now(), std::memory_order_relaxed);
                       self->incoming_.commit(count);
                       if (self->stream_->wants_write()) self->tick();
                       self->on_read(count);
                     });
}

void Channel::on_read(std::size_t) {
  const auto owner = owner_.lock();
  if (owner == nullptr) return;
  const bool goes_on = deliver_frames(*owner);
  if (std::exchange(owes_write_, false)) write_held();
  if (goes_on) read();
}

bool Channel::deliver_frames(ChannelOwner& owner) {
  const DeliveringScope scope(*this);
  for (;;) {
    if (closed_.load(std::memory_order_acquire)) return false;
    const auto frame = incoming_.next();
    if (!frame) return true;
    if (frame->body.empty()) continue;
    if (auto handled = handle(owner, *frame); !handled) {
      close(DownReason::protocol_error, handled.error().message);
      return false;
    }
  }
}

/// What memory cannot be had for ends this connection, not the node.
Result<void> Channel::handle(ChannelOwner& owner, const Frame& frame) {
  try {
    const auto message = assembler_.take(frame);
    if (!message) return message.error();
    if (!message->has_value()) return {};
    if ((*message)->is_cut) return owner.on_excess(*this, (*message)->body);
    return owner.on_message(*this, (*message)->body, assembler_.payload());
  } catch (const std::exception& error) {
    return Error{Errc::limit_exceeded, fmt::format("what could not be taken in ({})", error.what())};
  }
}

bool Channel::has_unread() const {
  return stream_->has_unread();
}

// --- sending

Sent Channel::send(std::span<Outgoing> messages, Urgency urgency, Flush flush) {
  const Sent sent = enqueue(messages, urgency, flush);
  if (budget_->is_exceeded()) {
    if (const auto owner = owner_.lock()) owner->on_over_budget();
  }
  return sent;
}

Sent Channel::enqueue(std::span<Outgoing> messages, Urgency urgency, Flush flush) {
  bool direct = false;
  bool overflows = false;
  {
    const std::scoped_lock lock(mutex_);
    if (closed_ || broken_) return Sent::closed;
    // Small messages pass by the large ones of others: they do not wait for those, and are not refused for
    // them.
    const bool stands = std::any_of(messages.begin(), messages.end(), [this](const Outgoing& message) {
      return queue_.must_stand_in_line(message.control, message.payload.size());
    });
    const std::size_t waiting = stands ? backlog() : backlog() - queue_.bytes_in_line();
    if (urgency == Urgency::refusable && waiting > send_buffer_max_) return Sent::busy;
    overflows = waiting > hard_bound(send_buffer_max_);
    if (!overflows) {
      std::size_t added = 0;
      for (Outgoing& message : messages) added += queue_.append(message.control, std::move(message.payload));
      add_backlog(added);
      if (writing_) return Sent::taken;
      if ((flush == Flush::soon || delivering != nullptr) && ++held_ < held_max) {
        hold();
        return Sent::taken;
      }
      held_ = 0;
      writing_ = true;
      const auto now = Clock::now();
      direct = added <= direct_bytes_max && now - last_direct_ > direct_pause;
      last_direct_ = now;
      if (!direct) return write_later(), Sent::taken;
    }
  }
  if (overflows) {
    close(DownReason::overflow, fmt::format("{} bytes wait for it and it takes them too slowly", backlog()));
  } else {
    write_some(false);
  }
  return Sent::taken;
}

void Channel::tick() {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_ || broken_ || writing_) return;
    add_backlog(queue_.append_tick());
    writing_ = true;
  }
  write_some(false);
}

bool Channel::refill() {
  if (!inflight_.empty()) return true;
  {
    const std::scoped_lock lock(mutex_);
    if (queue_.empty() && stream_->wants_write()) add_backlog(queue_.append_tick());
    if (queue_.refill(inflight_)) return true;
    writing_ = false;
  }
  if (const auto owner = owner_.lock()) owner->on_drained();
  return false;
}

/// Writes of inflight_ what the socket takes; false when the socket will not take more for now (and then
/// somebody else has become the writer).
bool Channel::write_pieces() {
  while (!inflight_.empty()) {
    std::array<iovec, 64> slots;
    const ssize_t written = stream_->write(std::span(slots).first(inflight_.gather(slots)));
    if (written <= 0) {
      written == 0 ? await_writable() : write_failed();
      return false;
    }
    inflight_.consume(static_cast<std::size_t>(written));
    take_backlog(static_cast<std::size_t>(written));
    const auto now = Clock::now();
    last_sent_.store(now, std::memory_order_relaxed);
    stalled_since_.store(now, std::memory_order_relaxed);
  }
  return true;
}

void Channel::write_some(bool on_io_thread) {
  const int turns = on_io_thread ? writes_per_turn : 1;
  for (int i = 0; i < turns; ++i) {
    if (!refill() || !write_pieces()) return;
  }
  // Messages that came meanwhile are not this caller's to write.
  if (refill()) write_later();
}

void Channel::write_later() {
  asio::post(stream_->socket().get_executor(), [self = shared_from_this()] { self->write_some(true); });
}

/// What is held is written by whoever sends next, or else soon by the io thread.
void Channel::hold() {
  if (delivering == this) {
    owes_write_ = true;
  } else if (!std::exchange(holds_, true)) {
    asio::post(stream_->socket().get_executor(), [self = shared_from_this()] { self->write_held(); });
  }
}

void Channel::write_held() {
  {
    const std::scoped_lock lock(mutex_);
    holds_ = false;
    held_ = 0;
    if (writing_ || queue_.empty()) return;
    writing_ = true;
  }
  write_some(true);
}

void Channel::await_writable() {
  // The socket object belongs to the io thread.
  asio::dispatch(stream_->socket().get_executor(), [self = shared_from_this()] {
    self->stream_->await_writable([self](const boost::system::error_code& error) {
      if (error) return self->write_failed();
      self->write_some(true);
    });
  });
}

void Channel::write_failed() {
  // What the peer sent before it went is still to be read: the reader ends the channel, not we.
  dropped_bytes_.fetch_add(backlog(), std::memory_order_relaxed);
  inflight_ = SendQueue();
  {
    const std::scoped_lock lock(mutex_);
    queue_ = FairQueue();
    broken_ = true;
  }
  budget_->give_back(backlog_.exchange(0, std::memory_order_relaxed));
  if (const auto owner = owner_.lock()) owner->on_drained();
}

void Channel::close(DownReason reason, std::string words) {
  {
    const std::scoped_lock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    dropped_bytes_.fetch_add(backlog(), std::memory_order_relaxed);
    drop_queue();
  }
  ::shutdown(stream_->socket().native_handle(), SHUT_RDWR);
  asio::post(stream_->socket().get_executor(), [self = shared_from_this(), reason, words = std::move(words)] {
    self->stream_->forget_writer();
    if (const auto owner = self->owner_.lock()) owner->on_closed(self, reason, words);
  });
}

}  // namespace brood::node
