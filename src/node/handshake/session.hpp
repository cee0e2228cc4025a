// HandshakeSession: a Handshake on a stream (after TLS's own, where there is TLS), with a deadline for all of
// it. It tells its handler each Event but `more`; the handler answers at once or later, through the functions
// here.
//
// Thread rule: the io thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "node/channel/stream.hpp"
#include "node/handshake/handshake.hpp"

namespace brood::node {

class HandshakeSession : public std::enable_shared_from_this<HandshakeSession> {
 public:
  using Event = Handshake::Event;
  using Handler = std::function<void(const std::shared_ptr<HandshakeSession>&, Event)>;

  /// How a session that failed ended.
  enum class End : std::uint8_t {
    refused,
    closed,
    timeout,
    no_tls,           ///< One side speaks TLS, the other does not, or they have no version in common.
    bad_certificate,  ///< One side does not accept the other's.
  };

  HandshakeSession(std::unique_ptr<Stream> stream, Handshake handshake, Handler handler);

  void start(std::chrono::milliseconds timeout);
  void decide(HandshakeStatus status) { apply(handshake_.decide(status)); }
  void answer_alive(bool wanted) { apply(handshake_.answer_alive(wanted)); }
  void acknowledge() { apply(handshake_.acknowledge()); }
  /// Closes without another word to anybody; the handler is not called again.
  void cancel();

  [[nodiscard]] const Handshake& handshake() const { return handshake_; }
  [[nodiscard]] End end() const { return end_; }
  /// Why it failed.
  [[nodiscard]] const std::string& words() const { return words_; }
  [[nodiscard]] const boost::asio::ip::tcp::endpoint& remote() const { return remote_; }
  /// The peer may have heard who this is: TLS's handshake is over.
  [[nodiscard]] bool has_begun() const { return begun_; }
  /// The peer has not sent a byte.
  [[nodiscard]] bool is_silent() const;
  /// Once established: the stream, and what came behind the handshake.
  [[nodiscard]] std::unique_ptr<Stream> take_stream() { return std::move(stream_); }
  [[nodiscard]] const Bytes& received() const { return received_; }

 private:
  void begin();
  void read();
  void on_read_error(const boost::system::error_code& error);
  void process();
  void apply(Event event);
  bool flush();
  void fail(End end, std::string words);
  void finish(Event event);

  std::unique_ptr<Stream> stream_;
  boost::asio::ip::tcp::endpoint remote_;
  boost::asio::steady_timer timer_;
  Handshake handshake_;
  Handler handler_;
  Bytes received_;
  char chunk_[1024] = {};
  bool begun_ = false;
  bool reading_ = false;
  End end_ = End::refused;
  std::string words_;
};

}  // namespace brood::node
