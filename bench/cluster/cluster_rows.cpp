// Rows of whole clusters: starts, moves, losses, memory.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>

#include "bench/cluster/callers.hpp"
#include "bench/cluster/rows.hpp"

namespace brood::bench {

namespace {

double seconds_since(std::int64_t ns) {
  return double(now_ns() - ns) * 1e-9;
}

/// Calls by 64 threads to random children until stop(): the time of each, and how many failed.
class Load {
 public:
  Load(Supervisor& web, std::int64_t children) : taken_(64) {
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      threads_.emplace_back([this, &web, children, i](const std::stop_token& stop) {
        for (std::int64_t child = static_cast<std::int64_t>(i); !stop.stop_requested(); child += 97) {
          const std::int64_t since = now_ns();
          if (!web.call<std::int64_t>(child_id(1 + child % children), add{1}, std::chrono::seconds(60)).get())
            ++failed_;
          taken_[i].push_back(double(now_ns() - since) * 1e-9);
        }
      });
    }
  }
  void stop() {
    for (auto& thread : threads_) thread.request_stop();
    threads_.clear();
  }
  [[nodiscard]] double p99() const {
    std::vector<double> all;
    for (const auto& one : taken_) all.insert(all.end(), one.begin(), one.end());
    return percentile(all, 0.99);
  }
  [[nodiscard]] std::int64_t failed() const { return failed_; }

 private:
  std::vector<std::vector<double>> taken_;
  std::atomic<std::int64_t> failed_{0};
  std::vector<std::jthread> threads_;
};

/// A node that is not there yet comes; how long after it has begun its children have settled.
double join(Cluster& cluster, std::size_t slot, std::int64_t count) {
  cluster.slot(slot).began_ns = 0;
  cluster.launch(slot);
  const std::int64_t settled = cluster.await_moved(count, slot);
  return double(settled - cluster.slot(slot).began_ns) * 1e-9;
}

}  // namespace

void life(const Work& work, const Tell& tell) {
  Cluster cluster({.nodes = 3, .expect = 3}, 3);
  const std::int64_t count = work.children;
  const std::int64_t empty = cluster.member(1).resident_bytes();
  tell("start", cluster.start_and_list(count));
  cluster.await_settled(count);
  tell("memory", double(cluster.member(1).resident_bytes() - empty) / double(cluster.slot(1).running));

  std::vector<std::int64_t> callees(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < callees.size(); ++i) callees[i] = static_cast<std::int64_t>(i) + 1;
  tell("calls", calls_by_threads(cluster.web(), callees, 64, work.seconds, Whom::each_in_turn));

  tell("drained_children", double(cluster.slot(2).running));
  tell("drain", double(cluster.member(2).ask("drain")) * 1e-9);
  cluster.await_running(count);
  cluster.kill(2);
  cluster.await_settled(count, node_name(2));

  tell("join", join(cluster, 2, count));
  cluster.await_settled(count);

  const std::int64_t killed = now_ns();
  cluster.kill(1);
  cluster.await_running(count);
  tell("kill", seconds_since(killed));
  cluster.await_settled(count, node_name(1));
}

void alone(const Work& work, const Tell& tell) {
  Cluster cluster({}, 1);
  const std::vector<ChildSpec> unused = child_specs(1, work.children);  // what the caller itself takes
  const std::int64_t empty = resident_bytes(::getpid());
  tell("start", cluster.start_and_list(work.children));
  tell("memory", double(resident_bytes(::getpid()) - empty) / double(work.children));
}

void single(const Work& work, const Tell& tell) {
  Cluster cluster({.nodes = 3, .expect = 3}, 3);
  (void)cluster.start_and_list(1000);
  std::vector<double> taken;
  for (std::int64_t i = 0; i < work.times(2000); ++i) taken.push_back(cluster.start(100'000 + i, 1));
  tell("one_start_p50", percentile(taken, 0.5));
  tell("one_start_p99", percentile(taken, 0.99));
}

void hot(const Work& work, const Tell& tell) {
  Cluster cluster({.nodes = 3, .expect = 2, .migration = "hot_swap"}, 2);
  (void)cluster.start_and_list(work.children);
  tell("join", join(cluster, 2, work.children));
  cluster.await_settled(work.children);
  if (cluster.member(2).ask("drain"); cluster.running() < work.children) cluster.await_running(work.children);
  cluster.kill(2);
  cluster.await_settled(work.children, node_name(2));

  Load quiet(cluster.web(), work.children);
  std::this_thread::sleep_for(std::chrono::milliseconds(static_cast<std::int64_t>(work.seconds * 1000)));
  quiet.stop();
  Load beside(cluster.web(), work.children);
  tell("join_beside_calls", join(cluster, 2, work.children));
  beside.stop();
  tell("call_p99_quiet", quiet.p99());
  tell("call_p99_beside_join", beside.p99());
  tell("calls_failed", double(quiet.failed() + beside.failed()));
  cluster.await_settled(work.children);
}

void silent(const Work& work, const Tell& tell) {
  constexpr std::chrono::milliseconds tick_timeout(2000);
  Cluster cluster({.nodes = 3, .expect = 3, .tick_timeout = tick_timeout}, 3);
  (void)cluster.start_and_list(work.children);
  const std::int64_t since = now_ns();
  cluster.member(1).signal(SIGSTOP);
  cluster.await_running(work.children + cluster.slot(1).running);
  tell("silent", seconds_since(since) - std::chrono::duration<double>(tick_timeout).count());
  cluster.kill(1);
  cluster.await_settled(work.children, node_name(1));
}

void balance(const Work& work, const Tell& tell) {
  constexpr std::size_t nodes = 10;
  Cluster cluster({.nodes = nodes, .expect = nodes}, nodes);
  (void)cluster.start_and_list(work.children);
  std::int64_t most = 0;
  for (std::size_t slot = 0; slot < nodes; ++slot)
    most = std::max<std::int64_t>(most, cluster.slot(slot).running);
  tell("balance", double(most) * double(nodes) / double(work.children));
}

}  // namespace brood::bench
