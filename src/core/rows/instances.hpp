// Instances: where each child runs, as the hosting nodes say. Only a node itself writes its own; they go with
// its session.
//
// When a session ends its instances are gone at once for whoever reads here; the records are cleared in
// portions, each child as it comes to its turn (drop_some), so that the loss of a node with very many
// children does not hold up a step.
//
// Owns: Child::hosted_ and floor_, the sessions that host something and what each of them hosts. Reads:
// nothing else. Tells: touched, instance_told, instance_changed, instance_lost. Thread rule: none; owned by
// one core.
#pragma once

#include <unordered_set>

#include "core/base/notes.hpp"
#include "core/rows/child_table.hpp"
#include "core/rows/outbox.hpp"

namespace brood::core {

class Instances {
 public:
  Instances(ChildTable& children, SessionId self, Outbox& outbox, Notes& notes);

  // ---- reading
  [[nodiscard]] bool is_live(const Hosted& hosted) const { return sessions_[hosted.session].live; }
  [[nodiscard]] const SessionId& session(const Hosted& hosted) const { return sessions_[hosted.session].id; }
  [[nodiscard]] PeerIndex peer(const Hosted& hosted) const { return sessions_[hosted.session].peer; }
  template <typename F>
  void each(const Child& child, const F& f) const {
    for (const Hosted& hosted : child.hosted())
      if (is_live(hosted)) f(hosted);
  }
  /// An epoch above all that were seen of the child.
  [[nodiscard]] Epoch next_epoch(Step& s, const Child& child) const;
  /// How many run; one that has moved does not.
  [[nodiscard]] std::size_t count(const Child& child) const;
  /// The newest epoch of what runs; none: it runs nowhere.
  [[nodiscard]] Epoch newest(const Child& child) const;
  /// That of a peer; nullptr: there is none.
  [[nodiscard]] const Instance* on(const Child& child, PeerIndex peer) const;
  [[nodiscard]] const Instance* here(const Child& child) const { return find(child, own_session); }
  /// One of them; nullptr: it runs nowhere.
  [[nodiscard]] const Hosted* any(const Child& child) const;
  [[nodiscard]] bool hosts_any(PeerIndex peer) const;

  // ---- this node's
  void set_self(const SessionId& session) { sessions_[own_session].id = session; }
  /// Publishes an instance of this node. `detail`: of a start that failed.
  void publish(Step& s, Child& child, const Instance& instance, const Bytes& detail = {});
  /// The same, without a word to the others: another follows in the same step.
  void keep(Child& child, const Instance& instance) { write(child, own_session, instance); }
  /// Nothing of it runs here any more. `detail`: as above.
  void retract(Step& s, Child& child, Gone gone, const Bytes& detail = {});
  /// Of a member; empty where it hosts nothing.
  [[nodiscard]] NodeName name_of(PeerIndex peer) const;

  // ---- others'
  void begin(PeerIndex peer, const SessionId& session);
  void end(PeerIndex peer, const Loss& loss);
  void put(Step& s, Child& child, PeerIndex peer, const Instance& instance, const Bytes& detail);
  void remove(Step& s, Child& child, PeerIndex peer, const Bytes& detail, const Gone* gone = nullptr);
  /// Of those in the buckets from `first` to before `end`, the peer has only these.
  void keep_only(Step& s, PeerIndex peer, std::uint32_t first, std::uint32_t end,
                 const std::unordered_set<ChildId>& kept);
  void raise_floor(Child& child, const Epoch& epoch);

  // ---- portions
  [[nodiscard]] bool dropping() const { return !losses_.empty(); }
  void drop_some(Step& s, std::size_t most);
  /// The same for one child, whose turn it is for another reason.
  void drop_dead(Step& s, Child& child);

 private:
  struct Host {
    SessionId id;
    PeerIndex peer = no_peer;
    bool live = false;
    ChildRefs children;
  };
  struct Lost {
    SessionRef session;
    Loss loss;
  };
  [[nodiscard]] const Instance* find(const Child& child, SessionRef session) const;
  void write(Child& child, SessionRef session, const Instance& instance);
  std::optional<InstanceNews::Was> replace(Child& child, SessionRef session, const Instance& instance);
  [[nodiscard]] std::optional<InstanceNews::Was> was(const Child& child, SessionRef session) const;
  bool erase(Child& child, SessionRef session);
  [[nodiscard]] SessionRef current(PeerIndex peer) const;

  ChildTable& children_;
  Outbox& outbox_;
  Notes& notes_;
  std::deque<Host> sessions_;
  std::vector<SessionRef> free_;
  std::map<PeerIndex, SessionRef> current_;
  std::deque<Lost> losses_;
};

}  // namespace brood::core
