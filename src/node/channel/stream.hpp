// Stream: the bytes of one connection, over a TCP socket, bare or under TLS. Sessions and channels read and
// write through it and know nothing of the difference but that TLS shakes hands first.
//
// Thread rule: write() on any thread, one at a time, which its owner sees to; has_unread() on any; the rest
// on the io thread. It must outlive what it has begun: handlers hold its owner.
#pragma once

#include <sys/uio.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <brood/term.hpp>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "node/tls/tls_engine.hpp"

namespace brood::node {

class Stream {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using ErrorCode = boost::system::error_code;
  using ReadHandler = std::function<void(const ErrorCode&, std::size_t)>;

  /// Without an engine the bytes are bare.
  explicit Stream(Socket socket, std::unique_ptr<TlsEngine> tls = nullptr)
      : socket_(std::move(socket)), tls_(std::move(tls)) {}

  [[nodiscard]] Socket& socket() { return socket_; }
  /// Null where the bytes are bare.
  [[nodiscard]] const TlsEngine* tls() const { return tls_.get(); }

  /// TLS's handshake. Bare bytes need none: `done` is called from within. An error: see words().
  void handshake(std::function<void(const ErrorCode&)> done);
  /// Reads what there is, at least a byte. `handler(error, count)`; one read at a time.
  /// Under TLS the count may be 0: wants_write() then.
  template <typename Handler>
  void read_some(std::span<char> space, Handler handler) {
    if (tls_ == nullptr) {
      socket_.async_read_some(boost::asio::buffer(space.data(), space.size()), std::move(handler));
    } else {
      read_tls(space, std::move(handler));
    }
  }
  /// Writes the first bytes of `pieces`, as many as the socket takes now, and returns how many. 0: none now;
  /// call again when it is writable, with the same bytes first. -1: the connection is broken.
  [[nodiscard]] ssize_t write(std::span<iovec> pieces);

  /// Calls `handler(error)` once write() is worth another try. Until then this object holds it.
  template <typename Handler>
  void await_writable(Handler handler) {
    if (is_parked()) {
      parked_ = std::move(handler);
    } else {
      socket_.async_wait(Socket::wait_write, std::move(handler));
    }
  }
  /// Drops such a handler.
  void forget_writer() { parked_ = nullptr; }
  /// The peer has been let in: much may come now, and under TLS it may shake hands again.
  void let_in();
  /// TLS has something to say: write anything, and it goes along. Any thread.
  [[nodiscard]] bool wants_write() const { return tls_ != nullptr && tls_->has_output(); }

  /// Bytes, or the end, have arrived and were not given to a reader.
  [[nodiscard]] bool has_unread();
  /// What an error of handshake() or read_some() means.
  [[nodiscard]] std::string words(const ErrorCode& error) const;

 private:
  void read_tls(std::span<char> space, ReadHandler handler);
  void await_tls(std::span<char> space, ReadHandler handler);
  /// The writer can do nothing before the peer has gone on with a renewed handshake.
  [[nodiscard]] bool is_parked() const;
  void resume_writer();
  [[nodiscard]] ssize_t write_tls(std::span<iovec> pieces);

  Socket socket_;
  const std::unique_ptr<TlsEngine> tls_;

  // Of TLS only.
  std::vector<char> arrived_;  ///< What the engine reads from.
  Bytes sealed_;               ///< Encrypted, on its way; the writer's.
  std::size_t sent_ = 0;       ///< Of it.
  std::size_t taken_ = 0;      ///< How many bytes it stands for.
  std::function<void(const ErrorCode&)> parked_;
};

}  // namespace brood::node
