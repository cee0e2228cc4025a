#include "node/epmd/epmd_client.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <thread>

#include "process/log/log.hpp"

namespace brood::node::epmd {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds retry_after{2000};
constexpr milliseconds taken_patience{500};
constexpr milliseconds taken_pause{20};

/// One request to an EPMD. `Answer` is what `parse` makes of the bytes received so far.
template <typename T>
class Exchange : public std::enable_shared_from_this<Exchange<T>> {
 public:
  using Parse = std::optional<Result<T>> (*)(BytesView);
  using Done = std::function<void(Result<T>, Socket)>;

  Exchange(asio::io_context& io, Endpoints endpoints, Bytes request, Parse parse, Done done)
      : socket_(io),
        timer_(io),
        endpoints_(std::move(endpoints)),
        request_(std::move(request)),
        parse_(parse),
        done_(std::move(done)) {}

  void start(milliseconds timeout) {
    timer_.expires_after(timeout);
    timer_.async_wait([self = this->shared_from_this()](const ErrorCode& error) {
      if (error) return;
      // One that accepts is there, however slow it is.
      self->finish(Error{self->asked_ ? Errc::timeout : Errc::unreachable,
                         fmt::format("EPMD at {} does not answer", self->where())});
    });
    asio::async_connect(
        socket_, endpoints_,
        [self = this->shared_from_this()](const ErrorCode& error, const asio::ip::tcp::endpoint&) {
          self->on_connected(error);
        });
  }

 private:
  [[nodiscard]] std::string where() const { return to_text(endpoints_.front()); }

  void on_connected(const ErrorCode& error) {
    if (error) {
      return finish(Error{Errc::unreachable, fmt::format("no EPMD at {}: {}", where(), error.message())});
    }
    asked_ = true;
    asio::async_write(socket_, asio::buffer(request_),
                      [self = this->shared_from_this()](const ErrorCode& failed, std::size_t) {
                        if (failed) return self->on_broken(failed);
                        self->read();
                      });
  }

  void read() {
    socket_.async_read_some(asio::buffer(chunk_),
                            [self = this->shared_from_this()](const ErrorCode& error, std::size_t count) {
                              if (error) return self->on_broken(error);
                              self->on_read(count);
                            });
  }

  void on_read(std::size_t count) {
    received_.append(chunk_, count);
    if (auto answer = parse_(received_)) return finish(std::move(*answer));
    if (received_.size() > answer_bytes_max)
      return finish(Error{Errc::malformed, "what answers there is not EPMD"});
    read();
  }

  void on_broken(const ErrorCode& error) {
    finish(Error{Errc::unreachable, fmt::format("EPMD at {} broke off: {}", where(), error.message())});
  }

  void finish(Result<T> result) {
    if (!done_) return;
    timer_.cancel();
    ErrorCode ignored;
    if (!result) socket_.close(ignored);
    std::exchange(done_, nullptr)(std::move(result), std::move(socket_));
  }

  Socket socket_;
  asio::steady_timer timer_;
  Endpoints endpoints_;
  Bytes request_;
  Parse parse_;
  Done done_;
  Bytes received_;
  bool asked_ = false;
  char chunk_[512] = {};
};

/// Where this host's EPMD is: it may have been told to listen on one of them alone.
Endpoints loopback(std::uint16_t port) {
  return {{asio::ip::address_v4::loopback(), port}, {asio::ip::address_v6::loopback(), port}};
}

template <typename T>
void exchange(asio::io_context& io, Endpoints endpoints, Bytes request, typename Exchange<T>::Parse parse,
              milliseconds timeout, typename Exchange<T>::Done done) {
  std::make_shared<Exchange<T>>(io, std::move(endpoints), std::move(request), parse, std::move(done))
      ->start(timeout);
}

}  // namespace

void lookup(asio::io_context& io, Endpoints endpoints, const std::string& name, milliseconds timeout,
            std::function<void(Result<NodeAddress>)> done) {
  exchange<NodeAddress>(
      io, std::move(endpoints), lookup_request(name), &lookup_answer, timeout,
      [done = std::move(done)](Result<NodeAddress> answer, Socket) { done(std::move(answer)); });
}

Result<std::uint32_t> Registrar::register_now() {
  const auto give_up_at = std::chrono::steady_clock::now() + taken_patience;
  for (;;) {
    auto result = register_once();
    const bool taken = !result && result.error().code == Errc::name_taken;
    if (!taken || std::chrono::steady_clock::now() > give_up_at) return result;
    std::this_thread::sleep_for(taken_pause);
  }
}

Result<std::uint32_t> Registrar::register_once() {
  // An io_context of its own, because the node's does not run yet; the socket changes over afterwards.
  asio::io_context own;
  Result<std::uint32_t> result = Error{Errc::unreachable, "EPMD does not answer"};
  exchange<std::uint32_t>(own, loopback(epmd_port_), registration_request(registration_),
                          &registration_answer, patience_, [&](Result<std::uint32_t> answer, Socket socket) {
                            result = std::move(answer);
                            if (!result) return;
                            const auto protocol = socket.local_endpoint().protocol();
                            Socket moved(io_);
                            moved.assign(protocol, socket.release());
                            keep(std::move(moved));
                          });
  own.run();
  return result;
}

bool Registrar::keep(Socket socket) {
  const std::scoped_lock lock(mutex_);
  if (left_) return false;
  socket_ = std::make_shared<Socket>(std::move(socket));
  asio::post(io_, [self = shared_from_this()] { self->watch(); });
  return true;
}

void Registrar::watch() {
  std::shared_ptr<Socket> socket;
  {
    const std::scoped_lock lock(mutex_);
    if (left_) return socket_.reset();
    socket = socket_;
  }
  // EPMD never says anything more; the end of the stream is the end of the registration.
  socket->async_read_some(asio::buffer(&ignored_, 1),
                          [self = shared_from_this(), socket](const ErrorCode& error, std::size_t) {
                            if (!error) return self->watch();
                            self->retry_later();
                          });
}

void Registrar::retry_later() {
  {
    const std::scoped_lock lock(mutex_);
    socket_.reset();
    if (left_) return;
  }
  timer_.expires_after(retry_after);
  timer_.async_wait([self = shared_from_this()](const ErrorCode& error) {
    if (!error) self->retry();
  });
}

void Registrar::retry() {
  exchange<std::uint32_t>(io_, loopback(epmd_port_), registration_request(registration_),
                          &registration_answer, patience_,
                          [self = shared_from_this()](const Result<std::uint32_t>& answer, Socket socket) {
                            if (!answer) return self->retry_later();
                            // The creation stays what it was: peers know this start of the node by it.
                            if (self->keep(std::move(socket)))
                              log::info("registered with EPMD again as {}", self->registration_.name);
                          });
}

void Registrar::leave() {
  const std::scoped_lock lock(mutex_);
  left_ = true;
  // Closing is for the io thread; EPMD takes the end of the stream as well.
  if (socket_ != nullptr) ::shutdown(socket_->native_handle(), SHUT_RDWR);
  asio::post(io_, [self = shared_from_this()] { self->timer_.cancel(); });
}

}  // namespace brood::node::epmd
