#include "exec/health/probe.hpp"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>
#include <istream>
#include <utility>

#include "exec/health/target.hpp"

namespace brood::exec {

namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;

namespace {

constexpr std::size_t status_line_max = 8192;
constexpr std::size_t output_kept = 4096;
constexpr std::size_t words_max = 200;

std::string timed_out(const HealthCheck& check) {
  return fmt::format("no answer within {} ms", check.timeout.count());
}

/// "HTTP/1.1 503 Service Unavailable" as the number and the words behind it.
std::pair<int, std::string> status_of(std::string line) {
  line.erase(line.find_last_not_of("\r\n") + 1);
  const auto space = line.find(' ');
  if (!line.starts_with("HTTP/") || space == std::string::npos) return {0, "it does not speak HTTP"};
  return {std::atoi(line.c_str() + space), line.substr(space + 1)};
}

}  // namespace

// ---- a connection, with or without a page ----------------------------------------------------------------

class Probe::Connection : public std::enable_shared_from_this<Connection> {
 private:
  // Unless it is over by then.
  template <typename What>
  auto step(What what) {
    return [self = shared_from_this(), what](const Code& error, auto&&...) {
      if (self->done_) what(*self, error);
    };
  }

 public:
  Connection(asio::io_context& io, const HealthCheck& check, Done done)
      : check_(check),
        done_(std::move(done)),
        resolver_(io),
        socket_(io),
        timer_(io),
        buffer_(status_line_max) {}

  void begin() {
    // The option was checked when it was read; should that ever be otherwise, this is its bad answer.
    const auto target = check_.http.empty() ? target_of_tcp(check_.tcp) : target_of_http(check_.http);
    if (!target) return end(false, target.error().message);
    target_ = *target;
    timer_.expires_after(check_.timeout);
    timer_.async_wait(step([](Connection& self, const Code& error) {
      if (!error) self.end(false, timed_out(self.check_));
    }));
    resolver_.async_resolve(
        target_.host, target_.port,
        [self = shared_from_this()](const Code& error, const tcp::resolver::results_type& found) {
          error ? self->end(false, error.message()) : self->connect(found);
        });
  }
  void cancel() {
    done_ = {};
    close();
  }

 private:
  void connect(const tcp::resolver::results_type& found) {
    if (!done_) return;
    asio::async_connect(socket_, found, step([](Connection& self, const Code& error) {
                          if (error) return self.end(false, error.message());
                          self.target_.path.empty() ? self.end(true, "") : self.ask();
                        }));
  }

  void ask() {
    const bool v6 = target_.host.find(':') != std::string::npos;
    request_ = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}{}{}:{}\r\nUser-Agent: brood\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        target_.path, v6 ? "[" : "", target_.host, v6 ? "]" : "", target_.port);
    asio::async_write(socket_, asio::buffer(request_), step([](Connection& self, const Code& error) {
                        error ? self.end(false, error.message()) : self.read();
                      }));
  }

  void read() {
    asio::async_read_until(socket_, buffer_, '\n', step([](Connection& self, const Code& error) {
                             if (error) return self.end(false, error.message());
                             std::istream in(&self.buffer_);
                             std::string line;
                             std::getline(in, line);
                             const auto [status, words] = status_of(std::move(line));
                             self.end(status >= 200 && status < 400, words);
                           }));
  }

  void end(bool good, const std::string& words) {
    const auto done = std::exchange(done_, {});
    close();
    if (!done) return;
    const auto& asked = check_.http.empty() ? check_.tcp : check_.http;
    done({good, good ? "" : fmt::format("{}: {}", asked, words.substr(0, words_max))});
  }

  void close() {
    Code ignored;
    timer_.cancel();
    resolver_.cancel();
    socket_.close(ignored);
  }

  HealthCheck check_;
  Done done_;
  ProbeTarget target_;
  tcp::resolver resolver_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  asio::streambuf buffer_;
  std::string request_;
};

// ---- a command
// ----------------------------------------------------------------------------------------------

class Probe::Run : public std::enable_shared_from_this<Run> {
 public:
  Run(asio::io_context& io, Launcher& launcher, const HealthCheck& check, Done done)
      : launcher_(launcher), check_(check), done_(std::move(done)), timer_(io) {}

  void begin(Command command, const std::string& log_name) {
    name_ = log_name;
    timer_.expires_after(check_.timeout);
    timer_.async_wait([self = shared_from_this()](const Code& error) {
      if (error || !self->done_) return;
      self->late_ = true;
      if (self->program_) self->program_->stop(std::chrono::milliseconds(0));
    });
    const auto weak = weak_from_this();
    program_ = launcher_.start(
        name_, std::move(command),
        [weak](const Result<pid_t>& started) {
          const auto self = weak.lock();
          if (self && !started) self->end(false, started.error().message);
        },
        [weak](const ExitStatus& status) {
          if (const auto self = weak.lock()) self->ended(status);
        });
  }
  /// Its program is killed with its handle.
  void cancel() {
    done_ = {};
    timer_.cancel();
    program_.reset();
  }

 private:
  void ended(const ExitStatus& status) {
    if (late_) return end(false, timed_out(check_));
    if (status.success()) return end(true, "");
    std::string said = launcher_.log_tail(name_, 1, words_max).text;
    said.erase(said.find_last_not_of("\r\n") + 1);
    end(false, said.empty() ? status.text() : fmt::format("{}: {}", status.text(), said));
  }
  void end(bool good, const std::string& words) {
    timer_.cancel();
    const auto done = std::exchange(done_, {});
    if (done) done({good, good ? "" : fmt::format("{}: {}", check_.exec.front(), words)});
  }

  Launcher& launcher_;
  HealthCheck check_;
  Done done_;
  asio::steady_timer timer_;
  std::string name_;
  bool late_ = false;
  std::shared_ptr<Program> program_;
};

Probe::Probe(asio::io_context& io, Launcher& launcher, const HealthCheck& check, const Command& command,
             const std::string& log_name, Done done) {
  if (check.exec.empty()) {
    connection_ = std::make_shared<Connection>(io, check, std::move(done));
    asio::post(io, [connection = connection_] { connection->begin(); });
    return;
  }
  Command asks = command;
  asks.argv = check.exec;
  asks.stop_signal = SIGTERM;
  asks.log_bytes_max = output_kept;
  asks.options.health.reset();
  asks.options.stdin_file.clear();
  asks.options.log_size.reset();
  asks.options.log_timestamps = false;
  asks.options.log_to = {};
  asks.options.cgroup = {};  // what the program has for itself
  asks.options.pty.reset();
  run_ = std::make_shared<Run>(io, launcher, check, std::move(done));
  run_->begin(std::move(asks), log_name);
}

Probe::~Probe() {
  if (connection_) connection_->cancel();
  if (run_) run_->cancel();
}

}  // namespace brood::exec
