// Processes that move between two nodes of ours while a real Erlang node calls and watches them. Skipped
// where there is none.
#include "node/peers/interop_support.hpp"
#include "node/runtime_node_test_support.hpp"
#include "process/handover/handover_test_support.hpp"

namespace brood::node::test {
namespace handover_interop_test {

using handover_test::add;
using handover_test::all;
using handover_test::Ledger;
using process::testing::Mover;

class MovesWithErlang : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v erl > /dev/null 2>&1") != 0) GTEST_SKIP() << "no Erlang on this machine";
    first_ = std::make_unique<RuntimeNode>(options_of("first@127.0.0.1", epmd_.port()));
    second_ = std::make_unique<RuntimeNode>(options_of("second@127.0.0.1", epmd_.port()));
    asker_ = first_->runtime->spawn(
        process::testing::scripted(
            {.info = [this](Context&, Message m) { told_.put(encoded_to_string(m.to_bytes())); }}),
        {});
    ASSERT_TRUE(first_->runtime->register_name(Atom("asker"), asker_));
    ledger_ = first_->runtime->spawn(make_behaviour<Ledger>({}), {});
    // Members of a cluster are connected; an answer does not wait for a connection to be made.
    const Pid there = second_->runtime->spawn(make_behaviour<Ledger>({}), {});
    ASSERT_TRUE(first_->runtime->call_and_wait(there, Message::of(all{}), patience).has_value());
    const std::vector<std::string> command{
        "erl",         "-name",    "erl@127.0.0.1", "-setcookie",
        "secret",      "-noinput", "-kernel",       "inet_dist_use_interface",
        "{127,0,0,1}", "-eval",    driver};
    erlang_ = std::make_unique<ChildProcess>(
        command, std::vector<std::pair<std::string, std::string>>{
                     {"ERL_EPMD_PORT", std::to_string(epmd_.port())}, {"ERL_EPMD_ADDRESS", "127.0.0.1"}});
    ASSERT_TRUE(eventually([&] {
      ask("{asker,'first@127.0.0.1'} ! ready");
      return told_.take(200ms).has_value();
    }));
    while (told_.take(300ms)) {
    }
  }
  /// Evaluates in a process of the Erlang node, with 'From' bound to the ledger's first pid.
  void ask(const std::string& text) {
    (void)first_->runtime->send_named(
        {Atom("driver"), NodeName("erl@127.0.0.1")},
        encode_term(Term::tuple({Term::atom("eval"), Term(ledger_), Term::binary(text + ".")})));
  }
  /// As above; what it gives is told.
  void ask_for(const std::string& name, const std::string& text) {
    ask("{asker,'first@127.0.0.1'} ! {" + name + ", catch " + text + "}");
  }
  std::string told() { return told_.take().value_or("nothing"); }
  static std::vector<std::int64_t> seen(RuntimeNode& node, const Pid& pid) {
    const auto answer = node.runtime->call_and_wait(pid, Message::of(all{}), patience);
    return answer ? *decode<std::vector<std::int64_t>>(*answer) : std::vector<std::int64_t>{};
  }
  /// Waits until so many messages more have come in than when `before` was read.
  bool has_come(std::uint64_t before, std::uint64_t count) {
    return eventually([&] { return first_->runtime->stats().delivered >= before + count; });
  }
  static Mover mover(RuntimeNode& node) { return Mover{node.runtime->handover()}; }

  Epmd epmd_;
  std::unique_ptr<RuntimeNode> first_, second_;
  std::unique_ptr<ChildProcess> erlang_;
  process::testing::Channel<std::string> told_;
  Pid asker_, ledger_;
};

TEST_F(MovesWithErlang, CallsToTheOldPidReturnAndItsMonitorFiresAfterThem) {
  ASSERT_TRUE(mover(*first_).freeze(ledger_));
  std::uint64_t before = first_->runtime->stats().delivered;
  ask_for("one", "gen_server:call(From, {add, 1})");
  ASSERT_TRUE(has_come(before, 1));
  const auto parcel = mover(*first_).capture(ledger_, {.target = second_->name()});
  ASSERT_TRUE(parcel.has_value()) << parcel.error().message;
  EXPECT_EQ(parcel->open_calls(), 1U);
  before = first_->runtime->stats().delivered;
  ask_for("two", "gen_server:call(From, {add, 2})");
  ASSERT_TRUE(has_come(before, 1));
  ask_for("down", "begin R = erlang:monitor(process, From), receive {'DOWN', R, _, _, Why} -> Why end end");
  const auto target =
      mover(*second_).restore(make_behaviour<Ledger>({}), *process::decode_parcel(encode_parcel(*parcel)));
  ASSERT_TRUE(target.has_value()) << target.error().message;
  ASSERT_TRUE(mover(*first_).become_stub(ledger_, *target, {.keep_at_least = 300ms}));
  ASSERT_TRUE(mover(*second_).open(*target));
  std::set<std::string> answers{told(), told()};
  EXPECT_EQ(answers, (std::set<std::string>{"{one,1}", "{two,2}"}));
  EXPECT_EQ(told().substr(0, 26), "{down,{shutdown,{moved,<se");
  EXPECT_EQ(seen(*second_, *target), (std::vector<std::int64_t>{1, 2}));
  ask_for("late", "gen_server:call(From, {add, 3})");
  EXPECT_EQ(told().substr(0, 22), "{late,{'EXIT',{noproc,");
}

TEST_F(MovesWithErlang, ADeferredReplyComesFromTheOtherNode) {
  const std::uint64_t before = first_->runtime->stats().delivered;
  ask_for("later", "gen_server:call(From, later, infinity)");
  ASSERT_TRUE(has_come(before, 1));
  EXPECT_EQ(seen(*first_, ledger_).size(), 0U);
  const auto parcel = mover(*first_).pack(ledger_);
  ASSERT_TRUE(parcel.has_value());
  EXPECT_EQ(parcel->callers.size(), 1U);
  const auto target = mover(*second_).restore(make_behaviour<Ledger>({}), *parcel);
  ASSERT_TRUE(target.has_value());
  ASSERT_TRUE(mover(*first_).become_stub(ledger_, *target));
  ASSERT_TRUE(mover(*second_).open(*target));
  EXPECT_TRUE(first_->runtime->is_alive(ledger_));
  ASSERT_TRUE(second_->runtime->cast(*target, Message::of(handover_test::answer{})));
  EXPECT_EQ(told(), "{later,0}");
  EXPECT_TRUE(eventually([&] { return !first_->runtime->is_alive(ledger_); }));
}

TEST_F(MovesWithErlang, ACallerThatNeverPausesNoticesNoMove) {
  constexpr int calls = 1500;
  ask_for("all", "lists:all(fun(N) -> gen_server:call(From, {add, N}, 20000) =:= N end, lists:seq(1, " +
                     std::to_string(calls) + "))");
  Pid at = ledger_;
  RuntimeNode* here = first_.get();
  RuntimeNode* there = second_.get();
  for (int round = 0; round < 6; ++round) {
    const auto parcel = mover(*here).pack(at);
    ASSERT_TRUE(parcel.has_value()) << parcel.error().message;
    const auto target = mover(*there).restore(make_behaviour<Ledger>({}), *parcel);
    ASSERT_TRUE(target.has_value()) << target.error().message;
    ASSERT_TRUE(mover(*here).become_stub(at, *target, {.keep_at_least = 10min, .keep_at_most = 20min}));
    ASSERT_TRUE(mover(*there).open(*target));
    at = *target;
    std::swap(here, there);
  }
  EXPECT_EQ(told(), "{all,true}");
  std::vector<std::int64_t> expected(calls);
  for (int i = 0; i < calls; ++i) expected[i] = i + 1;
  EXPECT_EQ(seen(*here, at), expected);
}

}  // namespace handover_interop_test
}  // namespace brood::node::test
