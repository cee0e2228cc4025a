// Talking to an EPMD: one question and its answer, and keeping this node registered for as long as it lives.
//
// Thread rule: the io thread, except where a function says otherwise.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>

#include "node/epmd/epmd.hpp"
#include "node/net/resolve.hpp"

namespace brood::node::epmd {

using Socket = boost::asio::ip::tcp::socket;

/// Asks the first of `endpoints` that accepts. `done` runs once. Errors: unreachable (nothing accepts),
/// timeout (it accepts, and does not answer), malformed (no EPMD), and what the answer says.
void lookup(boost::asio::io_context& io, Endpoints endpoints, const std::string& name,
            std::chrono::milliseconds timeout, std::function<void(Result<NodeAddress>)> done);

/// The registration of this node with the EPMD of its host. It holds while the connection stands; when EPMD
/// restarts, it is made again every few seconds until it holds.
class Registrar : public std::enable_shared_from_this<Registrar> {
 public:
  /// `patience`: how long an EPMD that accepts may take to answer. Too small: where many nodes begin at once,
  /// those that it has not come to yet give up, and find their names taken when they ask again.
  Registrar(boost::asio::io_context& io, Registration registration, std::uint16_t epmd_port,
            std::chrono::milliseconds patience = std::chrono::milliseconds(15000))
      : io_(io),
        registration_(std::move(registration)),
        epmd_port_(epmd_port),
        patience_(patience),
        timer_(io) {}

  /// Blocks, at most for `patience`; the io_context need not run. The creation; see registration_answer(), or
  /// the errors of lookup(). A name that is taken is tried for a moment longer: EPMD may not have seen yet
  /// that its last holder ended.
  [[nodiscard]] Result<std::uint32_t> register_now();
  /// Any thread: gives the name up at once.
  void leave();

 private:
  [[nodiscard]] Result<std::uint32_t> register_once();
  void watch();
  void retry_later();
  void retry();
  bool keep(Socket socket);

  boost::asio::io_context& io_;
  const Registration registration_;
  const std::uint16_t epmd_port_;
  const std::chrono::milliseconds patience_;
  boost::asio::steady_timer timer_;
  char ignored_ = 0;

  std::mutex mutex_;
  bool left_ = false;
  std::shared_ptr<Socket> socket_;
};

}  // namespace brood::node::epmd
