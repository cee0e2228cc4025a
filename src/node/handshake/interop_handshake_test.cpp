// Who connects to whom, under which name and when, against real Erlang nodes. Skipped where there are none.
#include <gtest/gtest.h>

#include <ctime>

#include "node/epmd/epmd_client.hpp"
#include "node/peers/interop_support.hpp"

namespace brood::node {
namespace interop_handshake_test {

using namespace test;

class InteropHandshake : public Interop {
 protected:
  /// Text that an Erlang node sent to a name of ours, as its `-eval` did not go through the driver.
  std::string told() { return encoded_to_string(record().take("send_named").term); }
  /// {server, 'brood@127.0.0.1'} ! Expression
  static std::string tell(const std::string& expression) {
    return "erlang:send({server, 'brood@127.0.0.1'}, " + expression + ")";
  }
};

TEST_F(InteropHandshake, ANodeWithoutANameIsGivenOne) {
  const auto nameless =
      erlang("undefined@127.0.0.1",
             "true = net_kernel:connect_node('brood@127.0.0.1'), " + tell("{node(), self()}") +
                 ", receive hello -> " + tell("got_hello") + " end.",
             {"-dist_listen", "false"});
  const auto up = record().take("up");
  EXPECT_EQ(up.name.size(), std::string("0123456789abc@127.0.0.1").size());
  EXPECT_EQ(up.name.substr(13), "@127.0.0.1");
  const auto message = record().take("send_named");
  const auto term = decode_term(message.term);
  ASSERT_TRUE(term.has_value());
  EXPECT_EQ(to_string(term->as_tuple()->at(0)), "'" + up.name + "'");
  EXPECT_EQ(message.from.creation, up.id);
  me().send(me_pid(), message.from, encode(Atom("hello")));
  EXPECT_EQ(told(), "got_hello");
}

TEST_F(InteropHandshake, BothMayConnectAtOnce) {
  // The greater name's attempt wins: once theirs, once ours.
  for (const char* name : {"brood@127.0.0.1", "zbrood@127.0.0.1"}) {
    start_brood(options_of(name, epmd_.port()));
    start_erlang();
    ask("spawn(fun() -> net_kernel:monitor_nodes(true, [{node_type, all}]), (fun L() -> receive "
        "{nodedown, N, _} -> net_kernel:hidden_connect_node(N), L(); _ -> L() end end)() end).");
    record().take("send");
    for (int i = 0; i < 50; ++i) {
      me().disconnect(erlang_);
      record().take("down");
      me().connect(erlang_);
      record().take("up");
      EXPECT_EQ(text_of(std::to_string(i)), std::to_string(i));
      ASSERT_EQ(record().count("failed"), 0U);
      ASSERT_EQ(record().count("down"), 0U) << record().take("down").words;
      ASSERT_EQ(me().peers().size(), 1U);
    }
    process_.reset();
  }
}

TEST_F(InteropHandshake, ANewStartOfOursReplacesTheOldOneThere) {
  start_erlang();
  const std::string address = me().peers().at(0).address;
  const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
  FakePeer old(port, "again@127.0.0.1", "secret", 1001);
  ASSERT_TRUE(old.connect(erlang_));
  EXPECT_TRUE(
      eventually([&] { return text_of("lists:member('again@127.0.0.1', nodes(hidden))") == "true"; }));
  TestNode again(options_of("again@127.0.0.1", epmd_.port()));
  again->connect(erlang_);
  EXPECT_EQ(again.record.take("up").name, erlang_.text());
  EXPECT_TRUE(old.is_closed());
  const Pid pid = again.pid(5);
  me().send_named(me_pid(), {Atom("driver"), erlang_},
                  encode_term(Term::tuple({Term::atom("eval"), pid, Term::binary("node(From).")})));
  EXPECT_EQ(encoded_to_string(again.record.take("send").term), "{value,'again@127.0.0.1'}");
}

/// An EPMD that knows nothing yet makes creations of the clock's seconds: within the same one, it would give
/// the next node the creation that another EPMD has given already.
void await_another_creation(std::uint32_t before) {
  ASSERT_TRUE(eventually([&] { return std::time(nullptr) > static_cast<std::time_t>(before); }));
}

TEST_F(InteropHandshake, ANewStartOfTheirsReplacesOneThatIsStopped) {
  start_erlang();
  const auto before = me().peers().at(0).creation;
  process_->signal(SIGSTOP);
  // EPMD forgets the stopped node, or the new one could not take its name.
  epmd_.stop();
  epmd_.start();
  await_another_creation(before);
  const auto second = erlang(erlang_.text(),
                             "(fun C() -> case net_kernel:hidden_connect_node('brood@127.0.0.1') of true -> "
                             "ok; _ -> timer:sleep(100), C() end end)(), " +
                                 tell("here") + ".");
  EXPECT_EQ(record().take("down").words.substr(0, 9), "replaced:");
  EXPECT_EQ(told(), "here");
  ASSERT_EQ(me().peers().size(), 1U);
  EXPECT_NE(me().peers().at(0).creation, before);
}

TEST_F(InteropHandshake, ASecondLiveNodeOfANameIsRefused) {
  start_erlang();
  const auto before = me().peers().at(0).creation;
  epmd_.stop();
  epmd_.start();
  Epmd others;
  await_another_creation(before);
  // It finds us through an EPMD of its own, in which somebody has registered us.
  const auto keep = std::make_shared<epmd::Registrar>(
      node_->io(), epmd::Registration{"brood", me().port(), true}, others.port());
  ASSERT_TRUE(keep->register_now().has_value());
  const ChildProcess second(
      {"erl", "-name", erlang_.text(), "-setcookie", "secret", "-noinput", "-kernel",
       "inet_dist_use_interface", "{127,0,0,1}", "-eval",
       "net_kernel:hidden_connect_node('brood@127.0.0.1')."},
      {{"ERL_EPMD_PORT", std::to_string(others.port())}, {"ERL_EPMD_ADDRESS", "127.0.0.1"}});
  EXPECT_TRUE(eventually([&] { return me().counters().handshakes_refused == 1; }));
  EXPECT_EQ(me().peers().at(0).creation, before);
  EXPECT_EQ(text_of("still_here"), "still_here");
  EXPECT_EQ(record().count("down"), 0U);
  keep->leave();
}

TEST_F(InteropHandshake, ErlangFindsUsAgainAfterEpmdRestarted) {
  start_erlang();
  epmd_.stop();
  epmd_.start();
  const auto since = std::chrono::steady_clock::now();
  const auto other =
      erlang("other@127.0.0.1",
             "(fun C() -> case net_kernel:hidden_connect_node('brood@127.0.0.1') of true -> ok; _ -> "
             "timer:sleep(100), C() end end)().");
  EXPECT_EQ(record().take("up").name, "other@127.0.0.1");
  EXPECT_LT(std::chrono::steady_clock::now() - since, 10s);
}

TEST_F(InteropHandshake, WithoutAnyEpmdAFixedPortWillDo) {
  node_.reset();
  epmd_.stop();
  auto options = without_epmd("brood@127.0.0.1");
  options.listen_port_min = free_port();
  start_brood(options);
  const std::string port = std::to_string(me().port());
  EXPECT_EQ(me().port(), options.listen_port_min);
  // OTP without EPMD has one port for all nodes, which therefore have an address each.
  const ChildProcess theirs(
      {"erl", "-name", "erl@127.0.0.2", "-setcookie", "secret", "-noinput", "-start_epmd", "false",
       "-erl_epmd_port", port, "-kernel", "inet_dist_use_interface", "{127,0,0,2}", "-eval",
       "true = net_kernel:hidden_connect_node('brood@127.0.0.1'), " + tell("hello") + "."});
  EXPECT_EQ(record().take("up").name, "erl@127.0.0.2");
  EXPECT_EQ(told(), "hello");
  const NodeName other("erl@127.0.0.2");
  me().disconnect(other);
  record().take("down");
  me().set_address(other, "127.0.0.2", me().port());
  me().connect(other);
  EXPECT_EQ(record().take("up").name, other.text());
}

TEST_F(InteropHandshake, VisibleWeDisturbNeitherGlobalNorTheOthers) {
  auto options = options_of("brood@127.0.0.1", epmd_.port());
  options.hidden = false;
  start_brood(options);
  const std::vector<std::string> flags{"-kernel", "prevent_overlapping_partitions", "true"};
  start_erlang(flags);
  EXPECT_EQ(text_of("nodes()"), "['brood@127.0.0.1']");
  const auto second = erlang("second@127.0.0.1", driver, flags);
  EXPECT_TRUE(eventually([&] { return text_of("net_kernel:connect_node('second@127.0.0.1')") == "true"; }));
  // `global` introduces nodes only to those that it counts among its own.
  me().connect(NodeName("second@127.0.0.1"));
  EXPECT_EQ(record().take("up").name, "second@127.0.0.1");
  EXPECT_EQ(text_of("global:sync()"), "ok");
  EXPECT_EQ(text_of("global:register_name(thing, whereis(driver))"), "yes");
  EXPECT_EQ(text_of("rpc:call('second@127.0.0.1', global, whereis_name, [thing]) =:= whereis(driver)"),
            "true");
  EXPECT_EQ(text_of("global:trans({lock, self()}, fun() -> locked end)"), "locked");
  // We leave one of them: it keeps the other.
  me().disconnect(erlang_);
  record().take("down");
  me().connect(erlang_);
  EXPECT_EQ(record().take("up").name, erlang_.text());
  EXPECT_EQ(text_of("lists:sort(nodes())"), "['brood@127.0.0.1','second@127.0.0.1']");
  EXPECT_EQ(text_of("global:sync()"), "ok");
  EXPECT_EQ(text_of("rpc:call('second@127.0.0.1', global, whereis_name, [thing]) =:= whereis(driver)"),
            "true");
  EXPECT_EQ(record().count("down"), 0U);
}

}  // namespace interop_handshake_test
}  // namespace brood::node
