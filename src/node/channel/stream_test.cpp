#include "node/channel/stream.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <boost/asio/io_context.hpp>

namespace brood::node {
namespace stream_test {

using boost::asio::ip::tcp;

int option(Stream& stream, int which) {
  int value = 0;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(stream.socket().native_handle(), SOL_SOCKET, which, &value, &length), 0);
  return value;
}

TEST(Stream, WithinOneMachineNothingIsPacedAndAMegabyteMayBeOnItsWay) {
  boost::asio::io_context io;
  tcp::acceptor acceptor(io, {boost::asio::ip::address_v4::loopback(), 0});
  tcp::socket connecting(io);
  connecting.connect(acceptor.local_endpoint());
  Stream near(std::move(connecting));
  Stream far(acceptor.accept());
  for (Stream* stream : {&near, &far}) {
    stream->let_in();
    EXPECT_GE(option(*stream, SO_RCVBUF), 1024 * 1024);
    EXPECT_EQ(option(*stream, SO_RCVLOWAT), 1);
    char control[16] = {};
    socklen_t length = sizeof control;
    ASSERT_EQ(::getsockopt(stream->socket().native_handle(), IPPROTO_TCP, TCP_CONGESTION, control, &length),
              0);
    EXPECT_STREQ(control, "reno");
  }
}

}  // namespace stream_test
}  // namespace brood::node
