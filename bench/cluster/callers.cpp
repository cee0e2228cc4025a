#include "bench/cluster/callers.hpp"

#include <fmt/format.h>

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

namespace brood::bench {

namespace {

template <typename T>
T checked(const Result<T>& result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *result;
}

std::int64_t ns(double seconds) {
  return static_cast<std::int64_t>(seconds * 1e9);
}

Pid pid_of(const Supervisor& web, std::int64_t child) {
  const auto pid = web.whereis(child_id(child));
  if (!pid) throw std::runtime_error("a child is not there");
  return *pid;
}

template <typename Call>
std::vector<double> times(double seconds, const Call& call) {
  std::vector<double> taken;
  const std::int64_t until = now_ns() + ns(seconds);
  for (std::int64_t since = now_ns(); since < until;) {
    call();
    const std::int64_t now = now_ns();
    taken.push_back(double(now - since) * 1e-3);
    since = now;
  }
  return taken;
}

/// Chains of calls that begin one another until the time is over.
class InFlight {
 public:
  InFlight(Node& node, std::vector<Pid> callees, double seconds)
      : node_(node),
        callees_(std::move(callees)),
        running_(callees_.size()),
        until_(now_ns() + ns(seconds)) {}

  double run() {
    const std::int64_t since = now_ns();
    for (const Pid& callee : callees_) next(callee);
    done_.get_future().get();
    return double(calls_.load()) * 1e9 / double(now_ns() - since);
  }

 private:
  void next(const Pid& callee) {
    if (now_ns() >= until_) return end();
    (void)node_.call<std::int64_t>(callee, get{}).then([this, &callee](const Result<std::int64_t>& answer) {
      if (!answer) failed_ = true;
      if (!answer) return end();
      calls_.fetch_add(1, std::memory_order_relaxed);
      next(callee);
    });
  }
  void end() {
    if (running_.fetch_sub(1) != 1) return;
    if (failed_) {
      done_.set_exception(std::make_exception_ptr(std::runtime_error("a call in flight failed")));
    } else {
      done_.set_value();
    }
  }

  Node& node_;
  const std::vector<Pid> callees_;
  std::atomic<std::size_t> running_;
  const std::int64_t until_;
  std::atomic<std::int64_t> calls_{0};
  std::atomic<bool> failed_{false};
  std::promise<void> done_;
};

}  // namespace

std::vector<double> call_times(Supervisor& web, const std::vector<std::int64_t>& callees, double seconds) {
  std::vector<Id> ids;
  for (const std::int64_t callee : callees) ids.push_back(child_id(callee));
  std::size_t at = 0;
  return times(seconds, [&] { (void)checked(web.call<std::int64_t>(ids[at++ % ids.size()], get{}).get()); });
}

std::vector<double> call_times(Node& node, const Pid& callee, double seconds) {
  return times(seconds, [&] { (void)checked(node.call<std::int64_t>(callee, get{}).get()); });
}

double calls_by_threads(Supervisor& web, const std::vector<std::int64_t>& callees, std::size_t threads,
                        double seconds, Whom whom) {
  std::atomic<std::int64_t> calls{0};
  std::atomic<bool> failed{false};
  std::vector<Id> ids;
  ids.reserve(callees.size());
  for (const std::int64_t callee : callees) ids.push_back(child_id(callee));
  const std::size_t stride = whom == Whom::each_in_turn ? threads : 0;
  const std::int64_t since = now_ns();
  const std::int64_t until = since + ns(seconds);
  {
    std::vector<std::jthread> all;
    for (std::size_t i = 0; i < threads; ++i) {
      all.emplace_back([&, at = i]() mutable {
        std::int64_t mine = 0;
        for (; now_ns() < until; ++mine, at += stride)
          if (!web.call<std::int64_t>(ids[at % ids.size()], get{}).get()) failed = true;
        calls += mine;
      });
    }
  }
  if (failed) throw std::runtime_error("a call failed");
  return double(calls.load()) * 1e9 / double(now_ns() - since);
}

double calls_by_coroutines(Cluster& cluster, const std::vector<std::int64_t>& callees, std::size_t workers,
                           double seconds) {
  Supervisor& web = cluster.web();
  const auto name = [](std::size_t i) { return Id("caller" + std::to_string(i)); };
  std::vector<ChildSpec> specs;
  for (std::size_t i = 0; i < workers; ++i)
    specs.push_back({.id = name(i), .run = WorkerSpec{"caller"}, .restart = Restart::temporary});
  if (!checked(web.start_children(specs, {.on = node_name(0)}).get()).ok())
    throw std::runtime_error("no callers");
  const std::int64_t since = now_ns();
  const std::chrono::milliseconds patience(static_cast<std::int64_t>(seconds * 1000) + 60'000);
  std::vector<Future<std::int64_t>> running;
  for (std::size_t i = 0; i < workers; ++i)
    running.push_back(web.call<std::int64_t>(
        name(i), call_until{callees[i % callees.size()], since + ns(seconds)}, patience));
  std::int64_t calls = 0;
  for (const auto& one : running) calls += checked(one.get());
  const double rate = double(calls) * 1e9 / double(now_ns() - since);
  std::vector<Id> ids;
  for (std::size_t i = 0; i < workers; ++i) ids.push_back(name(i));
  if (!checked(web.stop_children(ids).get()).ok()) throw std::runtime_error("callers do not end");
  return rate;
}

double calls_in_flight(Cluster& cluster, const std::vector<std::int64_t>& callees, std::size_t calls,
                       double seconds) {
  std::vector<Pid> pids;
  for (std::size_t i = 0; i < calls; ++i) pids.push_back(pid_of(cluster.web(), callees[i % callees.size()]));
  return InFlight(cluster.self().node(), std::move(pids), seconds).run();
}

}  // namespace brood::bench
