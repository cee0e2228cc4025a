// Links: the channels to other nodes, whom to dial and when, and what is to be sent on them.
//
//   none -> PeerUp -> (Hello accepted) open -> PeerDown -> none
//
// Owns: the link of each peer, and the messages of this step. Reads: the names of peers. Tells: nothing. The
// events of channels are handled by Greeting (PeerUp) and Detector (PeerDown, ConnectFailed), which call the
// verbs here.
// Thread rule: none; owned by one core.
#pragma once

#include "core/base/step.hpp"
#include "core/members/peer_table.hpp"

namespace brood::core {

struct Link {
  bool channel = false;
  std::uint32_t creation = 0;
  bool open = false;  ///< Its Hello was accepted on this channel, and its session is not over.
  bool connecting = false;
  bool connect_again = false;  ///< The attempt that is under way began before this node slept.
  bool last_known = false;     ///< To be dialled where it was last.
  std::uint32_t attempts = 0;
  Duration next_connect = Duration::max();
  std::string address;

  [[nodiscard]] bool idle() const { return !channel && !connecting && next_connect == Duration::max(); }
};

/// Where a message of this step stands among the others to the same peer. The order carries a promise:
/// whoever holds a View of a node holds every row that the node wrote before.
enum class Rank : std::uint8_t { hello, rows, acks, view, rest };

/// Sending, for those parts that do nothing else with channels.
class Sender {
 public:
  virtual ~Sender() = default;
  /// Leaves at the end of the step, if the channel stands then.
  virtual void send(PeerIndex to, MessageBody body, Rank rank = Rank::rest) = 0;
  /// The same body to several.
  virtual void send(std::vector<PeerIndex> to, MessageBody body, Rank rank = Rank::rest) = 0;
  /// Of a hand-over: leaves as send() would have it, in one message with the words said just before it.
  virtual void say(PeerIndex to, HandoverWord word) = 0;
};

class Links final : public Sender {
 public:
  explicit Links(const PeerTable& peers) : peers_(peers) {}

  [[nodiscard]] const Link& operator[](PeerIndex peer) const { return links_[peer]; }
  [[nodiscard]] const NodeName& name(PeerIndex peer) const { return peers_.name(peer); }
  /// Peers that have a channel.
  [[nodiscard]] const std::vector<PeerIndex>& with_channel() const { return with_channel_; }

  void came_up(PeerIndex peer, std::uint32_t creation);
  void went_down(PeerIndex peer);
  void opened(PeerIndex peer) { links_[peer].open = true; }
  void closed(PeerIndex peer) { links_[peer].open = false; }
  void failed(PeerIndex peer) { links_[peer].connecting = false; }

  void dial(Step& s, PeerIndex peer);
  void dial_at(PeerIndex peer, Duration when);
  /// The attempt that is under way says nothing of now: another follows it at once.
  void dial_again(PeerIndex peer) { links_[peer].connect_again = true; }
  [[nodiscard]] bool take_again(PeerIndex peer) { return std::exchange(links_[peer].connect_again, false); }
  void set_address(PeerIndex peer, const std::string& address) { links_[peer].address = address; }
  void dial_where_last(PeerIndex peer, bool yes) { links_[peer].last_known = yes; }

  void send(PeerIndex to, MessageBody body, Rank rank = Rank::rest) override;
  void send(std::vector<PeerIndex> to, MessageBody body, Rank rank = Rank::rest) override;
  void say(PeerIndex to, HandoverWord word) override;
  /// Whether anything is sent in this step.
  [[nodiscard]] bool sends_any() const { return !out_.empty(); }
  /// Those to whom something of that rank or a later one is sent in this step, in no order.
  [[nodiscard]] std::vector<PeerIndex> addressed(Rank from) const;
  /// Turns what was sent in this step into effects.
  void flush(Step& s);
  void reset(PeerIndex peer) { links_.reset(peer); }

  /// Dials those whose time has come.
  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const { return dials_.empty() ? Duration::max() : dials_.begin()->first; }

 private:
  struct Out {
    Rank rank;
    std::vector<PeerIndex> to;
    MessageBody body;
  };
  /// The list of hand-overs that more words to a peer go into, while nothing else is said after it.
  struct OpenList {
    std::optional<std::size_t> place;  ///< In out_.
    std::size_t parcels = 0;           ///< Their bytes.
  };
  const PeerTable& peers_;
  PeerMap<Link> links_;
  std::vector<PeerIndex> with_channel_;
  std::set<std::pair<Duration, PeerIndex>> dials_;
  std::vector<Out> out_;
  PeerMap<OpenList> lists_;
};

}  // namespace brood::core
