// What sys:get_state and the like, which Erlang nodes send, are answered.
#include <atomic>

#include "process/calls/gen_protocol.hpp"
#include "process/test_support.hpp"

namespace brood::process::testing {
namespace system_messages_test {

struct get {};

class Shows : public Worker {
 public:
  using handles = messages<get>;
  static constexpr std::string_view worker_name = "shows";
  int on(get) { return 1; }
  std::map<std::string, int> save() const { return {{"kept", 7}}; }
  void restore(const std::map<std::string, int>&) {}
};

class Formats : public Shows {
 public:
  std::vector<int> format_status() const { return {1, 2}; }
};

class Throws : public Worker {
 public:
  using handles = messages<get>;
  int on(get) { return 1; }
  int format_status() const { throw std::runtime_error("not now"); }
};

class Silent : public Worker {
 public:
  using handles = messages<get>;
  int on(get) { return 1; }
};

class SystemMessages : public RuntimeTest {
 protected:
  void SetUp() override { runtime.set_remote(&remote); }
  template <typename W>
  Pid spawn() {
    SpawnOptions options;
    options.identity.supervisor = "web";
    options.identity.child_id = Id(Term::tuple({Term::atom("user"), Term(42)}));
    return runtime.spawn(make_behaviour<W>({}), std::move(options));
  }
  /// {system, From, Request}, as gen:call of another node sends it.
  void send_system(const Pid& to, const std::string& request) {
    const EncodedTerm from = make_from(far_pid(9), far_ref(44));
    EncodedTerm out;
    TermWriter writer(out);
    writer.version();
    writer.tuple(3);
    writer.atom("system");
    writer.encoded(from);
    writer.encoded(encoded(request));
    runtime.on_send(far_pid(9), to, std::move(out));
  }
  std::string ask(const Pid& to, const std::string& request) {
    send_system(to, request);
    const auto sent = remote.next("send_alias");
    EXPECT_EQ(sent.ref, far_ref(44));
    const auto reply = read_reply(sent.term);
    return reply ? encoded_to_string(reply->answer) : "no reply";
  }
};

TEST_F(SystemMessages, GetStateIsWhatTheWorkerShowsOrElseSaves) {
  EXPECT_EQ(ask(spawn<Formats>(), "get_state"), "[1,2]");
  EXPECT_EQ(ask(spawn<Shows>(), "get_state"), "#{<<\"kept\">>=>7}");
  const std::string none = ask(spawn<Silent>(), "get_state");
  EXPECT_TRUE(none.starts_with("{error,{not_allowed,")) << none;
  EXPECT_NE(none.find("format_status"), std::string::npos) << none;
  const Pid throws = spawn<Throws>();
  EXPECT_TRUE(ask(throws, "get_state").starts_with("{error,{died,<<\"what shows the state threw: not now"));
  EXPECT_TRUE(runtime.is_alive(throws)) << "to look at it does not end it";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(SystemMessages, GetStatusHasTheShapeOfAGenServers) {
  const Pid pid = spawn<Shows>();
  send_system(pid, "get_status");
  const auto status = decode_term(read_reply(remote.next("send_alias").term)->answer);
  ASSERT_TRUE(status && status->is_record("status", 4));
  const auto& items = *status->as_tuple();
  EXPECT_EQ(*items[1].as_pid(), pid);
  EXPECT_EQ(to_string(items[2]), "{module,shows}");
  const auto& parts = *items[3].as_list();
  ASSERT_EQ(parts.size(), 5U);
  EXPECT_EQ(to_string(parts[0]), "[{'$initial_call',{shows,init,1}},{'$ancestors',[web]}]");
  EXPECT_TRUE(parts[1].is_atom("running"));
  const std::string shown = to_string(parts[4]);
  EXPECT_TRUE(shown.starts_with("[{header,\"Status for brood child {user,42}\"},")) << shown;
  EXPECT_TRUE(shown.ends_with("{data,[{\"State\",#{<<\"kept\">>=>7}}]}]")) << shown;
  EXPECT_EQ(ask(spawn<Silent>(), "get_status").find("\"State\""), std::string::npos);
  runtime.stop(patience);  // before what its processes use
}

TEST_F(SystemMessages, WhatCannotBeDoneIsAnErrorAtOnce) {
  const Pid pid = spawn<Shows>();
  EXPECT_TRUE(ask(pid, "suspend").starts_with("{error,{not_allowed,"));
  EXPECT_EQ(ask(pid, "resume"), "ok");
  EXPECT_EQ(ask(pid, "{debug,{trace,true}}"), "{error,{unknown_system_msg,{debug,{trace,true}}}}");
  EXPECT_EQ(text(runtime.call_and_wait(pid, message("get"), 5s)), "1") << "it goes on";
  runtime.stop(patience);  // before what its processes use
}

TEST_F(SystemMessages, TerminateEndsItForThatReason) {
  Channel<std::string> ends;
  SpawnOptions options;
  options.on_exit = [&](const ExitReason& reason) { ends.put(reason.text()); };
  const Pid pid = runtime.spawn(make_behaviour<Shows>({}), std::move(options));
  EXPECT_EQ(ask(pid, "{terminate,{shutdown,by_hand}}"), "ok");
  EXPECT_EQ(ends.take(), "{shutdown,by_hand}");
  runtime.stop(patience);  // before what its processes use
}

TEST_F(SystemMessages, AMessageThatOnlyBeginsLikeOneIsTheWorkers) {
  Channel<std::string> told;
  const Pid pid = runtime.spawn(
      scripted({.info = [&](Context&, Message m) { told.put(encoded_to_string(m.to_bytes())); }}), {});
  for (const auto* other : {"{system,5,get_state}", "{system,{a,b},get_state}", "{system,get_state}"}) {
    runtime.on_send(far_pid(9), pid, encoded(other));
    EXPECT_EQ(told.take(), other);
  }
  runtime.stop(patience);  // before what its processes use
}

}  // namespace system_messages_test
}  // namespace brood::process::testing
