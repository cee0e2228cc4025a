#include "supervisor/driver/effects.hpp"

#include <gtest/gtest.h>

namespace brood::supervisor {
namespace effects_test {

/// Writes down what it is asked for.
struct FakeHands final : EffectHands {
  std::string seen;
  void fence(bool on) override { seen += on ? "fence " : "unfence "; }
  void set_role(const core::SetRole&) override { seen += "role "; }
  void publish(const std::vector<ChildId>& changed) override {
    seen += "publish" + std::to_string(changed.size()) + " ";
  }
  void lock(const core::PartLock& lock) override { seen += lock.locked ? "lock " : "unlock "; }
  void hand_over(const core::HandoverStep&) override { seen += "handover "; }
  void start(const core::Start&) override { seen += "start "; }
  void stop(const core::Stop&) override { seen += "stop "; }
  void send(const std::vector<core::Send>& sends) override {
    seen += "send" + std::to_string(sends.size()) + " ";
  }
  void connect(const core::Connect&) override { seen += "connect "; }
  void disconnect(const core::Disconnect&) override { seen += "disconnect "; }
  void left() override { seen += "left "; }
  void reply(const core::Reply&) override { seen += "reply "; }
  void wake(const std::vector<ChildId>&) override { seen += "wake "; }
  void member(const core::MemberEvent&) override { seen += "member "; }
  void log(const core::LogLine&) override { seen += "log "; }
  void refused(const std::string&) override { seen += "refused "; }
};

TEST(Effects, AreCarriedOutInTheDocumentedOrder) {
  core::Effects effects;
  effects.changed.resize(2);
  effects.roles.resize(1);
  effects.starts.resize(2);
  effects.handovers.resize(1);
  effects.stops.resize(1);
  effects.sends.resize(2);
  effects.connects.resize(1);
  effects.disconnects.resize(1);
  effects.replies.resize(1);
  effects.members.resize(1);
  effects.log.resize(1);
  effects.fence = true;
  effects.lock = core::PartLock{true, "alone"};
  effects.left = true;
  effects.refused = "differs";
  FakeHands hands;
  carry_out(effects, hands);
  EXPECT_EQ(hands.seen,
            "fence role publish2 lock handover start start stop send2 connect disconnect left reply wake log "
            "member refused ");
}

TEST(Effects, WhoeverWaitsIsToldBeforeMereAcknowledgementsLeave) {
  core::Effects effects;
  effects.changed.resize(1);
  effects.replies.resize(1);
  effects.sends.push_back({{NodeName("a@t")}, core::DeltaAck{3}});
  FakeHands hands;
  carry_out(effects, hands);
  EXPECT_EQ(hands.seen, "publish1 reply wake send1 ");

  effects.sends.push_back({{NodeName("a@t")}, core::Delta{}});
  hands.seen.clear();
  carry_out(effects, hands);
  EXPECT_EQ(hands.seen, "publish1 send2 reply wake ");
}

TEST(Effects, OfAStepThatAsksForNothingNobodyHears) {
  FakeHands hands;
  carry_out({}, hands);
  EXPECT_EQ(hands.seen, "");
}

}  // namespace effects_test
}  // namespace brood::supervisor
