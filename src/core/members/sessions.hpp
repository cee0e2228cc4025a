// Sessions: the rows of the members, this node's own among them, and which sessions are over. Down is final:
// a session that has been declared over is never taken back.
//
//   member   unknown -> joining -> up -> draining -> over (left or down; a new session begins again)
//
// Owns: the member row of each peer, and what is over. Reads: names. Tells: session_began, session_ended,
// own_session_ended, member_changed.
// Thread rule: none; owned by one core.
#pragma once

#include "core/base/notes.hpp"
#include "core/members/links.hpp"
#include "core/members/peer_table.hpp"
#include "core/rows/outbox.hpp"

namespace brood::core {

class Sessions {
 public:
  Sessions(const Settings& settings, const PeerTable& peers, Outbox& outbox, Notes& notes);

  // ---- reading
  [[nodiscard]] const Member& self() const { return self_; }
  [[nodiscard]] const NodeName& name(PeerIndex peer) const { return peers_.name(peer); }
  [[nodiscard]] PeerIndex find(const NodeName& node) const { return peers_.find(node); }
  /// nullptr: it is no member.
  [[nodiscard]] const Member* member(PeerIndex peer) const;
  [[nodiscard]] bool in_state(PeerIndex peer, MemberState state) const {
    const Member* row = member(peer);
    return row && row->state == state;
  }
  /// The other members, in the order of their names.
  [[nodiscard]] const std::vector<PeerIndex>& others() const { return others_; }
  /// Of the row's placement fields; the same on all nodes.
  [[nodiscard]] std::uint64_t hash_of(PeerIndex peer) const;
  [[nodiscard]] bool is_over(const SessionId& session) const;
  /// The greatest session of that start of the node that is over; 0: none.
  [[nodiscard]] std::uint64_t over(const NodeName& node, std::uint32_t creation) const;
  [[nodiscard]] bool remembers(const NodeName& node) const { return over_.contains(node); }
  /// Rises with each change of a row: what is computed from rows is good while it is the same.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }
  /// Members that are there, and those that were lost and are not forgotten yet.
  [[nodiscard]] std::size_t known() const { return others_.size() + 1 + lost_.size(); }

  // ---- others' sessions
  void begin(Step& s, PeerIndex peer, const Member& row);
  /// A newer row of a session that is known.
  void update(Step& s, PeerIndex peer, const Member& row);
  void end(Step& s, PeerIndex peer, Loss loss, const std::string& words);

  // ---- this node's
  void set_state(Step& s, MemberState state, std::string_view words);
  /// The same, said by nobody but the row.
  void set_offers(Step& s, const Offers& offers, std::uint32_t weight);
  /// That node is not reached by this one, or is again, or is known to be gone.
  void set_unreached(Step& s, const NodeName& node, bool yes);
  void set_cuts(Step& s, std::vector<Cut> cuts);
  void set_roster(Step& s, const std::map<NodeName, RosterEntry>& roster);
  void set_forgotten(Step& s, const std::map<NodeName, RosterEntry>& nodes);
  /// A node that was lost will not come back.
  void forget(Step& s, const NodeName& node);
  /// In good order; nobody is told but by the goodbye.
  void leave(Step& s);
  void end_own(Step& s, bool keeps, const std::string& words);
  void rename(Step& s, const NodeName& name, std::uint32_t creation, const std::string& address);

  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const;
  void reset(PeerIndex peer) {
    ++changes_;
    rows_.reset(peer);
  }

 private:
  struct Row {
    std::optional<Member> member;
    std::uint64_t hash = 0;
  };
  struct Over {
    std::map<std::uint32_t, std::uint64_t> sessions;  ///< By creation: the greatest that is over.
    Duration until{};
  };
  void publish_self(Step& s);
  void add_other(PeerIndex peer);

  const PeerTable& peers_;
  Outbox& outbox_;
  Notes& notes_;
  Member self_;
  std::uint64_t self_hash_ = 0;
  std::uint64_t changes_ = 0;
  PeerMap<Row> rows_;
  std::vector<PeerIndex> others_;
  std::map<NodeName, Over> over_;
  std::set<NodeName> lost_;  ///< Of over_, those that did not leave in good order.
  std::deque<std::pair<Duration, NodeName>> forget_;
};

}  // namespace brood::core
