// HandshakeSession: a Handshake on a socket, with a deadline. It tells its handler each Event but `more`; the
// handler answers at once or later, through the functions here.
//
// Thread rule: the io thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>

#include "node/handshake.hpp"

namespace brood::node {

class HandshakeSession : public std::enable_shared_from_this<HandshakeSession> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  using Event = Handshake::Event;
  using Handler = std::function<void(const std::shared_ptr<HandshakeSession>&, Event)>;

  /// How a session that failed ended.
  enum class End : std::uint8_t { refused, closed, timeout };

  HandshakeSession(Socket socket, Handshake handshake, Handler handler);

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
  /// Once established: the socket, and what came behind the handshake.
  [[nodiscard]] Socket take_socket() { return std::move(socket_); }
  [[nodiscard]] const Bytes& received() const { return received_; }

 private:
  void read();
  void process();
  void apply(Event event);
  bool flush();
  void fail(End end, std::string words);
  void finish(Event event);

  Socket socket_;
  boost::asio::ip::tcp::endpoint remote_;
  boost::asio::steady_timer timer_;
  Handshake handshake_;
  Handler handler_;
  Bytes received_;
  char chunk_[1024] = {};
  bool reading_ = false;
  End end_ = End::refused;
  std::string words_;
};

}  // namespace brood::node
