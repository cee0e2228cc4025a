// Fence: a node that slept, or that hears nobody, holds its children back until the others have confirmed
// that they still take it for a member. What was buffered before a sleep proves nothing; an answer to a new
// question does.
//
// Owns: whether this node is fenced, whom it waits for, and when it last heard of anybody. Reads: the members
// and their links. Tells: fenced, unfenced. Sends: probes. Thread rule: none; owned by one core.
#pragma once

#include "core/base/notes.hpp"
#include "core/members/sessions.hpp"

namespace brood::core {

class Fence {
 public:
  Fence(const Links& links, const Sessions& sessions, Sender& sender, Notes& notes)
      : links_(links), sessions_(sessions), sender_(sender), notes_(notes) {}

  [[nodiscard]] bool is_fenced() const { return fenced_; }
  /// That peer has not yet proven that it takes this node for a member.
  [[nodiscard]] bool waits_for(PeerIndex peer) const { return waiting_[peer]; }

  void boot(Step& s);
  /// A message came from a member.
  void heard(const Step& s) { heard_ = s.time(); }
  /// No step was made for a while, so silence means nothing.
  void was_busy(const Step& s) { heard_ = s.time(); }
  void close(Step& s, const std::string& words);
  void open(Step& s);
  /// No answer of any member is waited for any more: this node has joined anew, and they know it.
  void trust_all();
  /// It is closed, no answer of some member is still waited for, and nothing else holds it.
  [[nodiscard]] bool may_open(bool held) const;
  /// Answers to questions of before no longer count.
  void ask_anew() { ++nonce_; }

  void began(Step& s, PeerIndex peer);    ///< A session of that peer.
  void greeted(Step& s, PeerIndex peer);  ///< On a channel.
  void ended(PeerIndex peer) { waiting_[peer] = false; }
  void on_probe(PeerIndex from, const Probe& probe);
  /// True: the peer had declared this node's session over.
  [[nodiscard]] bool on_answer(PeerIndex from, const ProbeAck& ack);

  void on_time(Step& s);
  [[nodiscard]] Duration deadline() const { return next_probe_; }
  void reset(PeerIndex peer) { waiting_.reset(peer); }

 private:
  void probe(bool all);

  const Links& links_;
  const Sessions& sessions_;
  Sender& sender_;
  Notes& notes_;
  bool fenced_ = false;
  PeerMap<bool> waiting_;
  std::uint64_t nonce_ = 0;
  Duration heard_{};  ///< When anything last came from a member.
  Duration next_probe_ = Duration::max();
  std::size_t turn_ = 0;
};

}  // namespace brood::core
