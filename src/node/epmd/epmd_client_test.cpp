#include "node/epmd/epmd_client.hpp"

#include <gtest/gtest.h>

namespace brood::node::epmd {
namespace epmd_client_test {

using std::chrono::milliseconds;
using Acceptor = boost::asio::ip::tcp::acceptor;

TEST(EpmdClient, AnEpmdThatAcceptsAndDoesNotAnswerIsNotOneThatDoesNotRun) {
  boost::asio::io_context io;
  Acceptor slow(io, {boost::asio::ip::address_v4::loopback(), 0});
  const std::uint16_t port = slow.local_endpoint().port();
  const auto registrar = std::make_shared<Registrar>(io, Registration{"n1", 1, true}, port, milliseconds(50));
  const auto result = registrar->register_now();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timeout) << result.error().message;
  slow.close();
  const auto again = std::make_shared<Registrar>(io, Registration{"n1", 1, true}, port, milliseconds(5000));
  EXPECT_EQ(again->register_now().error().code, Errc::unreachable);
}

}  // namespace epmd_client_test
}  // namespace brood::node::epmd
