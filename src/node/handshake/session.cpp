#include "node/handshake/session.hpp"

namespace brood::node {

using ErrorCode = boost::system::error_code;

namespace {

/// How a record of TLS begins: a handshake (ClientHello), and an alert (what a node that wants TLS answers to
/// one that does not speak it). As lengths of packets both are out of bounds.
bool is_tls(BytesView received) {
  return received.size() >= 2 && (received[0] == 0x16 || received[0] == 0x15) && received[1] == 0x03;
}

}  // namespace

HandshakeSession::HandshakeSession(std::unique_ptr<Stream> stream, Handshake handshake, Handler handler)
    : stream_(std::move(stream)),
      timer_(stream_->socket().get_executor()),
      handshake_(std::move(handshake)),
      handler_(std::move(handler)) {
  ErrorCode ignored;
  Stream::Socket& socket = stream_->socket();
  remote_ = socket.remote_endpoint(ignored);
  socket.non_blocking(true, ignored);
  socket.set_option(boost::asio::ip::tcp::no_delay(true), ignored);
  socket.set_option(boost::asio::socket_base::keep_alive(true), ignored);
}

void HandshakeSession::start(std::chrono::milliseconds timeout) {
  timer_.expires_after(timeout);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (error) return;
    const bool in_tls = !self->begun_;
    self->fail(End::timeout, in_tls ? "TLS's handshake was not finished in time; does it speak TLS?"
                                    : "the handshake was not finished in time");
  });
  stream_->handshake([self = shared_from_this()](const ErrorCode& error) {
    if (!self->handler_) return;
    if (error) return self->on_read_error(error);
    self->begun_ = true;
    if (self->flush()) self->read();
  });
}

void HandshakeSession::on_read_error(const ErrorCode& error) {
  const TlsEngine* tls = stream_->tls();
  const TlsFailure failure = tls != nullptr ? tls->failure() : TlsFailure::none;
  switch (failure) {
    case TlsFailure::bad_certificate:
      return fail(End::bad_certificate, tls->words());
    case TlsFailure::no_tls:
      return fail(End::no_tls, tls->words());
    case TlsFailure::broken:
      return fail(End::closed, tls->words());
    case TlsFailure::none:
      break;
  }
  if (begun_) return fail(End::closed, "it closed the connection: " + error.message());
  if (is_silent()) return fail(End::closed, "it closed the connection without a word; does it speak TLS?");
  fail(End::closed, "it closed the connection during TLS's handshake");
}

bool HandshakeSession::is_silent() const {
  return received_.empty() && handshake_.untouched() &&
         (stream_ == nullptr || stream_->tls() == nullptr || stream_->tls()->untouched());
}

void HandshakeSession::read() {
  if (!handler_ || reading_) return;
  reading_ = true;
  stream_->read_some(std::span<char>(chunk_),
                     [self = shared_from_this()](const ErrorCode& error, std::size_t count) {
                       self->reading_ = false;
                       if (!self->handler_) return;
                       if (error) return self->on_read_error(error);
                       self->received_.append(self->chunk_, count);
                       self->process();
                     });
}

void HandshakeSession::process() {
  if (stream_->tls() == nullptr && handshake_.untouched() && is_tls(received_)) {
    return fail(End::no_tls, "it speaks TLS, and this node was given no certificate to do the same");
  }
  auto packet = take_handshake_packet(received_, handshake_.length_bytes());
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
  Bytes output = handshake_.take_output();
  if (output.empty()) return true;
  // A fresh connection takes these few bytes at once, or it is of no use.
  iovec piece{output.data(), output.size()};
  if (stream_->write({&piece, 1}) == static_cast<ssize_t>(output.size())) return true;
  fail(End::closed, "it closed the connection");
  return false;
}

void HandshakeSession::fail(End end, std::string words) {
  if (!handler_) return;
  end_ = end;
  words_ = std::move(words);
  ErrorCode ignored;
  stream_->socket().close(ignored);
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
  if (stream_ != nullptr) stream_->socket().close(ignored);
}

}  // namespace brood::node
