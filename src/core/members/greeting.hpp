// Greeting: the first words on a channel: whether two nodes can work together, and whom each knows.
//
// Owns: to whom this node has to say Hello in this step. Reads: rows (for the vector and digests), takeover.
// Asks links, sessions, joining, detector. Tells: channel_changed, greeted. Thread rule: none; owned by one
// core.
#pragma once

#include "core/members/detector.hpp"
#include "core/members/takeover.hpp"
#include "core/rows/spec_table.hpp"

namespace brood::core {

class Greeting {
 public:
  Greeting(PeerTable& peers, Links& links, Sessions& sessions, Joining& joining, Detector& detector,
           const SpecTable& table, const Takeover& takeover, Notes& notes)
      : peers_(peers),
        links_(links),
        sessions_(sessions),
        joining_(joining),
        detector_(detector),
        table_(table),
        takeover_(takeover),
        notes_(notes) {}

  void on_channel_up(Step& s, const PeerUp& event, bool rejoins);
  void on_hello(Step& s, PeerIndex from, const Hello& hello, bool fenced);
  void on_refusal(Step& s, PeerIndex from, const Refusal& refusal);

  /// Says Hello at the end of the step, with what is known by then.
  void want(PeerIndex peer) { wanted_.insert(peer); }
  void want_all();
  void take_back(PeerIndex peer) { wanted_.erase(peer); }
  void flush(Step& s);

 private:
  [[nodiscard]] Hello hello_to(const Step& s, PeerIndex peer) const;
  [[nodiscard]] std::string difference(const Settings& settings, const Member& other) const;
  void accept(Step& s, PeerIndex from, const Hello& hello);

  PeerTable& peers_;
  Links& links_;
  Sessions& sessions_;
  Joining& joining_;
  Detector& detector_;
  const SpecTable& table_;
  const Takeover& takeover_;
  Notes& notes_;
  std::set<PeerIndex> wanted_;
};

}  // namespace brood::core
