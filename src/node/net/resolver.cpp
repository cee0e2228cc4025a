#include "node/net/resolver.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace brood::node {
namespace {

namespace asio = boost::asio;
using Clock = std::chrono::steady_clock;

/// One who waits. The handler of a timer holds it, and with the io_context that handler goes: the threads
/// find out whether it is still there, and keep nothing alive that belongs to the io_context.
class Question : public std::enable_shared_from_this<Question> {
 public:
  using Done = std::function<void(Result<Addresses>)>;
  Question(asio::io_context& io, std::string host, Done done)
      : io_(&io), host_(std::move(host)), done_(std::move(done)) {}

  void start(std::chrono::milliseconds timeout) {
    auto timer = std::make_shared<asio::steady_timer>(*io_, timeout);
    timer_ = timer;
    timer->async_wait([held = std::make_unique<Holder>(shared_from_this()), timer,
                       timeout](const boost::system::error_code& error) {
      if (error) return;
      held->question->finish(
          Error{Errc::unreachable,
                fmt::format("the host {} does not resolve within {} ms; does the name server answer?",
                            held->question->host_, timeout.count())});
    });
  }
  /// Any thread. The io_context may have ended.
  void answer(const Result<Addresses>& answer) {
    const std::scoped_lock lock(mutex_);
    if (io_ == nullptr) return;
    asio::post(*io_, [self = shared_from_this(), answer] { self->finish(answer); });
  }

 private:
  struct Holder {
    explicit Holder(std::shared_ptr<Question> held) : question(std::move(held)) {}
    Holder(const Holder&) = delete;
    Holder& operator=(const Holder&) = delete;
    ~Holder() {
      {
        const std::scoped_lock lock(question->mutex_);
        question->io_ = nullptr;
      }
      question->done_ = nullptr;
    }
    std::shared_ptr<Question> question;
  };

  void finish(Result<Addresses> result) {
    if (const auto timer = timer_.lock()) timer->cancel();
    if (done_) std::exchange(done_, nullptr)(std::move(result));
  }

  std::mutex mutex_;
  asio::io_context* io_;
  std::weak_ptr<asio::steady_timer> timer_;
  const std::string host_;
  Done done_;
};

}  // namespace

struct Resolver::State : std::enable_shared_from_this<Resolver::State> {
  struct Host {
    bool running = false;
    std::optional<Result<Addresses>> answer;
    Clock::time_point good_until{};
    std::vector<std::weak_ptr<Question>> waiting;
  };

  explicit State(ResolverOptions given) : options(std::move(given)) {}

  /// False: no thread could be had, and none is there that would take it up.
  bool begin(const std::string& host);
  void work();
  void settle(const std::string& host, Result<Addresses> answer);
  void forget_old(Clock::time_point now);

  const ResolverOptions options;
  mutable std::mutex mutex;
  std::map<std::string, Host> hosts;
  std::deque<std::string> queue;  ///< Hosts that wait for a thread.
  unsigned threads = 0;
};

Resolver::Resolver(ResolverOptions options) : state_(std::make_shared<State>(std::move(options))) {}

std::size_t Resolver::size() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->hosts.size();
}

void Resolver::resolve(asio::io_context& io, const std::string& host,
                       std::function<void(Result<Addresses>)> done) {
  auto question = std::make_shared<Question>(io, host, std::move(done));
  question->start(state_->options.timeout);
  std::optional<Result<Addresses>> known;
  {
    const std::scoped_lock lock(state_->mutex);
    const auto now = Clock::now();
    state_->forget_old(now);
    State::Host& entry = state_->hosts[host];
    if (entry.answer) {
      known = entry.answer;
    } else {
      entry.waiting.push_back(question);
      if (!entry.running && !state_->begin(host)) {
        known = Error{Errc::limit_exceeded, fmt::format("no thread to look the host {} up", host)};
        state_->hosts.erase(host);
      }
    }
  }
  if (known) question->answer(*known);
}

/// Under the mutex.
void Resolver::State::forget_old(Clock::time_point now) {
  std::erase_if(hosts, [&](const auto& entry) {
    return !entry.second.running && entry.second.answer && now >= entry.second.good_until;
  });
}

/// Under the mutex.
bool Resolver::State::begin(const std::string& host) {
  queue.push_back(host);
  hosts[host].running = true;
  if (threads >= options.threads_max) return true;
  try {
    std::thread([self = shared_from_this()] { self->work(); }).detach();
    ++threads;
  } catch (const std::system_error&) {
    if (threads != 0) return true;
    queue.pop_back();
    return false;
  }
  return true;
}

void Resolver::State::work() {
  std::unique_lock lock(mutex);
  while (!queue.empty()) {
    const std::string host = std::move(queue.front());
    queue.pop_front();
    lock.unlock();
    Result<Addresses> answer = options.look_up(host);
    settle(host, std::move(answer));
    lock.lock();
  }
  --threads;
}

void Resolver::State::settle(const std::string& host, Result<Addresses> answer) {
  std::vector<std::weak_ptr<Question>> waiting;
  {
    const std::scoped_lock lock(mutex);
    Host& entry = hosts[host];
    entry.running = false;
    entry.good_until = Clock::now() + (answer ? options.found_for : options.failed_for);
    entry.answer = answer;
    waiting = std::exchange(entry.waiting, {});
  }
  for (const auto& weak : waiting) {
    if (const auto question = weak.lock()) question->answer(answer);
  }
}

}  // namespace brood::node
