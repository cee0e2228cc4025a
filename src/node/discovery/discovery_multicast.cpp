// Discovery by signed datagrams to a multicast group.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/multicast.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <brood/discovery.hpp>
#include <thread>

#include "node/discovery/gossip_packet.hpp"
#include "node/net/names.hpp"
#include "node/net/resolve.hpp"
#include "process/log/log.hpp"

namespace brood::node {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using ErrorCode = boost::system::error_code;

std::chrono::milliseconds wall_time() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
}

/// The thread runs `io_`: a timer that sends, and a receive that is always pending.
class MulticastDiscovery final : public Discovery {
 public:
  explicit MulticastDiscovery(MulticastGossip options) : options_(std::move(options)) {}
  ~MulticastDiscovery() override { stop(); }

  void start(DiscoveryHost host) override {
    host_ = std::move(host);
    said_ = host_.epmd ? host_.name.text() : with_port(host_.name.text(), host_.port);
    thread_ = std::thread([this] {
      if (open()) {
        receive();
        send();
      }
      io_.run();
    });
  }
  void stop() override {
    io_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  bool open() {
    const std::string near =
        options_.interface.empty() ? std::string(host_part(host_.name)) : options_.interface;
    const auto own = resolve_now(near, 0);
    if (!own || !own->front().address().is_v4()) {
      log::error("multicast discovery: {} is no IPv4 address of this machine", near);
      return false;
    }
    const auto interface = own->front().address().to_v4();
    ErrorCode error;
    const auto group = asio::ip::make_address_v4(options_.group, error);
    if (error || !group.is_multicast()) {
      log::error("multicast discovery: {} is no multicast address; allowed: 224.0.0.0 to 239.255.255.255",
                 options_.group);
      return false;
    }
    group_ = udp::endpoint(group, options_.port);
    const auto step = [&](auto&& what) {
      if (!error) what();
    };
    step([&] { socket_.open(udp::v4(), error); });
    // Several nodes of one machine listen, each gets a copy.
    step([&] { socket_.set_option(udp::socket::reuse_address(true), error); });
    step([&] { socket_.bind(group_, error); });
    step([&] { socket_.set_option(asio::ip::multicast::join_group(group, interface), error); });
    step([&] { socket_.set_option(asio::ip::multicast::outbound_interface(interface), error); });
    step([&] { socket_.set_option(asio::ip::multicast::enable_loopback(true), error); });
    step([&] { socket_.set_option(asio::ip::multicast::hops(options_.ttl), error); });
    if (error)
      log::error("multicast discovery at {}:{} by {}: {}", options_.group, options_.port, near,
                 error.message());
    return !error;
  }

  void send() {
    ErrorCode error;
    socket_.send_to(asio::buffer(make_gossip(said_, host_.cookie, wall_time())), group_, 0, error);
    if (error && !std::exchange(warned_, true)) {
      log::warn("multicast discovery cannot send to {}: {}", options_.group, error.message());
    }
    timer_.expires_after(options_.every);
    timer_.async_wait([this](const ErrorCode& cancelled) {
      if (!cancelled) send();
    });
  }

  void receive() {
    socket_.async_receive_from(
        asio::buffer(buffer_), from_, [this](const ErrorCode& error, std::size_t count) {
          if (error == asio::error::operation_aborted) return;
          if (!error) {
            if (auto name = read_gossip(BytesView(buffer_, count), host_.cookie, wall_time()))
              host_.found(*name);
          }
          receive();
        });
  }

  const MulticastGossip options_;
  DiscoveryHost host_;
  std::string said_;
  bool warned_ = false;
  asio::io_context io_{1};
  udp::socket socket_{io_};
  asio::steady_timer timer_{io_};
  udp::endpoint group_;
  udp::endpoint from_;
  char buffer_[gossip_bytes_max + 1] = {};  // a longer datagram does not fit and is refused
  std::thread thread_;
};

}  // namespace
}  // namespace brood::node

std::shared_ptr<brood::Discovery> brood::discover_multicast(MulticastGossip options) {
  return std::make_shared<node::MulticastDiscovery>(std::move(options));
}
