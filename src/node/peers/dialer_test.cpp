// A way to a node on which what is sent is lost for a while.
#include "node/peers/dialer.hpp"

#include <fmt/format.h>

#include <fstream>

#include "node/test_support.hpp"

namespace brood::node::test {
namespace {

/// A port whose connections the kernel drops, silently, until they are taken: its queue is full.
class FullPort {
 public:
  FullPort() : filler_(connect_to(port())) { EXPECT_GE(filler_, 0); }
  ~FullPort() { ::close(filler_); }
  FullPort(const FullPort&) = delete;
  FullPort& operator=(const FullPort&) = delete;
  [[nodiscard]] std::uint16_t port() const { return server_.port(); }

  /// The local ports of those that wait for an answer of it.
  [[nodiscard]] std::set<std::string> knocking() const {
    std::set<std::string> ports;
    std::ifstream table("/proc/net/tcp");
    const std::string here = fmt::format("0100007F:{:04X}", port());
    constexpr std::string_view syn_sent = "02";
    for (std::string number, local, remote, state, rest; table >> number >> local >> remote >> state;) {
      std::getline(table, rest);
      if (remote == here && state == syn_sent) ports.insert(local);
    }
    return ports;
  }

 private:
  const DeafServer server_{0};
  const int filler_;
};

TEST(Dialer, WhereNothingAnswersAFreshWayIsTriedBesideTheFirstAgainAndAgain) {
  const FullPort port;
  boost::asio::io_context io;
  std::vector<ConnectFailure> failures;
  DialHandler handler;
  handler.failed = [&](ConnectFailure failure, const std::string&, bool) { failures.push_back(failure); };
  const auto dialer = std::make_shared<Dialer>(
      io, DialOptions{NodeName("a@127.0.0.1"), HostPort{"127.0.0.1", port.port()}, 1, 60s},
      std::move(handler));
  dialer->start();
  std::string first;
  std::set<std::string> others;
  EXPECT_TRUE(eventually([&] {
    io.run_for(5ms);
    const auto now = port.knocking();
    if (first.empty() && now.size() == 1) first = *now.begin();
    EXPECT_LE(now.size(), 2U) << "a way that has had its time is given up";
    EXPECT_TRUE(first.empty() || now.contains(first)) << "the first is kept, for nodes that are far apart";
    for (const std::string& one : now)
      if (one != first) others.insert(one);
    return others.size() >= 3;
  }));
  EXPECT_TRUE(failures.empty());
  dialer->cancel();
  EXPECT_TRUE(eventually([&] {
    io.restart();
    io.run_for(5ms);
    return port.knocking().empty();
  }));
  EXPECT_TRUE(failures.empty()) << "cancelled, it says nothing";
}

TEST(Dialer, APortThatRefusesAtLastEndsTheAttemptWithThat) {
  auto port = std::make_unique<FullPort>();
  boost::asio::io_context io;
  std::vector<ConnectFailure> failures;
  DialHandler handler;
  handler.failed = [&](ConnectFailure failure, const std::string&, bool) { failures.push_back(failure); };
  const auto dialer = std::make_shared<Dialer>(
      io, DialOptions{NodeName("a@127.0.0.1"), HostPort{"127.0.0.1", port->port()}, 1, 60s},
      std::move(handler));
  dialer->start();
  ASSERT_TRUE(eventually([&] {
    io.run_for(5ms);
    return port->knocking().size() == 2;
  }));
  EXPECT_TRUE(failures.empty());
  port.reset();  // now it refuses
  EXPECT_TRUE(eventually([&] {
    io.run_for(5ms);
    return !failures.empty();
  }));
  EXPECT_EQ(failures, std::vector{ConnectFailure::connection_refused});
}

}  // namespace
}  // namespace brood::node::test
