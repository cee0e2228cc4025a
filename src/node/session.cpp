#include "node/session.hpp"

#include <sys/socket.h>

#include <boost/asio/buffer.hpp>

namespace brood::node {

using ErrorCode = boost::system::error_code;

HandshakeSession::HandshakeSession(Socket socket, Handshake handshake, Handler handler)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      handshake_(std::move(handshake)),
      handler_(std::move(handler)) {
  ErrorCode ignored;
  remote_ = socket_.remote_endpoint(ignored);
  socket_.non_blocking(true, ignored);
  socket_.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
}

void HandshakeSession::start(std::chrono::milliseconds timeout) {
  timer_.expires_after(timeout);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->fail(End::timeout, "the handshake was not finished in time");
  });
  if (flush()) read();
}

void HandshakeSession::read() {
  if (!handler_ || reading_) return;
  reading_ = true;
  socket_.async_read_some(boost::asio::buffer(chunk_),
                          [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
                            self->reading_ = false;
                            if (!self->handler_) return;
                            if (error)
                              return self->fail(End::closed, "it closed the connection: " + error.message());
                            self->received_.append(self->chunk_, count);
                            self->process();
                          });
}

void HandshakeSession::process() {
  auto packet = take_handshake_packet(received_);
  if (!packet) return fail(End::refused, packet.error().message);
  if (!packet->has_value()) return read();
  apply(handshake_.on_packet(**packet));
}

void HandshakeSession::apply(Event event) {
  if (!handler_) return;
  const bool flushed = flush();
  if (!handler_) return;
  switch (event) {
    case Event::more:
      if (flushed) process();
      break;
    case Event::decide:
    case Event::alive:
    case Event::authenticated: {
      // A copy: the answer may come from within, and end the session.
      const Handler handler = handler_;
      handler(shared_from_this(), event);
      break;
    }
    case Event::established:
      finish(event);
      break;
    case Event::failed:
      fail(End::refused, handshake_.words());
      break;
  }
}

bool HandshakeSession::flush() {
  const Bytes output = handshake_.take_output();
  if (output.empty()) return true;
  // A fresh connection takes these few bytes at once, or it is of no use.
  const ssize_t sent =
      ::send(socket_.native_handle(), output.data(), output.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(output.size())) return true;
  fail(End::closed, "it closed the connection");
  return false;
}

void HandshakeSession::fail(End end, std::string words) {
  if (!handler_) return;
  end_ = end;
  words_ = std::move(words);
  ErrorCode ignored;
  socket_.close(ignored);
  finish(Event::failed);
}

void HandshakeSession::finish(Event event) {
  timer_.cancel();
  if (handler_) std::exchange(handler_, nullptr)(shared_from_this(), event);
}

void HandshakeSession::cancel() {
  handler_ = nullptr;
  timer_.cancel();
  ErrorCode ignored;
  socket_.close(ignored);
}

}  // namespace brood::node
