#include "apps/brood/workers/prober.hpp"

#include <boost/asio/connect.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <mutex>
#include <thread>

namespace brood::app::builtin {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;

// One try; lives as long as its operations.
class Probe : public std::enable_shared_from_this<Probe> {
 public:
  Probe(asio::io_context& io, std::function<void(ProbeResult)> done)
      : resolver_(io), socket_(io), timer_(io), done_(std::move(done)) {}

  void start(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
      if (!error) self->finish("no connection in time");
    });
    boost::system::error_code not_an_address;
    const auto address = asio::ip::make_address(host, not_an_address);
    if (!not_an_address) return connect({tcp::endpoint(address, port)});
    resolver_.async_resolve(host, std::to_string(port),
                            [self = shared_from_this()](const auto& error, const auto& found) {
                              if (error) return self->finish("name of the host: " + error.message());
                              std::vector<tcp::endpoint> endpoints;
                              for (const auto& entry : found) endpoints.push_back(entry.endpoint());
                              self->connect(std::move(endpoints));
                            });
  }

 private:
  void connect(std::vector<tcp::endpoint> endpoints) {
    if (!done_) return;
    endpoints_ = std::move(endpoints);
    asio::async_connect(socket_, endpoints_, [self = shared_from_this()](const auto& error, const auto&) {
      self->finish(error ? error.message() : "");
    });
  }

  void finish(std::string error) {
    if (!done_) return;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_);
    auto done = std::move(done_);
    done_ = nullptr;
    boost::system::error_code ignored;
    timer_.cancel(ignored);
    socket_.close(ignored);
    resolver_.cancel();
    done({std::move(error), took});
  }

  Clock::time_point began_ = Clock::now();
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  std::vector<tcp::endpoint> endpoints_;
  std::function<void(ProbeResult)> done_;
};

}  // namespace

struct Prober::Impl {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread;
};

std::shared_ptr<Prober> Prober::shared() {
  static std::mutex mutex;
  static std::weak_ptr<Prober> current;
  const std::lock_guard guard(mutex);
  auto prober = current.lock();
  if (!prober) current = prober = std::make_shared<Prober>();
  return prober;
}

Prober::Prober() : impl_(std::make_unique<Impl>()) {
  impl_->thread = std::thread([io = &impl_->io] { io->run(); });
}

Prober::~Prober() {
  impl_->io.stop();
  impl_->thread.join();
}

void Prober::probe(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
                   std::function<void(ProbeResult)> done) {
  auto probe = std::make_shared<Probe>(impl_->io, std::move(done));
  asio::post(impl_->io, [probe, host, port, timeout] { probe->start(host, port, timeout); });
}

}  // namespace brood::app::builtin
