#include "node/channel/stream.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>

namespace brood::node {
namespace {

namespace asio = boost::asio;

/// Bytes that are encrypted at once, and sent with one system call.
constexpr std::size_t sealed_bytes_max = 64 * 1024;
/// What is read of the socket at once: little from strangers, more where more is expected.
constexpr std::size_t arrived_bytes_min = 4 * 1024;
constexpr std::size_t arrived_bytes_max = 64 * 1024;

bool is_not_now(int error) {
  return error == EAGAIN || error == EWOULDBLOCK;
}

/// Room for bytes of a peer on the same machine.
constexpr int room_within_machine = 1024 * 1024;

/// Within one machine there is no network to be spared: congestion control that paces (bbr) only holds up
/// there. And a segment is as large as the first window, which may then stay that small for ever, so that
/// each side waits for the other after every 64 KiB. To ask for a low-water mark makes the window larger and,
/// unlike SO_RCVBUF, leaves it to grow; it is taken back at once.
void expect_no_network(int fd) {
  constexpr std::string_view control = "reno";
  (void)::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, control.data(), control.size());
  for (const int bytes : {room_within_machine, 1})
    (void)::setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes);
}

}  // namespace

void Stream::let_in() {
  if (tls_ != nullptr) tls_->let_in();
  ErrorCode no_local, no_remote;
  const auto local = socket_.local_endpoint(no_local).address();
  const auto remote = socket_.remote_endpoint(no_remote).address();
  if (!no_local && !no_remote && local == remote) expect_no_network(socket_.native_handle());
}

void Stream::handshake(std::function<void(const ErrorCode&)> done) {
  if (tls_ == nullptr) return done({});
  const auto step = tls_->handshake();
  Bytes output;
  tls_->take_output(output);
  // A fresh connection takes these few KiB at once, or it is of no use.
  const bool sent =
      output.empty() || ::send(socket_.native_handle(), output.data(), output.size(),
                               MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(output.size());
  if (step == TlsEngine::Step::failed) return done(asio::error::eof);
  if (!sent) return done(asio::error::connection_reset);
  if (step == TlsEngine::Step::done) return done({});
  arrived_.resize(arrived_bytes_min);
  socket_.async_read_some(asio::buffer(arrived_),
                          [this, done = std::move(done)](const ErrorCode& error, std::size_t count) mutable {
                            if (error) return done(error);
                            tls_->feed({arrived_.data(), count});
                            handshake(std::move(done));
                          });
}

void Stream::read_tls(std::span<char> space, ReadHandler handler) {
  // What the last read left comes first; not from within, or a long stretch of it would be as deep a stack.
  const bool had_output = tls_->has_output();
  const auto plain = tls_->read(space);
  const bool has_output = !had_output && tls_->has_output();
  if (plain.count != 0 || plain.ended || has_output) {
    return asio::post(socket_.get_executor(), [this, handler = std::move(handler), plain] {
      resume_writer();
      handler(plain.ended ? ErrorCode(asio::error::eof) : ErrorCode(), plain.count);
    });
  }
  await_tls(space, std::move(handler));
}

void Stream::await_tls(std::span<char> space, ReadHandler handler) {
  arrived_.resize(std::max(arrived_.size(), std::clamp(space.size(), arrived_bytes_min, arrived_bytes_max)));
  socket_.async_read_some(asio::buffer(arrived_), [this, space, handler = std::move(handler)](
                                                      const ErrorCode& error, std::size_t count) mutable {
    if (error) return handler(error, 0);
    tls_->feed({arrived_.data(), count});
    const auto plain = tls_->read(space);
    resume_writer();
    if (plain.count == 0 && !plain.ended && !tls_->has_output()) return await_tls(space, std::move(handler));
    handler(plain.ended ? ErrorCode(asio::error::eof) : ErrorCode(), plain.count);
  });
}

bool Stream::is_parked() const {
  return tls_ != nullptr && sealed_.empty() && !tls_->has_output() && tls_->is_shaking_hands();
}

void Stream::resume_writer() {
  if (parked_ != nullptr && !is_parked())
    asio::post(socket_.get_executor(), [go_on = std::exchange(parked_, nullptr)] { go_on({}); });
}

ssize_t Stream::write(std::span<iovec> pieces) {
  if (tls_ != nullptr) return write_tls(pieces);
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  for (;;) {
    const ssize_t written = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written >= 0) return written;
    if (errno != EINTR) return is_not_now(errno) ? 0 : -1;
  }
}

ssize_t Stream::write_tls(std::span<iovec> pieces) {
  if (sealed_.empty()) {
    const auto sealed = tls_->encrypt(pieces, sealed_bytes_max, sealed_);
    if (sealed.broken) return -1;
    taken_ = sealed.taken;
  }
  while (sent_ < sealed_.size()) {
    const ssize_t written = ::send(socket_.native_handle(), sealed_.data() + sent_, sealed_.size() - sent_,
                                   MSG_NOSIGNAL | MSG_DONTWAIT);
    if (written >= 0) {
      sent_ += static_cast<std::size_t>(written);
    } else if (errno != EINTR) {
      return is_not_now(errno) ? 0 : -1;
    }
  }
  sealed_.clear();
  sent_ = 0;
  return static_cast<ssize_t>(taken_);
}

bool Stream::has_unread() {
  if (tls_ != nullptr && tls_->has_unread()) return true;
  pollfd poll_fd{socket_.native_handle(), POLLIN | POLLRDHUP, 0};
  return ::poll(&poll_fd, 1, 0) > 0;
}

std::string Stream::words(const ErrorCode& error) const {
  return tls_ != nullptr && tls_->failure() != TlsFailure::none ? tls_->words() : error.message();
}

}  // namespace brood::node
