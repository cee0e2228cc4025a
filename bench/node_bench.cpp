// Messages between two nodes of this program over loopback, with a bare TCP ping-pong as the floor.
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <brood/codec.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "node/distribution.hpp"

namespace {

using namespace brood;
using namespace brood::node;

/// Counts what arrives, or sends it back.
class Counter final : public process::RemoteEvents {
 public:
  void on_send(const Pid& from, const Pid& to, Bytes term) override {
    if (echo != nullptr) return echo->send(to, from, std::move(term));
    const std::uint64_t count = received.fetch_add(1) + 1;
    if (rally != nullptr && count < wanted.load()) return rally->send(to, from, std::move(term));
    if (count == wanted.load()) {
      const std::scoped_lock lock(mutex);
      changed.notify_all();
    }
  }
  void on_send_named(const Pid&, const Atom&, Bytes) override {}
  void on_send_alias(const Pid&, const Ref&, Bytes) override {}
  void on_link(const Pid&, const Pid&) override {}
  void on_unlink(const Pid&, const Pid&, std::uint64_t) override {}
  void on_unlink_ack(const Pid&, const Pid&, std::uint64_t) override {}
  void on_exit(const Pid&, const Pid&, Bytes) override {}
  void on_exit2(const Pid&, const Pid&, Bytes) override {}
  void on_monitor(const Pid&, const Pid&, const Ref&) override {}
  void on_monitor_named(const Pid&, const Atom&, const Ref&) override {}
  void on_demonitor(const Pid&, const Ref&) override {}
  void on_monitor_exit(const Pid&, const Ref&, Bytes) override {}
  void on_node_down(const NodeName&) override {}

  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return received.load() >= wanted.load(); });
  }

  Distribution* echo = nullptr;   ///< Sends everything back.
  Distribution* rally = nullptr;  ///< Sends everything back until `wanted` have come.
  std::mutex mutex;
  std::condition_variable changed;
  std::atomic<std::uint64_t> received{0};
  std::atomic<std::uint64_t> wanted{0};
};

struct Node {
  explicit Node(const char* name) : guard(io.get_executor()), distribution(io, options(name)) {
    distribution.set_events(&counter, {});
    (void)distribution.start();
    thread = std::thread([this] { io.run(); });
  }
  ~Node() {
    distribution.stop(milliseconds(0));
    guard.reset();
    io.stop();
    thread.join();
  }
  static DistributionOptions options(const char* name) {
    DistributionOptions made;
    made.name = NodeName(name);
    made.cookie = "secret";
    made.epmd = false;
    return made;
  }
  [[nodiscard]] Pid pid() const { return {distribution.name(), 7, 0, distribution.creation()}; }

  boost::asio::io_context io;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
  Counter counter;
  Distribution distribution;
  std::thread thread;
};

struct Pair {
  Pair() {
    a.distribution.set_address(b.distribution.name(), "127.0.0.1", b.distribution.port());
    a.distribution.connect(b.distribution.name());
    while (b.distribution.peers().empty()) std::this_thread::yield();
  }
  Node a{"a@127.0.0.1"};
  Node b{"b@127.0.0.1"};
};

/// One message is in flight at a time, and a plain thread waits for it.
void round_trip_to_a_waiting_thread(benchmark::State& state) {
  Pair pair;
  pair.b.counter.echo = &pair.b.distribution;
  const Pid from = pair.a.pid();
  const Pid to = pair.b.pid();
  const Bytes term = encode(Binary{Bytes(static_cast<std::size_t>(state.range(0)), 'x')});
  for (auto _ : state) {
    ++pair.a.counter.wanted;
    pair.a.distribution.send(from, to, term);
    pair.a.counter.wait();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(round_trip_to_a_waiting_thread)->Arg(16)->UseRealTime();

/// One message is in flight at a time, sent on from io thread to io thread.
void round_trip(benchmark::State& state) {
  constexpr std::uint64_t batch = 1000;
  Pair pair;
  pair.b.counter.echo = &pair.b.distribution;
  pair.a.counter.rally = &pair.a.distribution;
  const Bytes term = encode(Binary{Bytes(static_cast<std::size_t>(state.range(0)), 'x')});
  for (auto _ : state) {
    pair.a.counter.wanted += batch;
    pair.a.distribution.send(pair.a.pid(), pair.b.pid(), term);
    pair.a.counter.wait();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
}
BENCHMARK(round_trip)->Arg(16)->Arg(1024)->Arg(65536)->UseRealTime();

void one_way(benchmark::State& state) {
  Pair pair;
  const Pid from = pair.a.pid();
  const Pid to = pair.b.pid();
  const Bytes term = encode(Binary{Bytes(static_cast<std::size_t>(state.range(0)), 'x')});
  const std::uint64_t batch = state.range(0) > 10'000 ? 1'000 : 100'000;
  for (auto _ : state) {
    pair.b.counter.wanted += batch;
    for (std::uint64_t i = 0; i < batch; ++i) {
      pair.a.distribution.send(from, to, term);
      while (i % 256 == 0 && pair.a.distribution.backlog(to.node) > 8 * 1024 * 1024)
        std::this_thread::yield();
    }
    pair.b.counter.wait();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch));
  state.SetBytesProcessed(state.items_processed() * state.range(0));
}
BENCHMARK(one_way)->Arg(16)->Arg(1024)->Arg(65536)->UseRealTime();

bool transfer_all(int fd, char* bytes, std::size_t size, bool sending) {
  while (size > 0) {
    const ssize_t count = sending ? ::send(fd, bytes, size, MSG_NOSIGNAL) : ::recv(fd, bytes, size, 0);
    if (count <= 0) return false;
    bytes += count;
    size -= static_cast<std::size_t>(count);
  }
  return true;
}

/// Two blocking threads and nothing else: what the kernel takes.
void tcp_ping_pong(benchmark::State& state) {
  const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ::bind(listening, reinterpret_cast<sockaddr*>(&address), length);
  ::listen(listening, 1);
  ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &length);
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), length) != 0)
    return state.SkipWithError("connect");
  const int other = ::accept(listening, nullptr, nullptr);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(other, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // As many bytes as round_trip's message takes on the wire.
  const auto size = static_cast<std::size_t>(state.range(0)) + 70;
  std::thread echo([&] {
    Bytes bytes(size, 'x');
    while (transfer_all(other, bytes.data(), size, false) && transfer_all(other, bytes.data(), size, true)) {
    }
  });
  Bytes bytes(size, 'x');
  for (auto _ : state) {
    if (!transfer_all(fd, bytes.data(), size, true) || !transfer_all(fd, bytes.data(), size, false)) break;
  }
  ::shutdown(fd, SHUT_RDWR);
  echo.join();
  for (const int open : {fd, other, listening}) ::close(open);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(tcp_ping_pong)->Arg(16)->Arg(1024)->Arg(65536)->UseRealTime();

}  // namespace
