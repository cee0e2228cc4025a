#include <atomic>

#include "process/calls/gen_protocol.hpp"
#include "process/test_support.hpp"

namespace worker_test {

struct deposit {
  std::int64_t cents;
};
struct balance {};
struct refuse {};
struct crash {};
struct later {};
struct forget {};
struct quiet {};

class Account : public brood::Worker {
 public:
  using handles = brood::messages<deposit, balance, refuse, crash, later, forget, quiet>;
  explicit Account(std::int64_t opening = 0) : cents_(opening) {}

  std::int64_t on(deposit d) { return cents_ += d.cents; }
  std::int64_t on(balance) const { return cents_; }
  brood::Result<std::int64_t> on(refuse) { return brood::Error{brood::Errc::conflict, "closed"}; }
  void on(crash) { throw std::runtime_error("boom"); }
  void on(quiet) {}
  brood::Later<std::int64_t> on(later) {
    auto [answer, promise] = defer<std::int64_t>();
    promises_.push_back(promise);
    return answer;
  }
  brood::Later<std::int64_t> on(forget) {
    auto [answer, promise] = defer<std::int64_t>();
    return answer;
  }
  void info(const brood::Term& message) {
    if (message.is_atom("answer"))
      for (auto& promise : promises_) promise.set(cents_);
  }
  std::int64_t save() const { return cents_; }
  void restore(std::int64_t cents) { cents_ = cents; }

 private:
  std::vector<brood::Promise<std::int64_t>> promises_;
  std::int64_t cents_;
};

class Greeter : public brood::Worker {
 public:
  struct greet {
    std::string whom;
    std::optional<std::int64_t> times;
  };
  using handles = brood::messages<greet, std::int64_t, brood::Term>;
  Greeter(const std::string& greeting, std::vector<std::string> marks)
      : greeting_(greeting), marks_(std::move(marks)) {}
  std::string on(const greet& g) const { return greeting_ + " " + g.whom + marks_.at(0); }
  std::int64_t on(std::int64_t value) const { return value + 1; }
  brood::Term on(brood::Term other) const {
    return brood::Term::tuple({brood::Term::atom("other"), std::move(other)});
  }

 private:
  std::string greeting_;
  std::vector<std::string> marks_;
};

/// Watches and remembers.
class Watcher : public brood::Worker {
 public:
  using handles = brood::messages<brood::Pid>;
  explicit Watcher(brood::Pid first) { (void)context().monitor(first); }
  void on(brood::Pid pid) { (void)context().monitor(pid); }
  void on_down(const brood::Down& down) {
    (void)context().send(self(), brood::Message::of(down.reason.term()));
  }
  void info(const brood::Term& message) {
    if (seen) seen(to_string(message));
  }
  void terminate(const brood::ExitReason& reason) {
    if (seen) seen("terminate " + reason.text());
  }
  static std::function<void(std::string)> seen;
};
std::function<void(std::string)> Watcher::seen;

class Plain : public brood::Worker {};

struct expired {
  std::string what;
};
struct tick {};

/// Takes plain messages by their types, those of its timers first.
class Egg : public brood::Worker {
 public:
  using infos = brood::messages<expired, tick>;
  using handles = brood::messages<quiet>;
  Egg() {
    const auto never = send_after(std::chrono::milliseconds(1), expired{"cancelled"});
    context().cancel(never);
    (void)send_after(std::chrono::milliseconds(1), expired{"timer"});
  }
  void on(quiet) {}
  void info(expired e) { Watcher::seen("expired " + e.what); }
  brood::Task<void> info(tick) {
    const auto asked = call<std::int64_t>(peer, balance{});
    const brood::Result<std::int64_t> cents = co_await asked;
    Watcher::seen("tick " + std::to_string(*cents));
  }
  void info(const brood::Term& message) { Watcher::seen("other " + to_string(message)); }
  static brood::Pid peer;
};
brood::Pid Egg::peer;

namespace other {
struct deposit {
  std::int64_t cents;
};
}  // namespace other

}  // namespace worker_test

namespace brood::process::testing {

using namespace worker_test;

class Workers : public RuntimeTest {
 protected:
  void SetUp() override { runtime.set_remote(&remote); }
  template <typename W, typename... Args>
  Pid start(const Args&... values) {
    Channel<std::string> started;
    SpawnOptions spawn;
    spawn.on_started = [&](const Result<void>& r) { started.put(r ? "ok" : r.error().message); };
    const Pid pid = runtime.spawn(make_behaviour<W>(args(values...)), std::move(spawn));
    EXPECT_EQ(started.take(), "ok");
    return pid;
  }
  template <typename W>
  std::string start_error(EncodedTerm encoded_args) {
    Channel<std::string> started;
    SpawnOptions spawn;
    spawn.on_started = [&](const Result<void>& r) {
      started.put(r ? "ok" : std::string(to_string(r.error().code)) + ": " + r.error().message);
    };
    runtime.spawn(make_behaviour<W>(std::move(encoded_args)), std::move(spawn));
    return started.take().value_or("nothing");
  }
  template <typename M>
  std::string call(const Pid& pid, M m) {
    return text(runtime.call_and_wait(pid, Message::of(std::move(m)), 5s));
  }
  std::string call_term(const Pid& pid, const std::string& erlang) {
    return text(runtime.call_and_wait(pid, message(erlang), 5s));
  }
};

TEST_F(Workers, HandleTypedMessagesWithoutEncoding) {
  const Pid account = start<Account>(std::int64_t{100});
  EXPECT_EQ(call(account, deposit{25}), "125");
  EXPECT_EQ(call(account, balance{}), "125");
  EXPECT_EQ(call(account, quiet{}), "ok");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, HandleEncodedMessagesByTag) {
  const Pid account = start<Account>();
  EXPECT_EQ(call_term(account, "{deposit, 25}"), "25");
  EXPECT_EQ(call_term(account, "balance"), "25");
  EXPECT_EQ(call_term(account, "{balance}"), "25");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, HandleAnotherTypeOfTheSameNameByItsTerm) {
  const Pid account = start<Account>();
  EXPECT_EQ(call(account, other::deposit{25}), "25");
  ASSERT_TRUE(runtime.cast(account, Message::of(other::deposit{5})));
  ASSERT_TRUE(runtime.cast(account, Message::of(std::string("nobody knows this"))));
  EXPECT_EQ(call(account, balance{}), "30");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, AnswerWhatTheyDoNotKnow) {
  const Pid account = start<Account>();
  const std::string unknown = call_term(account, "{withdraw, 5}");
  EXPECT_NE(unknown.find("{error,{type_mismatch,<<\""), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("{withdraw,5}"), std::string::npos) << unknown;
  EXPECT_NE(unknown.find("deposit, balance"), std::string::npos) << unknown;
  const std::string wrong = call_term(account, "{deposit, lots}");
  EXPECT_NE(wrong.find("type_mismatch"), std::string::npos) << wrong;
  const Pid plain = start<Plain>();
  EXPECT_NE(call_term(plain, "x").find("handles no calls"), std::string::npos);
  EXPECT_EQ(call(account, balance{}), "0") << "still alive";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, AnswerErrorsAndCrashes) {
  const Pid account = start<Account>();
  EXPECT_EQ(call(account, refuse{}), "{error,{conflict,<<\"closed\">>}}");
  EXPECT_EQ(call(account, crash{}), "error: died");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, AnswerLater) {
  const Pid account = start<Account>(std::int64_t{7});
  Channel<std::string> done;
  runtime.call(account, Message::of(later{}), 1h, [&](CallResult r) { done.put(text(r)); });
  EXPECT_EQ(call(account, balance{}), "7");
  EXPECT_EQ(done.size(), 0U);
  ASSERT_TRUE(runtime.send(account, message("answer")));
  EXPECT_EQ(done.take(), "7");
  EXPECT_EQ(call(account, forget{}).substr(0, 12), "{error,{died");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, APromiseAnswersCallersElsewhere) {
  const Pid account = start<Account>(std::int64_t{7});
  runtime.on_send(far_pid(9), account, make_gen_call(make_from(far_pid(9), far_ref(44)), encoded("later")));
  runtime.on_send(far_pid(9), account, encoded("answer"));
  EXPECT_EQ(encoded_to_string(read_reply(remote.next("send_alias").term)->answer), "7");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, ACallThatWasPromisedAnAnswerEndsAsItsProcessDoes) {
  for (const auto& [reason, expected] :
       {std::pair(ExitReason::killed(), "killed"), std::pair(ExitReason(Term::atom("boom")), "boom")}) {
    const Pid account = start<Account>(std::int64_t{7});
    Channel<CallResult> done;
    runtime.call(account, Message::of(later{}), 1h, [&](CallResult r) { done.put(std::move(r)); });
    EXPECT_EQ(call(account, balance{}), "7");
    runtime.on_send(far_pid(9), account, make_gen_call(make_from(far_pid(9), far_ref(44)), encoded("later")));
    EXPECT_EQ(call(account, balance{}), "7");
    runtime.exit(account, reason);
    const auto result = done.take();
    ASSERT_TRUE(result);
    ASSERT_FALSE(result->has_value()) << "an answer: " << encoded_to_string(**result);
    EXPECT_EQ(result->error().code, Errc::died);
    EXPECT_EQ(encoded_to_string(result->error().detail), expected);
    ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
    EXPECT_EQ(remote.waiting(), 0U) << "who calls from elsewhere learns of it by its monitor";
  }
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, APromiseMayOutliveItsRuntime) {
  std::optional<Promise<std::int64_t>> kept;
  {
    Runtime other(here, 3, options());
    const Pid pid = other.spawn(scripted({.call = [&](Context&, Message) -> Result<EncodedTerm> {
                                  auto [answer, promise] = defer<std::int64_t>();
                                  kept = promise;
                                  return EncodedTerm{};
                                }}),
                                {});
    EXPECT_EQ(text(other.call_and_wait(pid, message("x"), 20ms)), "error: timeout");
  }
  kept->set(5);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, TakeArgumentsOfManyKinds) {
  const Pid greeter = start<Greeter>(std::string("hello"), std::vector<std::string>{"!"});
  EXPECT_EQ(call(greeter, Greeter::greet{"you", std::nullopt}), "<<\"hello you!\">>");
  EXPECT_EQ(call_term(greeter, "{greet, <<\"them\">>, 3}"), "<<\"hello them!\">>");
  EXPECT_EQ(call(greeter, std::int64_t{1}), "2");
  EXPECT_EQ(call_term(greeter, "41"), "42");
  EXPECT_EQ(call_term(greeter, "[what]"), "{other,[what]}");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, RefuseArgumentsThatDoNotFit) {
  EXPECT_EQ(start_error<Account>(encoded("[abc]")),
            "type_mismatch: start argument 1 of the worker Account: abc does not fit an integer: at byte 1: "
            "expected an integer, found an atom");
  EXPECT_EQ(
      start_error<Account>(encoded("[1, 2]")),
      "type_mismatch: the worker Account cannot be constructed from 2 start arguments; give those of its "
      "constructor in `args`");
  EXPECT_EQ(start_error<Account>(encoded("notalist")).substr(0, 13), "type_mismatch");
  EXPECT_EQ(start_error<Account>(EncodedTerm("rubbish")).substr(0, 9), "malformed");
  EXPECT_EQ(start_error<Account>(EncodedTerm()), "ok");
  EXPECT_EQ(start_error<Account>(encoded("\"d\"")), "ok") << "[100] as Erlang encodes it";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, WithoutOnRoleAreToldTheirRoleAsProcessHubTellsIt) {
  Channel<std::string> seen;
  Watcher::seen = [&](std::string what) { seen.put(std::move(what)); };
  const Pid other = start<Plain>();
  const Pid pid = start<Watcher>(other);
  runtime.set_role(pid, {Role::active, 7, true});
  EXPECT_EQ(seen.take(), "{process_hub,redundancy_signal,active}");
  runtime.set_role(pid, {Role::passive, 8, true});
  EXPECT_EQ(seen.take(), "{process_hub,redundancy_signal,passive}");
  runtime.set_role(pid, {Role::active, 9, false});
  runtime.exit(pid, ExitReason::shutdown());
  EXPECT_EQ(seen.take(), "terminate shutdown") << "it is not to be told of that one";
  Watcher::seen = nullptr;
}

TEST_F(Workers, UseTheirContextFromTheConstructorOn) {
  Channel<std::string> seen;
  Watcher::seen = [&](std::string what) { seen.put(std::move(what)); };
  const Pid account = start<Account>();
  const Pid watcher = start<Watcher>(account);
  runtime.exit(account, ExitReason(Term::atom("boom")));
  EXPECT_EQ(seen.take(), "boom");
  runtime.exit(watcher, ExitReason::shutdown());
  EXPECT_EQ(seen.take(), "terminate shutdown");
  ASSERT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
  Watcher::seen = nullptr;
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, SaveAndRestoreTheirState) {
  struct NoContext final : Context {
    Pid self() const override { return {}; }
    const WorkerIdentity& identity() const override { return who; }
    Result<void> send(const Address&, Message) override { return {}; }
    Result<void> cast(const Address&, Message) override { return {}; }
    Future<EncodedTerm> call(const Address&, Message, std::chrono::milliseconds) override {
      return Future<EncodedTerm>::of(EncodedTerm{});
    }
    TimerId send_after(std::chrono::milliseconds, Message) override { return {}; }
    void cancel(TimerId) override {}
    void link(const Pid&) override {}
    void unlink(const Pid&) override {}
    Ref monitor(const Pid&) override { return {}; }
    Ref monitor(const NamedProcess&) override { return {}; }
    void demonitor(const Ref&) override {}
    Ref alias(AliasUntil) override { return {}; }
    bool unalias(const Ref&) override { return false; }
    Ref monitor(const Pid&, MonitorAliasUntil) override { return {}; }
    Ref monitor(const NamedProcess&, MonitorAliasUntil) override { return {}; }
    void trap_exit(bool) override {}
    void stop(ExitReason) override {}
    EncodedTerm take_caller() override { return {}; }
    void reply(BytesView, EncodedTerm) override {}
    std::function<void(std::function<void()>)> poster() override { return nullptr; }
    WorkerIdentity who;
  } context;
  const auto behaviour = make_behaviour<Account>(args(std::int64_t{5}));
  ASSERT_TRUE(behaviour->start(context));
  EXPECT_EQ(encoded_to_string(behaviour->save()), "5");
  ASSERT_TRUE(behaviour->restore(encoded("9")));
  EXPECT_EQ(encoded_to_string(behaviour->save()), "9");
  EXPECT_EQ(behaviour->restore(encoded("rubbish")).error().code, Errc::type_mismatch);
  const auto plain = make_behaviour<Plain>({});
  ASSERT_TRUE(plain->start(context));
  EXPECT_EQ(plain->save(), "");
  EXPECT_FALSE(plain->restore(encoded("9")).has_value());
  runtime.stop(patience);  // before what its processes use
}

TEST_F(Workers, PlainMessagesAndTimersComeWithTheirTypes) {
  Channel<std::string> seen;
  Watcher::seen = [&seen](const std::string& what) { seen.put(what); };
  Egg::peer = start<Account>(std::int64_t{7});
  const Pid pid = start<Egg>();
  EXPECT_EQ(seen.take(), "expired timer");
  ASSERT_TRUE(runtime.send(pid, Message::of(expired{"typed"})));
  EXPECT_EQ(seen.take(), "expired typed");
  ASSERT_TRUE(runtime.send(pid, message("{expired,<<\"from afar\">>}")));
  EXPECT_EQ(seen.take(), "expired from afar");
  ASSERT_TRUE(runtime.send(pid, Message::of(tick{})));
  EXPECT_EQ(seen.take(), "tick 7") << "it may wait as any handler";
  ASSERT_TRUE(runtime.send(pid, message("{expired,5}")));
  EXPECT_EQ(seen.take(), "other {expired,5}") << "what does not fit is for the function that takes all";
  EXPECT_EQ(call(pid, quiet{}), "ok");
  runtime.stop(patience);
  Watcher::seen = nullptr;
}

}  // namespace brood::process::testing
