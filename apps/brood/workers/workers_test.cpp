#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

#include "apps/brood/workers/builtin.hpp"
#include "apps/brood/workers/counter.hpp"
#include "apps/brood/workers/echo.hpp"
#include "apps/brood/workers/tcp_monitor.hpp"
#include "process/runtime.hpp"

namespace brood::app::builtin {
namespace workers_test {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Workers : public testing::Test {
 protected:
  Pid spawn(std::unique_ptr<Behaviour> behaviour) {
    // Shared: set_value() may still be at work when its value has been seen here.
    auto started = std::make_shared<std::promise<bool>>();
    auto done = started->get_future();
    process::SpawnOptions options;
    options.on_started = [started](const Result<void>& result) { started->set_value(result.has_value()); };
    auto pid = runtime.spawn(std::move(behaviour), std::move(options));
    has_started = done.get();
    return pid;
  }
  std::string call(const Pid& pid, std::string_view message) {
    const auto request = Message::encoded(encode_term(parse_term(message).value()));
    auto answer = runtime.call_and_wait(pid, Message::encoded(request.bytes()), seconds(5));
    return answer ? encoded_to_string(*answer) : std::string(to_string(answer.error().code));
  }
  void send(const Pid& pid, std::string_view message) {
    ASSERT_TRUE(runtime.send(pid, Message::encoded(encode_term(parse_term(message).value()))));
  }
  static EncodedTerm arguments(std::string_view text) { return encode_term(parse_term(text).value()); }

  process::Runtime runtime{NodeName("t@h"), 1, {}};
  bool has_started = false;
};

TEST_F(Workers, CounterCounts) {
  const auto pid = spawn(make_behaviour<Counter>({}));
  EXPECT_EQ(call(pid, "get"), "0");
  EXPECT_EQ(call(pid, "{get}"), "0");
  EXPECT_EQ(call(pid, "increment"), "1");
  EXPECT_EQ(call(pid, "{add, 5}"), "6");
  EXPECT_EQ(call(pid, "{add, -7}"), "-1");
  ASSERT_TRUE(runtime.cast(pid, Message::encoded(encode_term(parse_term("{add, 3}").value()))));
  send(pid, "{add, 4}");
  send(pid, "increment");
  send(pid, "nonsense");
  EXPECT_EQ(call(pid, "get"), "7");
}

TEST_F(Workers, CounterBeginsWhereItIsTold) {
  EXPECT_EQ(call(spawn(make_behaviour<Counter>(arguments("[41]"))), "increment"), "42");
  spawn(make_behaviour<Counter>(arguments("[much]")));
  EXPECT_FALSE(has_started);
}

TEST_F(Workers, CounterRefusesASumThatDoesNotFit) {
  const auto pid = spawn(make_behaviour<Counter>(arguments("[9223372036854775807]")));
  EXPECT_NE(call(pid, "increment").find("limit_exceeded"), std::string::npos);
  EXPECT_EQ(call(pid, "get"), "9223372036854775807");
}

TEST_F(Workers, EchoAnswersAnyTerm) {
  const auto pid = spawn(make_echo({}));
  for (const auto* text : {"x", "{a,[1,2.5],#{k=>v}}", "[]", "<<1,2,255>>"}) EXPECT_EQ(call(pid, text), text);
}

TEST(MonitorOptions, AreChecked) {
  const auto options = [](std::string_view text) { return monitor_options(parse_term(text).value()); };
  const auto good = options("#{host => <<\"h\">>, port => 80, every_ms => 50, timeout_ms => 20}");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->host, "h");
  EXPECT_EQ(good->port, 80);
  EXPECT_EQ(good->every, milliseconds(50));
  EXPECT_EQ(good->timeout, milliseconds(20));
  for (const auto* text :
       {"x", "#{}", "#{host => <<\"h\">>}", "#{port => 80}", "#{host => <<>>, port => 80}",
        "#{host => <<\"h\">>, port => 0}", "#{host => <<\"h\">>, port => 80, every_ms => 0}",
        "#{host => <<\"h\">>, port => 80, evry_ms => 5}"}) {
    EXPECT_FALSE(options(text)) << text;
  }
}

// A port on loopback: listening, or (closed again) one that refuses.
class LocalPort {
 public:
  LocalPort() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 64), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
  }
  ~LocalPort() { close(); }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  int port = 0;

 private:
  int socket_;
};

class Monitors : public Workers {
 protected:
  Pid monitor(int port) {
    return spawn(make_behaviour<TcpMonitor>(
        arguments("[#{host => <<\"127.0.0.1\">>, every_ms => 5, timeout_ms => 2000, port => " +
                  std::to_string(port) + "}]")));
  }
  // Asks until the status has these words; bounded.
  std::string wait_for(const Pid& pid, std::string_view words) {
    const auto deadline = std::chrono::steady_clock::now() + seconds(10);
    std::string status;
    while (std::chrono::steady_clock::now() < deadline) {
      status = call(pid, "status");
      if (status.find(words) != std::string::npos) break;
      std::this_thread::yield();
    }
    return status;
  }
};

TEST_F(Monitors, SeeAServerThatIsUpAndThatItGoesAway) {
  LocalPort server;
  const auto pid = monitor(server.port);
  EXPECT_NE(wait_for(pid, "up=>true").find("failures=>0"), std::string::npos);
  server.close();
  const auto down = wait_for(pid, "up=>false");
  EXPECT_NE(down.find("refused"), std::string::npos) << down;
}

TEST_F(Monitors, CheckAgainAndAgain) {
  LocalPort server;
  const auto pid = monitor(server.port);
  EXPECT_NE(wait_for(pid, "checks=>5").find("up=>true"), std::string::npos);
}

TEST_F(Monitors, WithBadOptionsDoNotStart) {
  spawn(make_behaviour<TcpMonitor>(arguments("[#{host => <<\"h\">>}]")));
  EXPECT_FALSE(has_started);
}

TEST_F(Monitors, EndWhileAProbeIsUnderWay) {
  LocalPort server;
  for (int i = 0; i < 20; ++i) runtime.exit(monitor(server.port), ExitReason::shutdown());
  EXPECT_EQ(runtime.stop(seconds(5)), 0u);
}

}  // namespace workers_test
}  // namespace brood::app::builtin
