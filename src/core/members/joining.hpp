// Joining: how this node becomes a member: whom it has to meet first, and when it is up.
//
// A node is up once it holds every reachable member's rows. With seeds it forms a cluster of its own only
// when each of them has answered or failed and form_wait is over, or when `expect` nodes are there.
//
// Owns: what has become of each seed, and of those that were learned of from others. Reads: links, sessions,
// how far tables have come, the fence. Tells: meeting_failed, stays_out. Thread rule: none; owned by one
// core.
#pragma once

#include <map>
#include <set>
#include <vector>

#include "core/base/notes.hpp"
#include "core/members/fence.hpp"
#include "core/members/sessions.hpp"

namespace brood::core {

/// How far the exchange of tables with a peer has come; implemented by rows/replication.hpp.
class TableProgress {
 public:
  virtual ~TableProgress() = default;
  /// The peer's table has been taken in on this channel.
  [[nodiscard]] virtual bool holds_table_of(PeerIndex peer) const = 0;
  /// Ours has gone out to it as a whole.
  [[nodiscard]] virtual bool has_sent_table_to(PeerIndex peer) const = 0;
  /// When a portion of its table, of which more are to come, was taken in last; none: no table is on its way.
  [[nodiscard]] virtual std::optional<Duration> taking_table_of(PeerIndex peer) const = 0;
  /// A change of the peer's is missing here, and its table is to bring it: what came behind that change is
  /// not known yet.
  [[nodiscard]] virtual bool misses_changes_of(PeerIndex peer) const = 0;
  /// Ours fits into one portion.
  [[nodiscard]] virtual bool is_small() const = 0;
};

class Joining {
 public:
  Joining(const PeerTable& peers, Links& links, const Sessions& sessions, const TableProgress& tables,
          const Fence& fence, Notes& notes)
      : peers_(peers), links_(links), sessions_(sessions), tables_(tables), fence_(fence), notes_(notes) {}

  [[nodiscard]] bool booted() const { return booted_; }
  [[nodiscard]] bool is_seed(PeerIndex peer) const { return meetings_[peer].seed; }
  [[nodiscard]] bool was_learned_of(PeerIndex peer) const { return meetings_[peer].learned.has_value(); }
  [[nodiscard]] bool was_refused(PeerIndex peer) const { return meetings_[peer].refused; }
  /// Nothing has to be remembered of that peer.
  [[nodiscard]] bool idle(PeerIndex peer) const { return !meetings_[peer].seed && !meetings_[peer].learned; }
  /// A member or another that joins has other settings: this node will not be up.
  [[nodiscard]] bool stays_out() const { return !why_out_.empty(); }
  [[nodiscard]] const std::string& why_out() const { return why_out_; }
  [[nodiscard]] Duration form_at() const { return form_at_; }

  void boot(Step& s);
  void dial_seeds(Step& s, PeerTable& peers);
  /// The peer has answered, or will not.
  void settle(PeerIndex peer) {
    meetings_[peer].settled = true;
    meetings_[peer].refuses_us = false;
  }
  /// It could not be reached. `proven`: it does not run, else it may, and run what this node has run. One
  /// that slept and joins anew, and so has been replaced, tries that peer for as long as others wait for a
  /// member.
  void not_reached(PeerIndex peer, bool proven) {
    if (!proven && awaits(peer)) return;
    settle(peer);
  }
  /// While that lasts. A client, or a node of something else, is not waited for: it has never said Hello.
  [[nodiscard]] bool awaits(PeerIndex peer) const { return await_until_ && meetings_[peer].is_node; }
  /// It runs and will not have us. This node does not form a cluster of its own beside it; it may join where
  /// another lets it in.
  void refuses_us(PeerIndex peer) {
    meetings_[peer].refuses_us = true;
    meetings_[peer].settled = false;
  }
  void unsettle(PeerIndex peer) { meetings_[peer].settled = false; }
  /// A channel stands: whoever has not said Hello soon is no node of this supervisor.
  void await_hello(Step& s, PeerIndex peer);
  /// Hello came.
  void said_hello(PeerIndex peer);
  void learn(Step& s, PeerIndex peer, const SessionId& session);
  /// Another member knows it.
  void told_of(const Step& s, const NodeName& node);
  /// It is a member. Said very often: each Hello names all.
  void told_of_member(PeerIndex peer) {
    if (sessions_.self().state == MemberState::joining) meetings_[peer].told = true;
  }
  /// One that was a member, or that others know, is none here: this node does not reach it.
  [[nodiscard]] bool has_missed() const;
  /// Those that members told of while it joined, and that it has never met. Not for ever: by then a link that
  /// is broken has been noticed (members/reachability.hpp), or they are gone and nobody told this node so.
  [[nodiscard]] std::vector<NodeName> unmet(const Step& s) const;
  /// It runs nothing any more: it has left, or died.
  void is_gone(const NodeName& node);
  void met(const Step& s, PeerIndex peer);
  void give_up_meeting(Step& s, PeerIndex peer);
  /// The peer will not work with us, or we not with it.
  void refused(Step& s, PeerIndex peer, const std::string& why);
  void channel_ended(PeerIndex peer) { meetings_[peer].refused = false; }
  /// While a joining node slept the others may have formed without it.
  void anew(Step& s, bool rejoins);

  /// Whether this node may be up now. `rejoins`: it was, and its session was declared over.
  [[nodiscard]] bool may_become_up(const Step& s, bool rejoins) const;

  void on_time(Step& s);
  [[nodiscard]] Duration deadline(Duration now) const;
  void reset(PeerIndex peer);

 private:
  struct Meeting {
    bool seed = false;
    bool is_node = false;  ///< It has said Hello, ever.
    bool settled = false;  ///< It answered, or failed once.
    bool refused = false;
    bool refuses_us = false;
    bool told = false;                 ///< While this node joins: it is, or was, a member.
    std::optional<SessionId> learned;  ///< Another member knows it; we must meet it before we are up.
    bool missed = false;               ///< Not met in time.
  };
  void ask_anew(Step& s, PeerIndex peer);

  const PeerTable& peers_;
  Links& links_;
  const Sessions& sessions_;
  const TableProgress& tables_;
  const Fence& fence_;
  Notes& notes_;
  PeerMap<Meeting> meetings_;
  std::vector<PeerIndex> seeds_;
  std::set<NodeName> told_;             ///< While it joins: whom others know, or who was a member.
  std::map<NodeName, Duration> unmet_;  ///< Since when.
  std::set<std::pair<Duration, PeerIndex>> learned_until_;
  std::set<std::pair<Duration, PeerIndex>> hello_until_;
  Duration met_at_ = Duration::min();  ///< When one that others know was met last.
  bool booted_ = false;
  std::string why_out_;  ///< What differed at the first that refused this node while it joined.
  Duration form_at_{};
  std::optional<Duration> await_until_;  ///< It joins anew, and waits for all that may have replaced it.
};

}  // namespace brood::core
