// Detector: whether a peer whose channel has ended is lost. When a channel closes its node is dialled once more:
// refused by that address it is down at once; otherwise it is suspect until the tick time-out.
//
// Owns: since when each peer is suspect, and its last words. Reads: sessions, the fence. Asks links to dial, sessions
// to end what is lost, joining to settle.
// Thread rule: none; owned by one core.
#pragma once

#include "core/members/joining.hpp"

namespace brood::core {

class Detector {
 public:
  Detector(Links& links, Sessions& sessions, Joining& joining, const Fence& fence)
      : links_(links), sessions_(sessions), joining_(joining), fence_(fence) {}

  void on_channel_down(Step& s, PeerIndex peer, bool silent);
  void on_dial_failed(Step& s, PeerIndex peer, const ConnectFailed& event);
  void on_obituary(PeerIndex from, const Obituary& obituary) { losses_[from].obituary = obituary; }
  /// The peer began anew, or said goodbye, or is seen to have died.
  void end(Step& s, PeerIndex peer, Ending how, const std::string& words);
  /// It is there.
  void found(PeerIndex peer);
  /// This node did not run for that long: it says nothing about the others, and what came meanwhile is read first.
  void slept(const Step& s, Duration gap);

  void on_time(Step& s);
  [[nodiscard]] Duration deadline(const Settings& settings) const;
  void reset(PeerIndex peer);

 private:
  struct Suspect {
    std::optional<Duration> since;  ///< Monotonic; the channel ended and the node's fate is not known yet.
    Duration wall{};
    std::optional<Obituary> obituary;  ///< Its last words.
  };
  void suspect(PeerIndex peer, Duration since);

  Links& links_;
  Sessions& sessions_;
  Joining& joining_;
  const Fence& fence_;
  PeerMap<Suspect> losses_;
  std::vector<PeerIndex> suspects_;
};

}  // namespace brood::core
