// A runtime gets a name while its processes run: who holds a pid of before can go on using it.
#include "process/test_support.hpp"

namespace brood::process::testing {

class RenameTest : public ::testing::Test {
 protected:
  void TearDown() override {
    EXPECT_EQ(runtime.stop(patience), 0U);
    runtime.set_remote(nullptr);
  }
  void rename() {
    runtime.rename(here, 3);
    runtime.set_remote(&remote);
  }
  /// A process that answers with its own pid, and does what it is told.
  Pid spawn(bool traps = false) {
    Script script;
    script.start = [traps](Context& context) {
      context.trap_exit(traps);
      return Result<void>();
    };
    script.call = [](Context& context, Message) { return Result<EncodedTerm>(encode(context.self())); };
    script.cast = [](Context& context, Message m) {
      if (auto pid = decode<Pid>(m.to_bytes())) context.link(*pid);
    };
    script.info = [this](Context&, Message m) { seen.put(encoded_to_string(m.to_bytes())); };
    SpawnOptions options;
    options.on_exit = [this](const ExitReason& reason) { ends.put(reason.text()); };
    return runtime.spawn(scripted(std::move(script)), std::move(options));
  }
  Pid self_of(const Pid& pid) {
    auto answer = runtime.call_and_wait(pid, message("get"), patience);
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? *decode<Pid>(*answer) : Pid{};
  }

  Channel<std::string> seen, ends;
  FakeRemote remote;
  Runtime runtime{NodeName("nonode@nohost"), 77, {}};
};

TEST_F(RenameTest, APidOfBeforeIsAsGoodAsTheNewOne) {
  const Pid before = spawn();
  EXPECT_EQ(self_of(before), before);
  rename();
  const Pid after = self_of(before);
  EXPECT_EQ(after, (Pid{here, before.id, before.serial, 3}));
  EXPECT_EQ(self_of(after), after);
  EXPECT_TRUE(runtime.is_alive(before));
  EXPECT_TRUE(runtime.send(before, message("one")));
  EXPECT_EQ(seen.take(), "one");
  EXPECT_TRUE(runtime.send(after, message("two")));
  EXPECT_EQ(seen.take(), "two");
  EXPECT_FALSE(runtime.is_alive(Pid{here, before.id, before.serial, 77}))
      << "that name never had this creation";
  EXPECT_EQ(remote.waiting(), 0U);
}

TEST_F(RenameTest, MonitorsOfBeforeAndByPidsOfBeforeFire) {
  const Pid pid = spawn();
  EXPECT_EQ(self_of(pid), pid);  // it has started
  Channel<std::string> told;
  runtime.monitor(pid, [&](const ExitReason& why) { told.put("before " + why.text()); });
  rename();
  const Ref ended = runtime.monitor(pid, [&](const ExitReason&) { told.put("not this one"); });
  runtime.demonitor(ended);
  runtime.exit(pid, ExitReason(Term::atom("boom")));
  EXPECT_EQ(told.take(), "before boom");
  EXPECT_EQ(ends.take(), "boom");
  runtime.monitor(pid, [&](const ExitReason& why) { told.put("late " + why.text()); });
  EXPECT_EQ(told.take(), "late noproc");
}

TEST_F(RenameTest, LinksOfBeforeHoldAndAreOneWithThoseOfAfter) {
  const Pid a = spawn();
  const Pid b = spawn();
  ASSERT_TRUE(runtime.cast(a, Message::encoded(encode(b))));
  self_of(a);
  rename();
  // Linked again, by the new pid: it is the same link.
  ASSERT_TRUE(runtime.cast(a, Message::encoded(encode(self_of(b)))));
  self_of(a);
  runtime.exit(b, ExitReason(Term::atom("boom")));
  EXPECT_EQ(ends.take(), "boom");
  EXPECT_EQ(ends.take(), "boom");
  EXPECT_TRUE(eventually([&] { return runtime.process_count() == 0; }));
}

TEST_F(RenameTest, ACallOfBeforeIsAnswered) {
  EncodedTerm caller;
  Gate called;
  const Pid slow = runtime.spawn(scripted({.call =
                                               [&](Context& context, Message) {
                                                 caller = context.take_caller();
                                                 called.open();
                                                 return Result<EncodedTerm>(EncodedTerm{});
                                               }}),
                                 {});
  Channel<std::string> answers;
  runtime.call(slow, message("wait"), patience, [&](const CallResult& result) { answers.put(text(result)); });
  ASSERT_TRUE(called.wait());
  rename();
  runtime.reply(caller, encoded("done"));
  EXPECT_EQ(answers.take(), "done");
}

TEST_F(RenameTest, WhatLeavesTheNodeHasTheNewName) {
  rename();
  const Pid pid = spawn();
  EXPECT_EQ(pid.node, here);
  ASSERT_TRUE(runtime.send(far_pid(5), message("hello")));
  EXPECT_EQ(remote.next("send").from.node, here);
}

TEST_F(RenameTest, NamesStay) {
  const Pid pid = spawn();
  ASSERT_TRUE(runtime.register_name(Atom("server"), pid));
  rename();
  EXPECT_EQ(runtime.whereis(Atom("server")), self_of(pid));
  for (const NodeName& node : {here, NodeName("nonode@nohost")}) {
    EXPECT_TRUE(runtime.send_named({Atom("server"), node}, encoded("hello")));
    EXPECT_EQ(seen.take(), "hello");
  }
}

}  // namespace brood::process::testing
