// States without mail: saved at an orderly end, restored at a start, and in which form.
#include "process/handover/handover_test_support.hpp"

namespace state_test {

struct get {};
struct put {
  std::string text;
};

class Note : public brood::Worker {
 public:
  using handles = brood::messages<get, put>;
  explicit Note(const std::string& text = "new") : text_(text) {}
  std::string on(get) const { return text_; }
  void on(put p) { text_ = std::move(p.text); }
  std::string save() const {
    if (text_ == "throw") throw std::runtime_error("no pen");
    return text_;
  }
  void restore(std::string text) { text_ = "restored " + std::move(text); }

 private:
  std::string text_;
};

/// What it hands over differs from its copies; its form has changed.
class Second : public brood::Worker {
 public:
  using handles = brood::messages<get, put>;
  static constexpr std::uint64_t state_version = 2;
  struct Handed {
    std::string text;
    std::string for_node;
  };
  std::string on(get) const { return text_; }
  void on(put p) { text_ = std::move(p.text); }
  std::vector<std::string> save() const { return {text_}; }
  void restore(std::vector<std::string> text) { text_ = "restored " + text.at(0); }
  static brood::Result<std::vector<std::string>> convert(std::uint64_t version, const brood::Term& old) {
    if (version != 0) return brood::Error{brood::Errc::type_mismatch, "unheard of"};
    const auto text = brood::decode<std::string>(brood::encode_term(old));
    if (!text) return text.error();
    return std::vector<std::string>{"old " + *text};
  }
  Handed prepare_handover(const brood::NodeName& target) const { return {text_, target.text()}; }
  void alter_handover(Handed handed) { text_ += " altered by " + handed.text + " for " + handed.for_node; }

 private:
  std::string text_ = "fresh";
};

}  // namespace state_test

namespace brood::process {
namespace {

using namespace testing;
using state_test::get;
using state_test::put;

class States : public RuntimeTest {
 protected:
  std::string text_of(const Pid& pid) {
    const auto answer = runtime.call_and_wait(pid, Message::of(get{}), patience);
    return answer ? *decode<std::string>(*answer) : "error: " + answer.error().message;
  }
  Mover mover{runtime.handover()};
};

TEST_F(States, AStateSurvivesAnEndAndAStart) {
  Channel<std::string> ended;
  SpawnOptions options;
  options.on_exit = [&](const ExitReason& reason) { ended.put(reason.text()); };
  const Pid pid = runtime.spawn(make_behaviour<state_test::Note>({}), std::move(options));
  ASSERT_TRUE(runtime.call_and_wait(pid, Message::of(put{"kept"}), patience));
  const auto saved = mover.end_with_state(pid, ExitReason::shutdown());
  ASSERT_TRUE(saved.has_value()) << saved.error().message;
  EXPECT_EQ(ended.take(), "shutdown");
  const Pid next = runtime.handover().start(make_behaviour<state_test::Note>({}), {}, *saved);
  EXPECT_EQ(text_of(next), "restored kept");
}

TEST_F(States, AStateIsSavedAfterTheLastHandlerAndBeforeTheLastWords) {
  Gate entered, leave;
  std::vector<std::string> steps;
  struct Steps final : Behaviour {
    std::vector<std::string>* steps;
    Gate *entered, *leave;
    Result<void> start(Context&) override { return {}; }
    Result<EncodedTerm> call(Message) override { return EncodedTerm{}; }
    void cast(Message) override {}
    void info(Message) override {
      entered->open();
      (void)leave->wait();
      steps->emplace_back("handler");
    }
    void down(const Down&) override {}
    void terminate(const ExitReason&) override { steps->emplace_back("terminate"); }
    EncodedTerm save() override {
      steps->emplace_back("save");
      return encode(Atom("state"));
    }
    ~Steps() override { steps->emplace_back("gone"); }
  };
  auto behaviour = std::make_unique<Steps>();
  behaviour->steps = &steps;
  behaviour->entered = &entered;
  behaviour->leave = &leave;
  const Pid pid = runtime.spawn(std::move(behaviour), {});
  ASSERT_TRUE(runtime.send(pid, message("go")));
  ASSERT_TRUE(entered.wait());
  Channel<Result<SavedState>> saved;
  runtime.handover().end_with_state(pid, ExitReason::shutdown(),
                                    [&](Result<SavedState> state) { saved.put(std::move(state)); });
  EXPECT_EQ(saved.size(), 0U);
  leave.open();
  const auto state = saved.take();
  ASSERT_TRUE(state && state->has_value());
  EXPECT_EQ(encoded_to_string((*state)->state), "state");
  ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  EXPECT_EQ(steps, (std::vector<std::string>{"handler", "save", "terminate", "gone"}));
}

TEST_F(States, AKilledProcessHasNone) {
  const Pid pid = runtime.spawn(make_behaviour<state_test::Note>({}), {});
  EXPECT_EQ(text_of(pid), "new");
  EXPECT_EQ(mover.end_with_state(pid, ExitReason::killed()).error().code, Errc::no_such_child);
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(States, ASaveThatThrowsIsToldAndTheProcessEndsOrLivesOn) {
  const Pid pid = runtime.spawn(make_behaviour<state_test::Note>(args("throw")), {});
  EXPECT_EQ(text_of(pid), "throw");
  const auto copy = mover.save(pid);
  ASSERT_FALSE(copy.has_value());
  EXPECT_NE(copy.error().message.find("no pen"), std::string::npos);
  ASSERT_TRUE(mover.freeze(pid));
  EXPECT_EQ(mover.capture(pid).error().code, Errc::start_failed);
  ASSERT_TRUE(mover.thaw(pid));
  EXPECT_EQ(text_of(pid), "throw");
  EXPECT_EQ(mover.end_with_state(pid, ExitReason::shutdown()).error().code, Errc::start_failed);
  EXPECT_TRUE(eventually([&] { return !runtime.is_alive(pid); }));
}

TEST_F(States, ACopyIsTakenBetweenHandlers) {
  const Pid pid = runtime.spawn(make_behaviour<state_test::Note>(args("a")), {});
  EXPECT_EQ(text_of(pid), "a");
  const auto saved = mover.save(pid);
  ASSERT_TRUE(saved.has_value());
  EXPECT_EQ(encoded_to_string(saved->state), "<<\"a\">>");
  EXPECT_EQ(text_of(pid), "a");
  const auto none = mover.save(runtime.spawn(scripted(), {}));
  EXPECT_TRUE(!none || !none->has_state());
}

TEST_F(States, ARefusedStateIsAFailedStart) {
  Channel<Result<void>> started;
  SpawnOptions options;
  options.on_started = [&](const Result<void>& result) { started.put(result); };
  runtime.handover().start(make_behaviour<state_test::Note>({}), std::move(options),
                           {0, encoded("{1,2}").octets()});
  const auto result = started.take();
  ASSERT_TRUE(result.has_value());
  EXPECT_EQ(result->error().code, Errc::type_mismatch);
}

TEST_F(States, AnOlderFormIsConvertedOrRefused) {
  const Pid pid = runtime.handover().start(make_behaviour<state_test::Second>({}), {},
                                           {0, encode(std::string("v0")).octets()});
  EXPECT_EQ(text_of(pid), "restored old v0");
  const auto refused_by = [&](std::unique_ptr<Behaviour> behaviour) {
    Channel<Result<void>> started;
    SpawnOptions options;
    options.on_started = [&](const Result<void>& result) { started.put(result); };
    runtime.handover().start(std::move(behaviour), std::move(options),
                             {7, encode(std::string("v7")).octets()});
    return started.take()->error().message;
  };
  EXPECT_EQ(refused_by(make_behaviour<state_test::Second>({})), "unheard of");
  EXPECT_NE(refused_by(make_behaviour<state_test::Note>({})).find("saved in version 7"), std::string::npos);
}

TEST_F(States, APairOfItsOwnIsUsedForAMoveAndNothingElse) {
  const Pid pid = runtime.spawn(make_behaviour<state_test::Second>({}), {});
  ASSERT_TRUE(mover.freeze(pid));
  const auto parcel = mover.capture(pid, {.target = NodeName{"n2@h"}});
  ASSERT_TRUE(parcel.has_value());
  EXPECT_EQ(parcel->saved.version, 2U);
  const auto target = mover.restore(make_behaviour<state_test::Second>({}), *parcel);
  ASSERT_TRUE(target.has_value()) << target.error().message;
  ASSERT_TRUE(mover.open(*target));
  EXPECT_EQ(text_of(*target), "fresh altered by fresh for n2@h");
  const auto copy = mover.save(*target);
  ASSERT_TRUE(copy.has_value());
  EXPECT_EQ(encoded_to_string(copy->state), "[<<\"fresh altered by fresh for n2@h\">>]");
}

}  // namespace
}  // namespace brood::process
