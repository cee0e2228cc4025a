// Channel: an authenticated connection to one node. Sends what processes say, cuts what arrives into frames
// and hands them to its owner.
//
//   open --close()/end of stream--> closed --io thread--> owner.on_closed(), once
//
// A message that arrived before the stream ended is handed over before on_closed(); after close() nothing is.
//
// Thread rule: send(), tick(), close() and the readers of its state from any thread; start() once. Owner
// functions run on the io thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <span>

#include "node/channel/assembler.hpp"
#include "node/channel/control.hpp"
#include "node/channel/fair_queue.hpp"
#include "node/channel/frames.hpp"
#include "node/channel/send_budget.hpp"
#include "node/channel/stream.hpp"
#include "node/channel/ticker.hpp"
#include "node/distribution.hpp"

namespace brood::node {

class Channel;

enum class Urgency : std::uint8_t {
  refusable,  ///< Not taken when send_buffer_max waits already that it would have to wait for.
  required,   ///< Taken up to the hard bound.
};

enum class Flush : std::uint8_t {
  now,
  soon,  ///< The sender has more to send at once, and may be waited for.
};

enum class Sent : std::uint8_t { taken, busy, closed };

/// What may wait for a peer in all, requests that can be refused and signals that cannot; beyond it the peer
/// is given up.
[[nodiscard]] constexpr std::size_t hard_bound(std::size_t send_buffer_max) {
  return send_buffer_max > SIZE_MAX / 4 ? SIZE_MAX : send_buffer_max * 4;
}

class ChannelOwner {
 public:
  virtual ~ChannelOwner() = default;
  /// The body of a whole message; valid during the call. `payload`: as of decode_control().
  /// An error closes the channel (protocol_error).
  virtual Result<void> on_message(Channel& channel, BytesView body, Bytes* payload) = 0;
  /// The beginning of a message that is larger than may be, of which the rest is passed over: enough to see
  /// what it was and who waits for an answer to it. Errors as above.
  virtual Result<void> on_excess(Channel& channel, BytesView head) = 0;
  virtual void on_closed(const std::shared_ptr<Channel>& channel, DownReason reason,
                         const std::string& words) = 0;
  /// Everything that was queued has been handed to the kernel. Any thread.
  virtual void on_drained() = 0;
  /// What was just queued exceeds the budget of all channels. Any thread, without a lock held.
  virtual void on_over_budget() = 0;
};

struct ChannelOptions {
  std::size_t send_buffer_max;
  std::size_t message_bytes_max;
  std::size_t assembly_bytes_max;
  milliseconds tick_timeout;
  std::shared_ptr<SendBudget> budget;  ///< Shared by all channels of a node.
};

class Channel final : public std::enable_shared_from_this<Channel> {
 public:
  Channel(std::unique_ptr<Stream> stream, PeerInfo peer, const ChannelOptions& options,
          std::weak_ptr<ChannelOwner> owner);
  ~Channel();
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  /// Takes a message that waited for this channel and fits its peer; before start().
  void adopt(Outgoing& message);
  /// Begins to read. `received`: what came behind the handshake. On the io thread.
  void start(BytesView received);

  /// Queues messages, all or none, and sees to it that they are written. Not taken, they are untouched.
  /// A peer for which more than hard_bound() waits is given up (overflow).
  Sent send(std::span<Outgoing> messages, Urgency urgency, Flush flush = Flush::now);
  /// Sends a tick unless other bytes are on their way.
  void tick();
  /// First call wins. on_closed() comes from the io thread.
  void close(DownReason reason, std::string words);

  [[nodiscard]] const PeerInfo& peer() const { return peer_; }
  /// What is sent must fit it.
  [[nodiscard]] const Dialect& dialect() const { return dialect_; }
  [[nodiscard]] std::size_t backlog() const { return backlog_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool is_closed() const { return closed_.load(std::memory_order_acquire); }
  /// Since when bytes wait and the peer has taken none of them.
  [[nodiscard]] Clock::time_point stalled_since() const {
    return stalled_since_.load(std::memory_order_relaxed);
  }
  /// How many bytes waited when it was closed.
  [[nodiscard]] std::size_t dropped_bytes() const { return dropped_bytes_.load(std::memory_order_relaxed); }
  [[nodiscard]] Clock::time_point last_received() const {
    return last_received_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] Clock::time_point last_sent() const { return last_sent_.load(std::memory_order_relaxed); }
  /// Bytes, or the end of the stream, wait to be read: the peer is not silent, we are slow.
  [[nodiscard]] bool has_unread() const;

  [[nodiscard]] milliseconds tick_timeout() const { return tick_timeout_.load(std::memory_order_relaxed); }
  void set_tick_timeout(milliseconds timeout) { tick_timeout_.store(timeout, std::memory_order_relaxed); }
  /// Where the count of silence starts; only the ticker's round touches it.
  [[nodiscard]] Clock::time_point silent_since() const { return std::max(last_received(), counted_from_); }
  void restart_silence(Clock::time_point now) { counted_from_ = now; }

 private:
  Sent enqueue(std::span<Outgoing> messages, Urgency urgency, Flush flush);
  void read();
  void on_read(std::size_t count);
  bool deliver_frames(ChannelOwner& owner);
  Result<void> handle(ChannelOwner& owner, const Frame& frame);
  void write_some(bool on_io_thread);
  bool refill();
  bool write_pieces();
  void write_later();
  void hold();
  void write_held();
  void await_writable();
  void write_failed();
  void add_backlog(std::size_t bytes);
  void take_backlog(std::size_t bytes);
  void drop_queue();

  const std::unique_ptr<Stream> stream_;  ///< Open until this object goes; close() only shuts it down.
  const PeerInfo peer_;
  const Dialect dialect_;
  const std::size_t send_buffer_max_;
  const std::weak_ptr<ChannelOwner> owner_;
  const std::shared_ptr<SendBudget> budget_;

  FrameBuffer incoming_;     ///< Io thread.
  Assembler assembler_;      ///< Io thread.
  bool owes_write_ = false;  ///< Io thread: what it delivered was answered.

  mutable std::mutex mutex_;
  FairQueue queue_;                  ///< Behind inflight_.
  int held_ = 0;                     ///< Sends since the last write that could wait for more.
  bool holds_ = false;               ///< write_held() will come.
  bool writing_ = false;             ///< Somebody owns inflight_ and will look at queue_ again.
  std::atomic<bool> closed_{false};  ///< Set under mutex_.
  bool broken_ = false;              ///< Writing failed; the reader will meet the end of the stream.
  Clock::time_point last_direct_{};

  SendQueue inflight_;  ///< Belongs to whoever set writing_.

  std::atomic<std::size_t> backlog_{0};  ///< Changed with budget_, by add_backlog() and take_backlog() alone.
  std::atomic<std::size_t> dropped_bytes_{0};
  std::atomic<Clock::time_point> stalled_since_;
  std::atomic<Clock::time_point> last_received_;
  std::atomic<Clock::time_point> last_sent_;
  std::atomic<milliseconds> tick_timeout_;
  Clock::time_point counted_from_{};
};

}  // namespace brood::node
