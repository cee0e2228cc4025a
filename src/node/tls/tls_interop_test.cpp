// Against a real Erlang node with -proto_dist inet_tls. Skipped where there is none.
#include <gtest/gtest.h>

#include <fstream>

#include "node/peers/interop_support.hpp"
#include "node/tls/tls_test_support.hpp"

namespace brood::node {
namespace tls_interop_test {

using namespace test;

class TlsInterop : public Interop {
 protected:
  void SetUp() override {
    Interop::SetUp();
    if (IsSkipped()) return;
    start_secure_brood(CertificateOptions{});
    write_options("dist.conf", ca_.issue("erl"), "['tlsv1.3','tlsv1.2']");
  }
  void start_secure_brood(const CertificateOptions& certificate) {
    auto options = options_of("brood@127.0.0.1", epmd_.port());
    options.tls = ca_.issue("brood", certificate);
    options.tick_timeout = 3s;
    start_brood(options);
  }
  /// What -ssl_dist_optfile reads, with everything verified on both sides.
  void write_options(const std::string& file, const TlsOptions& files, const std::string& versions,
                     const std::string& more = "") const {
    const std::string common = "{certfile,\"" + files.cert_file + "\"},{keyfile,\"" + files.key_file +
                               "\"},{cacertfile,\"" + files.ca_file + "\"},{verify,verify_peer},{versions," +
                               versions + "}" + more;
    ca_.write_text(file,
                   "[{server,[" + common + ",{fail_if_no_peer_cert,true}]},{client,[" + common + "]}].\n");
  }
  /// Its ticks are as often as ours.
  [[nodiscard]] std::vector<std::string> secure(const std::string& file) const {
    return {"-proto_dist", "inet_tls", "-ssl_dist_optfile", ca_.path(file), "-kernel", "net_ticktime", "3"};
  }
  /// Ends the connection that there is, and waits for the one that dial_later() makes.
  void let_erlang_dial() {
    me().disconnect(erlang_);
    record().take("down");
    EXPECT_EQ(record().take("up").name, erlang_.text());
  }
  void dial_later() {
    EXPECT_EQ(text_of("is_pid(spawn(fun() -> (fun W() -> case nodes(hidden) of [] -> "
                      "net_kernel:hidden_connect_node('brood@127.0.0.1'); _ -> timer:sleep(20), W() end "
                      "end)() end))"),
              "true");
  }

  TestCa ca_;
};

TEST_F(TlsInterop, WeDialAndEverythingGoesThrough) {
  start_erlang(secure("dist.conf"));
  EXPECT_EQ(text_of("nodes(hidden)"), "['brood@127.0.0.1']");
  // A call of theirs to a name that nobody has here, which a monitor answers; a monitor of ours there.
  ask("gen_server:call({server, 'brood@127.0.0.1'}, {question, 42}).");
  EXPECT_EQ(record().take("monitor_named").name, "server");
  EXPECT_NE(encoded_to_string(record().take("send").term).find("noproc"), std::string::npos);
  const Term pid = value_of("spawn(fun() -> receive stop -> exit({bye, 1}) end end)");
  ASSERT_NE(pid.as_pid(), nullptr);
  me().monitor(me_pid(), *pid.as_pid(), node_->ref(2));
  me().send(me_pid(), *pid.as_pid(), encode(Atom("stop")));
  EXPECT_EQ(encoded_to_string(record().take("monitor_exit").term), "{bye,1}");
  // Many in flight, in order; then large ones.
  const Term echo = value_of("spawn(fun() -> (fun L() -> receive B -> From ! B, L() end end)() end)");
  ASSERT_NE(echo.as_pid(), nullptr);
  for (int i = 0; i < 20'000; ++i) me().send(me_pid(), *echo.as_pid(), encode(i));
  for (int i = 0; i < 20'000; ++i) ASSERT_EQ(record().take("send").term, encode(i));
  for (const std::size_t size : {0U, 1U, 65'530U, 1'000'000U, 64U * 1024U * 1024U}) {
    const EncodedTerm term = encode(Binary{Bytes(size, 'x')});
    me().send(me_pid(), *echo.as_pid(), term);
    EXPECT_TRUE(record().take("send").term == term) << size << " bytes";
  }
  EXPECT_EQ(record().count("down"), 0U);
}

TEST_F(TlsInterop, ErlangDialsUsAndAnIdleConnectionIsKept) {
  start_erlang(secure("dist.conf"));
  dial_later();
  let_erlang_dial();
  EXPECT_EQ(text_of("1 + 1"), "2");
  const Term echo = value_of("spawn(fun() -> (fun L() -> receive B -> From ! B, L() end end)() end)");
  ASSERT_NE(echo.as_pid(), nullptr);
  const EncodedTerm term = encode(Binary{Bytes(64 * 1024 * 1024, 'x')});
  me().send(me_pid(), *echo.as_pid(), term);
  EXPECT_TRUE(record().take("send").term == term);
  // More than two of both nodes' tick times.
  EXPECT_FALSE(eventually([&] { return record().count("down") != 0; }, 7s));
  EXPECT_EQ(text_of("nodes(hidden)"), "['brood@127.0.0.1']");
}

TEST_F(TlsInterop, ErlangMayRenewItsKeysWhileMessagesGoBothWays) {
  // OTP does so after 2^28 records, or some terabytes; here it does so all the time.
  struct Case {
    std::string versions, more;
  };
  for (const Case& how :
       {Case{"['tlsv1.2']", ",{renegotiate_at,300}"}, Case{"['tlsv1.3']", ",{key_update_at,100000}"}}) {
    write_options("renew.conf", ca_.issue("erl"), how.versions, how.more);
    start_erlang(secure("renew.conf"));
    const auto exchange = [&] {
      const Term echo = value_of("spawn(fun() -> (fun L() -> receive B -> From ! B, L() end end)() end)");
      ASSERT_NE(echo.as_pid(), nullptr);
      const EncodedTerm large = encode(Binary{Bytes(3'000'000, 'x')});
      for (int i = 0; i < 3000; ++i) {
        me().send(me_pid(), *echo.as_pid(), encode(i));
        if (i % 1000 == 0) me().send(me_pid(), *echo.as_pid(), large);
      }
      for (int i = 0; i < 3000; ++i) {
        ASSERT_EQ(record().take("send").term, encode(i));
        if (i % 1000 != 0) continue;
        ASSERT_TRUE(record().take("send").term == large);
      }
      ASSERT_EQ(record().count("down"), 0U);
    };
    exchange();
    dial_later();
    let_erlang_dial();
    exchange();
    process_->kill(SIGKILL);
    record().take("down");
  }
}

TEST_F(TlsInterop, ErlangLooksForAnAddressAmongTheDnsNames) {
  start_secure_brood({.names = "IP:127.0.0.1"});
  start_erlang(secure("dist.conf"));
  // We dial it, and it takes us; it does not dial us.
  dial_later();
  me().disconnect(erlang_);
  record().take("down");
  EXPECT_TRUE(eventually([&] { return me().counters().handshakes_refused >= 1; }));
  EXPECT_EQ(record().count("up"), 0U);
}

TEST_F(TlsInterop, AnErlangNodeOfAnotherCaIsRefusedInWords) {
  TestCa others("other ca");
  write_options("other.conf", others.issue("erl"), "['tlsv1.3','tlsv1.2']");
  process_ = erlang(erlang_.text(), driver, secure("other.conf"));
  std::string words;
  EXPECT_TRUE(eventually([&] {
    me().connect(erlang_);
    words = record().take("failed").words;
    return words.substr(0, 15) == "bad_certificate";
  })) << words;
  EXPECT_NE(words.find("it has CN=erl, signed by CN=other ca"), std::string::npos) << words;
}

TEST_F(TlsInterop, APlainErlangNodeIsRefusedInWords) {
  auto options = options_of("brood@127.0.0.1", epmd_.port());
  options.tls = ca_.issue("brood");
  options.handshake_timeout = 500ms;
  start_brood(options);
  process_ = erlang(erlang_.text(), driver);
  std::string words;
  EXPECT_TRUE(eventually([&] {
    me().connect(erlang_);
    words = record().take("failed").words;
    return words.substr(0, 6) == "no_tls";
  })) << words;
  EXPECT_NE(words.find("does it speak TLS?"), std::string::npos) << words;
}

}  // namespace tls_interop_test
}  // namespace brood::node
