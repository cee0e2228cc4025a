// Against a real Erlang node. Skipped where there is none.
#include <gtest/gtest.h>

#include <random>

#include "node/channel/dist_header.hpp"
#include "node/channel/fair_queue.hpp"
#include "node/net/wire.hpp"
#include "node/peers/interop_support.hpp"
#include "term/random_term_test_support.hpp"

namespace brood::node {
namespace interop_test {

using namespace test;

TEST_F(Interop, WeConnectAndAreHidden) {
  start_erlang();
  EXPECT_FALSE(me().peers().at(0).hidden);
  EXPECT_EQ(text_of("nodes(hidden)"), "['brood@127.0.0.1']");
  EXPECT_EQ(text_of("nodes()"), "[]");
  EXPECT_EQ(text_of("erlang:system_info(creation)"), std::to_string(me().peers().at(0).creation));
  EXPECT_EQ(text_of("{node(From), is_pid(From)}"), "{'brood@127.0.0.1',true}");
}

TEST_F(Interop, ErlangConnectsToUs) {
  start_erlang();
  EXPECT_EQ(
      text_of("{spawn(fun() -> timer:sleep(300), net_kernel:hidden_connect_node('brood@127.0.0.1') end), ok}")
          .find("{caught"),
      std::string::npos);
  me().disconnect(erlang_);
  record().take("down");
  EXPECT_EQ(record().take("up").name, erlang_.text());
  EXPECT_EQ(text_of("1 + 1"), "2");
}

TEST_F(Interop, AVisibleErlangNodeOrAHiddenOneMakesNoDifference) {
  start_erlang({"-hidden"});
  EXPECT_TRUE(me().peers().at(0).hidden);
  EXPECT_EQ(text_of("nodes(connected)"), "['brood@127.0.0.1']");
}

TEST_F(Interop, ACallToANameThatNobodyHasEndsAtOnce) {
  start_erlang();
  ask("gen_server:call({server, 'brood@127.0.0.1'}, {question, 42}).");
  EXPECT_EQ(record().take("monitor_named").name, "server");
  // The recorder answers monitors by name with noproc: the call fails as it does in OTP.
  const auto failed = decode_term(record().take("send").term);
  ASSERT_TRUE(failed.has_value());
  EXPECT_NE(to_string(*failed).find("noproc"), std::string::npos) << to_string(*failed);
}

TEST_F(Interop, AliasRepliesEndACall) {
  start_erlang();
  record().answer_monitors = nullptr;
  ask("gen_server:call({server, 'brood@127.0.0.1'}, {question, 43}).");
  const auto call = record().take("send_named");
  TermReader reader(call.term);
  ASSERT_TRUE(reader.version() && reader.tuple(3) && reader.atom() && reader.tuple(2));
  const auto caller = reader.pid();
  ASSERT_TRUE(caller.has_value());
  const std::size_t tag_at = reader.position();
  const auto tag = reader.skip();
  ASSERT_TRUE(tag.has_value());
  TermReader inside(call.term);
  inside.seek(tag_at);
  ASSERT_TRUE(inside.list() && inside.atom());
  const auto alias = inside.ref();
  ASSERT_TRUE(alias.has_value());
  EncodedTerm reply;
  TermWriter writer(reply);
  writer.version();
  writer.tuple(2);
  writer.encoded(*tag);
  writer.atom("answered");
  me().send_alias(me_pid(), *alias, reply);
  EXPECT_EQ(encoded_to_string(record().take("send").term), "{value,answered}");
  EXPECT_EQ(record().take("demonitor").ref, *alias);
}

TEST_F(Interop, MonitorsGoBothWays) {
  start_erlang();
  // Theirs on our process.
  record().answer_monitors = nullptr;
  EXPECT_EQ(text_of("is_reference(erlang:monitor(process, From))"), "true");
  const auto theirs = record().take("monitor");
  EXPECT_EQ(theirs.to, me_pid());
  // Theirs on a name of ours, whose end they are told.
  ask("R = erlang:monitor(process, {server, 'brood@127.0.0.1'}), receive {'DOWN', R, process, What, Why} -> "
      "{What, Why} end.");
  const auto named = record().take("monitor_named");
  me().monitor_exit(me_pid(), Atom("server"), named.from, named.ref, encode(Atom("crashed")));
  EXPECT_EQ(encoded_to_string(record().take("send").term), "{value,{{server,'brood@127.0.0.1'},crashed}}");
  // Ours on a name of theirs that is not there, and on a process that ends.
  me().monitor_named(me_pid(), {Atom("nobody"), erlang_}, node_->ref(1));
  const auto noproc = record().take("monitor_exit");
  EXPECT_EQ(noproc.ref, node_->ref(1));
  EXPECT_EQ(noproc.term, encode(Atom("noproc")));
  const Term pid = value_of("spawn(fun() -> receive stop -> exit({bye, 1}) end end)");
  ASSERT_NE(pid.as_pid(), nullptr);
  me().monitor(me_pid(), *pid.as_pid(), node_->ref(2));
  me().send(me_pid(), *pid.as_pid(), encode(Atom("stop")));
  const auto down = record().take("monitor_exit");
  EXPECT_EQ(down.ref, node_->ref(2));
  EXPECT_EQ(encoded_to_string(down.term), "{bye,1}");
}

TEST_F(Interop, LinksAndExitsGoBothWays) {
  start_erlang();
  const Term pid = value_of(
      "spawn(fun() -> process_flag(trap_exit, true), link(From), "
      "receive {'EXIT', P, Why} when P =:= From -> From ! {saw, Why}, exit(mine) end end)");
  ASSERT_NE(pid.as_pid(), nullptr);
  EXPECT_EQ(record().take("link").from, *pid.as_pid());
  me().exit(me_pid(), *pid.as_pid(), encode(Atom("yours")));
  EXPECT_EQ(encoded_to_string(record().take("send").term), "{saw,yours}");

  const Term second = value_of("spawn(fun() -> link(From), receive stop -> exit({a, reason}) end end)");
  ASSERT_NE(second.as_pid(), nullptr);
  record().take("link");
  me().send(me_pid(), *second.as_pid(), encode(Atom("stop")));
  const auto exit = record().take("exit");
  EXPECT_EQ(exit.to, me_pid());
  EXPECT_EQ(encoded_to_string(exit.term), "{a,reason}");

  // exit/2 both ways.
  const Term third = value_of("spawn(fun() -> receive stop -> ok end end)");
  me().monitor(me_pid(), *third.as_pid(), node_->ref(3));
  me().exit2(me_pid(), *third.as_pid(), encode(Atom("kill")));
  EXPECT_EQ(encoded_to_string(record().take("monitor_exit").term), "killed");
  EXPECT_EQ(text_of("exit(From, please)"), "true");
  EXPECT_EQ(encoded_to_string(record().take("exit2").term), "please");

  // Our link, taken back with an id that is acknowledged.
  const Term fourth = value_of("spawn(fun() -> receive stop -> ok end end)");
  me().link(me_pid(), *fourth.as_pid());
  me().unlink(me_pid(), *fourth.as_pid(), 99);
  EXPECT_EQ(record().take("unlink_ack").id, 99U);
  // Theirs.
  ask("link(From), unlink(From), done.");
  const auto unlink = record().take("unlink");
  EXPECT_NE(unlink.id, 0U);
  me().unlink_ack(me_pid(), unlink.from, unlink.id);
}

TEST_F(Interop, SpawnOnUsIsRefusedWithAnError) {
  start_erlang();
  EXPECT_EQ(text_of("erlang:spawn_request('brood@127.0.0.1', fun() -> ok end), "
                    "receive {spawn_reply, _, Kind, Why} -> {Kind, Why} end"),
            "{error,notsup}");
  EXPECT_EQ(text_of("still_there"), "still_there");
}

TEST_F(Interop, MessagesOfEverySizeComeBackAsTheyWent) {
  start_erlang();
  const Term echo = value_of("spawn(fun() -> (fun L() -> receive B -> From ! B, L() end end)() end)");
  ASSERT_NE(echo.as_pid(), nullptr);
  std::mt19937 random(1);
  Bytes noise(64 * 1024 * 1024, '\0');
  for (std::size_t i = 0; i < noise.size(); i += 4)
    wire::patch32(noise, i, static_cast<std::uint32_t>(random()));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1000}, fragment_bytes - 7, fragment_bytes - 6,
        fragment_bytes - 5, fragment_bytes, std::size_t{1} << 20, std::size_t{10'000'001}, noise.size()}) {
    const EncodedTerm term = encode(Binary{noise.substr(0, size)});
    me().send(me_pid(), *echo.as_pid(), term);
    EXPECT_TRUE(record().take("send").term == term) << size << " bytes";
  }
  EXPECT_EQ(record().count("down"), 0U);
}

TEST_F(Interop, AHundredThousandRandomTermsComeBackFromALiveNodeAsTheyWent) {
  start_erlang();
  const Term echo = value_of("spawn(fun() -> (fun L() -> receive B -> From ! B, L() end end)() end)");
  ASSERT_NE(echo.as_pid(), nullptr);
  brood::test::RandomTerms random(14);
  constexpr std::size_t batch = 1000;
  std::size_t equal_bytes = 0;
  for (int round = 0; round < 100; ++round) {
    std::vector<Term> terms;
    for (std::size_t i = 0; i < batch; ++i) terms.push_back(random.next());
    me().send(me_pid(), *echo.as_pid(), encode_term(Term::list(terms)));
    const EncodedTerm back = record().take("send").term;
    TermReader in(back);
    ASSERT_TRUE(in.version() && in.list() == batch);
    for (const Term& term : terms) {
      const auto item = in.skip();
      ASSERT_TRUE(item.has_value());
      const Bytes got = Bytes(1, version_byte).append(*item);
      if (got == encode_term(term)) {
        ++equal_bytes;
        continue;
      }
      ASSERT_TRUE(brood::test::has_large_map(term)) << to_string(term, 500);
      const auto read = decode_term(got);
      ASSERT_TRUE(read && *read == term) << to_string(term, 500);
    }
  }
  EXPECT_GT(equal_bytes, 95'000U);
}

TEST_F(Interop, LargeReasonsAndNamedReceiversTakeFragmentsToo) {
  start_erlang();
  ask("register(sizer, spawn(fun() -> process_flag(trap_exit, true), link(From), (fun L() -> receive "
      "{'EXIT', _, R} -> From ! {reason, byte_size(R)}, L(); B -> From ! {size, byte_size(B)}, L() end "
      "end)() "
      "end)).");
  const Pid sizer = record().take("link").from;
  EXPECT_EQ(encoded_to_string(record().take("send").term), "{value,true}");
  me().send_named(me_pid(), {Atom("sizer"), erlang_}, encode(Binary{Bytes(1'000'000, 'x')}));
  EXPECT_EQ(encoded_to_string(record().take("send").term), "{size,1000000}");
  me().exit(me_pid(), sizer, encode(Binary{Bytes(2'000'000, 'x')}));
  EXPECT_EQ(encoded_to_string(record().take("send").term), "{reason,2000000}");
  // And theirs to us.
  me().monitor(me_pid(), sizer, node_->ref(5));
  ask("exit(whereis(sizer), kill), P = spawn(fun() -> exit(binary:copy(<<7>>, 3000000)) end), "
      "From ! binary:copy(<<8>>, 4000000), done.");
  record().take("monitor_exit");
  EXPECT_EQ(record().take("send").term_bytes, 4'000'000U + 6U);
}

TEST_F(Interop, SmallMessagesOfErlangPassALargeOne) {
  start_erlang();
  const EncodedTerm small = encode(Atom("small"));
  const EncodedTerm begins = encode(Atom("big_begins"));
  // How many are sent while it is on its way is for the other node's scheduler to say: where that was busy,
  // once more.
  int passed = 0;
  for (int tries = 0; passed < 5 && tries < 10 && !HasFailure(); ++tries) {
    ask("Stop = spawn(fun() -> (fun L() -> receive stop -> ok after 1 -> From ! small, L() end end)() end), "
        "Big = binary:copy(<<1>>, 64 * 1024 * 1024), "
        "From ! big_begins, From ! Big, From ! big_ended, Stop ! stop, ok.");
    while (record().take("send").term != begins && !HasFailure()) {
    }
    passed = 0;
    for (;;) {
      const auto next = record().take("send");
      if (next.term != small) {
        EXPECT_EQ(next.term_bytes, 64U * 1024U * 1024U + 6U);
        break;
      }
      ++passed;
    }
  }
  EXPECT_GE(passed, 5);
}

TEST_F(Interop, OurSmallMessagesPassALargeOne) {
  start_erlang();
  const Term pid = value_of(
      "spawn(fun() -> F = fun() -> receive B when is_binary(B) -> byte_size(B); M -> M end end, "
      "A = F(), B = F(), C = F(), From ! [A, B, C] end)");
  ASSERT_NE(pid.as_pid(), nullptr);
  me().send(node_->pid(7), *pid.as_pid(), encode(Binary{Bytes(64 * 1024 * 1024, 'x')}));
  me().send(node_->pid(7), *pid.as_pid(), encode(Atom("behind")));
  me().send(node_->pid(8), *pid.as_pid(), encode(Atom("passes")));
  EXPECT_EQ(encoded_to_string(record().take("send").term), "[passes,67108864,behind]");
}

TEST_F(Interop, AStoppedNodeMakesItsSendersBusyAndGetsAllOnceItGoesOn) {
  start_erlang();
  const Term sum = value_of(
      "spawn(fun() -> (fun L(N) -> receive B when is_binary(B) -> L(N + byte_size(B)); done -> From ! N end "
      "end)(0) end)");
  ASSERT_NE(sum.as_pid(), nullptr);
  TestNode other(options_of("other@127.0.0.1", epmd_.port()));
  process_->signal(SIGSTOP);
  const EncodedTerm message = encode(Binary{Bytes(1'000'000, 'x')});
  std::int64_t taken = 0;
  while (me().try_send(me_pid(), *sum.as_pid(), message)) ASSERT_LT(++taken, 1000);
  EXPECT_LE(me().backlog(erlang_), 66U * 1024 * 1024);
  // Nobody else notices.
  EXPECT_TRUE(me().try_send(me_pid(), other.pid(), encode(1)));
  other.record.take("send");
  process_->signal(SIGCONT);
  me().send(me_pid(), *sum.as_pid(), encode(Atom("done")));
  EXPECT_EQ(record().take("send").term, encode(taken * 1'000'000));
  EXPECT_EQ(record().count("down"), 0U);
}

TEST_F(Interop, ARestartedErlangNodeComesBackWithAnotherCreation) {
  start_erlang();
  const auto before = me().peers().at(0).creation;
  process_->kill(SIGKILL);
  record().take("down");
  start_erlang();
  EXPECT_NE(me().peers().at(0).creation, before);
}

TEST_F(Interop, AStoppedNodeIsGivenUpAfterItsTimeOut) {
  start_erlang();
  me().set_tick_timeout(erlang_, 500ms);
  process_->signal(SIGSTOP);
  EXPECT_EQ(record().take("down").words.substr(0, 13), "tick_timeout:");
  process_->signal(SIGCONT);
}

TEST_F(Interop, NobodyIsGivenUpForTheTimeThatWeWereStopped) {
  start_erlang({"-kernel", "net_ticktime", "8"});  // A tick every 2 s.
  me().set_tick_timeout(erlang_, 3500ms);
  const pid_t self = ::getpid();
  const pid_t waker = ::fork();
  if (waker == 0) {
    // Only what is safe after fork in a program with threads.
    ::kill(self, SIGSTOP);
    const timespec pause{4, 0};
    ::nanosleep(&pause, nullptr);  // not a wait: the pause is what is tested
    ::kill(self, SIGCONT);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(waker, &status, 0);
  EXPECT_FALSE(eventually([&] { return record().count("down") != 0; }, 1s));
  EXPECT_EQ(text_of("still_there"), "still_there");
}

}  // namespace interop_test
}  // namespace brood::node
