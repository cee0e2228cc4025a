// Detector: whether a peer whose channel has ended is lost. When the channel of a member closes the member is
// a suspect, and is dialled at once and then again and again. It is down when its address refuses, which
// proves that it does not run, or when it was suspect for the tick time-out. Where the channel ended because
// nothing came for the tick time-out, that time is over already.
//
// Owns: since when each peer is suspect, and its last words. Reads: sessions, the fence. Asks links to dial,
// sessions to end what is lost, joining to settle.
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
  /// The peer has said Hello: it is no suspect any more.
  void found(PeerIndex peer);
  /// This node did not run for that long. The others' silence in that time means nothing, so suspects get the
  /// time again; what they sent meanwhile has yet to be read.
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
