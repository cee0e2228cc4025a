// Network: the channels between the nodes. Each connection is a pair of FIFO queues with delays; a queue also
// carries the news that the connection stands and that it ended, so a node sees them in order.
//
// A connection that breaks loses a random tail of what is under way, each direction its own. One end may see
// the break before the other. A stopped node's kernel keeps taking what is sent to it; its peers give it up
// after the tick time-out of silence.
//
// Thread rule: one thread.
#pragma once

#include <map>

#include "sim/world.hpp"

namespace brood::sim {

class Network {
 public:
  explicit Network(World& world);

  /// One attempt; ends in PeerUp or ConnectFailed, or in nothing when a channel stands already.
  void connect(std::size_t from, std::size_t to);
  void disconnect(std::size_t from, std::size_t to);
  /// Dropped when no channel stands.
  void send(std::size_t from, const core::Send& send);

  /// The connection between the two ends, if there is one.
  void break_connection(std::size_t a, std::size_t b);
  /// That node's process is gone. `flushed`: all that it sent still arrives.
  void node_gone(std::size_t node, bool flushed);
  void node_paused(std::size_t node);
  void node_resumed(std::size_t node);
  /// What `from` sends does not reach `to` from now on; and does again.
  void cut(std::size_t from, std::size_t to);
  void uncut(std::size_t from, std::size_t to);
  /// Without a wire: whether to count the bytes that messages would be, which costs encoding them.
  void weigh(bool yes) { weighs_ = yes; }
  [[nodiscard]] bool connected(std::size_t a, std::size_t b) const { return end(a, b).connection != 0; }

 private:
  /// A message: its bytes, until the first receiver has decoded them for all, or without a wire itself.
  struct Letter {
    Bytes bytes;
    std::optional<core::MessageBody> body;
  };
  /// One under way to one receiver.
  struct Parcel {
    std::shared_ptr<Letter> letter;
    bool brings_changes = false;  ///< It may come twice or, by other ways, late or not at all.
  };
  /// What one node has of its connection to another.
  struct End {
    std::uint64_t connection = 0;    ///< 0: none.
    bool open = false;               ///< PeerUp was told.
    bool broken = false;             ///< What is sent is lost, PeerDown is under way.
    Duration last_arrival{};         ///< Of the newest item under way to this end.
    Duration cut = Duration::max();  ///< What arrives later is lost.
  };
  [[nodiscard]] End& end(std::size_t owner, std::size_t peer) { return ends_[owner * count_ + peer]; }
  [[nodiscard]] const End& end(std::size_t owner, std::size_t peer) const {
    return ends_[owner * count_ + peer];
  }

  void attempt(std::size_t from, std::size_t to, std::uint64_t incarnation, Duration give_up);
  void fail(std::size_t from, std::size_t to, std::uint64_t incarnation, bool proven_dead);
  void establish(std::size_t from, std::size_t to);
  void open_end(std::size_t owner, std::size_t peer, std::uint64_t connection);
  /// The end gets PeerDown after what it still gets; from now on it can send nothing.
  void close_end(std::size_t owner, std::size_t peer, Duration cut, bool silent);
  void arrive_later(std::size_t owner, std::size_t peer, Duration time, Job job);
  void deliver(std::size_t from, std::size_t to, const Parcel& parcel);
  /// Beside the order of the channel, as if it had come another way.
  void deliver_late(std::size_t from, std::size_t to, const Parcel& parcel);
  [[nodiscard]] bool goes_astray(std::size_t from, std::size_t to, const Parcel& parcel);
  void unpack(std::size_t from, std::size_t to, std::uint32_t creation, Parcel& parcel);
  void watch_cut(std::size_t from, std::size_t to);
  void watch_silence(std::size_t awake, std::size_t asleep);
  [[nodiscard]] Duration delay();
  [[nodiscard]] Duration random_cut(std::size_t owner, std::size_t peer);

  World& world_;
  Random random_;
  std::size_t count_;
  std::vector<End> ends_;
  /// What waits behind a cut, by direction.
  struct Stalled {
    std::uint64_t connection = 0;
    Parcel parcel;
  };
  std::vector<std::vector<Stalled>> stalled_;
  std::vector<std::uint32_t> failures_in_row_;
  std::uint64_t connections_ = 0;
  bool weighs_ = false;
};

}  // namespace brood::sim
