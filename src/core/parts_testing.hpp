// What the tests of single parts share: a step of one's own, and fakes of the interfaces that parts are built
// on, which write down what they are told.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/base/notes.hpp"
#include "core/members/joining.hpp"
#include "core/rows/outbox.hpp"

namespace brood::core::testing {

inline SessionId session_of(const std::string& node, std::uint64_t session = 1) {
  return {NodeName(node), 1, session};
}

inline Member member_of(const std::string& node, MemberState state = MemberState::up) {
  Member member;
  member.session = session_of(node);
  member.state = state;
  member.version = 1;
  return member;
}

/// The world of one part: settings, time and a clock; makes the steps.
struct World {
  World() {
    settings.self = NodeName("self@test");
    settings.creation = 1;
  }
  Step step(std::size_t budget = 1000) {
    effects = Effects{};
    return Step{settings, now, clock, effects, stats, budget, "test"};
  }
  void pass(Duration time) {
    now.monotonic += time;
    now.boot += time;
    now.wall += time;
  }
  Settings settings;
  Now now{1000s, 1000s, 1'700'000'000s, {}};
  Clock clock;
  Effects effects;
  Stats stats;
};

class FakeNotes final : public Notes {
 public:
  std::vector<std::string> told;
  std::vector<Epoch> floors;  ///< Of the requests that are finished.
  std::vector<ChildId> touched_ids;
  std::vector<Outcome> outcomes;
  std::vector<Arrival> arrivals;

  void channel_changed(Step&, PeerIndex peer) override { told.push_back(fmt::format("channel {}", peer)); }
  void greeted(Step&, PeerIndex peer, const Hello&, bool fresh) override {
    told.push_back(fmt::format("greeted {}{}", peer, fresh ? " fresh" : ""));
  }
  void session_began(Step&, PeerIndex peer) override { told.push_back(fmt::format("began {}", peer)); }
  void session_ended(Step&, PeerIndex peer, const Loss& loss) override {
    told.push_back(fmt::format("ended {} {}", peer, static_cast<int>(loss.how)));
  }
  void own_session_ended(Step&, bool keeps, const std::string&) override {
    told.push_back(keeps ? "own session ended, keeps" : "own session ended");
  }
  void member_changed(Step&, PeerIndex peer) override { told.push_back(fmt::format("member {}", peer)); }
  void meeting_failed(Step&, const NodeName&, bool) override { told.emplace_back("meeting failed"); }
  void stays_out(Step&) override { told.emplace_back("stays out"); }
  void forgotten(Step&, const NodeName& node) override { told.push_back("forgotten " + node.text()); }
  void fenced(Step&, const std::string&) override { told.emplace_back("fenced"); }
  void unfenced(Step&) override { told.emplace_back("unfenced"); }
  void lock_changed(Step&) override { told.emplace_back("lock changed"); }
  void view_changed(Step&) override { told.emplace_back("view changed"); }
  void view_said(Step&, PeerIndex peer, std::uint64_t) override {
    told.push_back(fmt::format("said {}", peer));
  }
  void may_act(Step&, bool anew) override { told.emplace_back(anew ? "may act anew" : "may act"); }
  void caught_up(Step&, PeerIndex peer) override { told.push_back(fmt::format("caught up {}", peer)); }
  void retried(Step&, Child& child) override { told.push_back("retried " + child.id.text()); }
  void touched(Step&, Child& child) override { touched_ids.push_back(child.id); }
  void row_begins(const Child&) override {}
  void row_ends(const Child&, const SpecRow&) override {}
  void row_changed(Step&, const Child& child, const SpecChange&) override {
    told.push_back("row " + child.id.text());
  }
  void instance_told(Step&, Child& child, const InstanceNews& news) override {
    told.push_back("told " + child.id.text() + (news.now ? "" : " gone"));
  }
  void instance_changed(Step&, Child& child, const Bytes&) override {
    told.push_back("instance " + child.id.text());
  }
  void instance_lost(Step&, Child& child, const Instance&, const Loss&) override {
    told.push_back("lost " + child.id.text());
  }
  void request_finished(Step&, const RequestKey& request, const ChildId& id, const Epoch& floor) override {
    floors.push_back(floor);
    told.push_back(fmt::format("finished {} {}", request.number, id.text()));
  }
  void lost_for_good(Step&, Child& child) override { told.push_back("lost for good " + child.id.text()); }
  void late_change(Step&, const SpecChange& change) override { told.push_back("late " + change.id.text()); }
  void handed_over(Step&, Child& child) override { told.push_back("handed over " + child.id.text()); }
  void must_end(Step&, Child& child) override { told.push_back("must end " + child.id.text()); }
  void arrived(Step&, Child& child, const Arrival& arrival) override {
    told.push_back("arrived " + child.id.text());
    arrivals.push_back(arrival);
  }
  void outcome(Step&, const RequestKey&, std::uint64_t, Outcome outcome) override {
    outcomes.push_back(std::move(outcome));
  }

  [[nodiscard]] std::size_t count(const std::string& text) const {
    return static_cast<std::size_t>(std::count(told.begin(), told.end(), text));
  }
};

class FakeSender final : public Sender {
 public:
  std::vector<std::pair<PeerIndex, MessageBody>> sent;
  void send(PeerIndex to, MessageBody body, Rank) override { sent.emplace_back(to, std::move(body)); }
  void send(std::vector<PeerIndex> to, MessageBody body, Rank) override {
    for (const PeerIndex peer : to) sent.emplace_back(peer, body);
  }
  void say(PeerIndex to, HandoverWord word) override { sent.emplace_back(to, Handovers{{std::move(word)}}); }
  template <typename T>
  [[nodiscard]] std::size_t count() const {
    return static_cast<std::size_t>(std::count_if(
        sent.begin(), sent.end(), [](const auto& one) { return std::holds_alternative<T>(one.second); }));
  }
};

class FakeOutbox final : public Outbox {
 public:
  std::vector<SpecChange> specs;
  std::vector<InstanceChange> instances;
  std::optional<Member> member;
  void add(SpecChange change) override { specs.push_back(std::move(change)); }
  void add(InstanceChange change) override { instances.push_back(std::move(change)); }
  void set_member(const Member& self) override { member = self; }
  [[nodiscard]] std::uint64_t newest() const override { return specs.size(); }
};

class FakeTables final : public TableProgress {
 public:
  bool holds = true, sent = true, small = true, misses = false;
  std::optional<Duration> taking;
  [[nodiscard]] bool holds_table_of(PeerIndex) const override { return holds; }
  [[nodiscard]] bool has_sent_table_to(PeerIndex) const override { return sent; }
  [[nodiscard]] bool misses_changes_of(PeerIndex) const override { return misses; }
  [[nodiscard]] bool is_small() const override { return small; }
  [[nodiscard]] std::optional<Duration> taking_table_of(PeerIndex) const override { return taking; }
};

}  // namespace brood::core::testing
