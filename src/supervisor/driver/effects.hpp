// The one order in which the Effects of a step are carried out, and the hands that do it.
//
//   fence -> roles -> publish -> lock -> hand over -> start, stop -> send -> connect, disconnect -> left ->
//   reply -> wake -> log, member, refused
//
//  - the fence first: what follows must already find handlers held back, or let go;
//  - roles before the tables: whoever finds there which instance is active finds it told;
//  - the tables that others read (publish) before anybody is told: who has an answer, or a message that was
//    sent because of it, reads what it says;
//  - the lock before starts, stops and replies: whoever asks for a child that ends now is told `partitioned`;
//  - the steps of hand-overs before starts and stops: what is thawed may have to end, what is discarded to
//  start anew;
//  - starts and stops before sends: what we tell others of our children is under way here;
//  - sends before replies: a member hears of a change no later than the caller who made it. Where a step says
//  no more than that it has taken in what others have changed, its callers go first: a write to a socket
//  takes as long as the rest of a small step;
//  - `left` before replies: who is told that the drain is over finds the node gone from its cluster;
//  - those who wait for a child after replies, for a reply may be why they need not wait;
//  - words for people last.
//
// None of it steps the core: what it leads to comes back as an event. Nothing of it is undone; a send to a
// node that is gone is dropped, a start that fails comes back as StartFailed.
//
// What each effect needs done before it, what of it may fail, and which event reports it, is in
// core/base/effects.hpp, the core's side of this contract.
//
// Thread rule: control thread only.
#pragma once

#include "core/core.hpp"

namespace brood::supervisor {

class EffectHands {
 public:
  virtual ~EffectHands() = default;
  virtual void fence(bool on) = 0;
  virtual void set_role(const core::SetRole& change) = 0;
  virtual void publish(const std::vector<ChildId>& changed) = 0;
  virtual void lock(const core::PartLock& lock) = 0;
  virtual void hand_over(const core::HandoverStep& step) = 0;
  virtual void start(const core::Start& start) = 0;
  virtual void stop(const core::Stop& stop) = 0;
  virtual void send(const std::vector<core::Send>& sends) = 0;
  virtual void connect(const core::Connect& connect) = 0;
  virtual void disconnect(const core::Disconnect& disconnect) = 0;
  virtual void left() = 0;
  virtual void reply(const core::Reply& reply) = 0;
  virtual void wake(const std::vector<ChildId>& changed) = 0;
  virtual void member(const core::MemberEvent& event) = 0;
  virtual void log(const core::LogLine& line) = 0;
  virtual void refused(const std::string& words) = 0;
};

/// The effects must stay valid: until the next step of their core.
void carry_out(const core::Effects& effects, EffectHands& hands);

}  // namespace brood::supervisor
