// Rows of calls and messages, local and between two nodes.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>
#include <thread>

#include "bench/cluster/callers.hpp"
#include "bench/cluster/rows.hpp"
#include "bench/raw_tcp.hpp"

namespace brood::bench {

double percentile(std::vector<double>& values, double part) {
  if (values.empty()) throw std::runtime_error("nothing was measured");
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return values[static_cast<std::size_t>(at)];
}

namespace {

std::vector<Id> shuffled_ids(std::int64_t count) {
  std::vector<Id> ids;
  for (std::int64_t number = 1; number <= count; ++number) ids.push_back(child_id(number));
  std::shuffle(ids.begin(), ids.end(), std::mt19937_64(1));
  return ids;
}

/// Seconds of one look-up, of a thread that does nothing else.
double look_up(const Supervisor& web, const std::vector<Id>& ids, double seconds) {
  const std::int64_t since = now_ns();
  std::int64_t count = 0;
  while (double(now_ns() - since) * 1e-9 < seconds) {
    for (int i = 0; i < 100; ++i, ++count)
      if (!web.whereis(ids[static_cast<std::size_t>(count) % ids.size()]))
        throw std::runtime_error("not found");
  }
  return double(now_ns() - since) * 1e-9 / double(count);
}

/// One message after the other to the sink of node 1; how many a second were taken.
double messages(Cluster& cluster, std::size_t bytes, std::int64_t count) {
  const EncodedTerm message = encode(Binary{Bytes(bytes, 'x')});
  const Address sink = brood::remote("sink", node_name(1));
  Slot& slot = cluster.slot(1);
  const std::int64_t before = slot.handled;
  // What may be on its way: a fraction of what a mailbox and a connection take.
  const std::int64_t window = std::clamp<std::int64_t>((64 << 20) / std::int64_t(bytes), 16, 200'000);
  const std::int64_t since = now_ns();
  for (std::int64_t sent = 0; sent < count;) {
    if (sent - (slot.handled.load(std::memory_order_acquire) - before) < window &&
        cluster.self().node().send_message(sink, Message::encoded(message))) {
      ++sent;
    } else {
      std::this_thread::yield();
    }
  }
  while (slot.handled.load(std::memory_order_acquire) - before < count) {
    if (now_ns() - since > 120'000'000'000) throw std::runtime_error("messages were lost");
    std::this_thread::yield();
  }
  return double(count) * 1e9 / double(now_ns() - since);
}

}  // namespace

void lookup(const Work& work, const Tell& tell) {
  Cluster cluster({}, 1);
  (void)cluster.start_and_list(work.children);
  const std::vector<Id> ids = shuffled_ids(work.children);
  tell("lookup", look_up(cluster.web(), ids, work.seconds));
  {
    std::vector<double> both(2);
    {
      std::vector<std::jthread> threads;
      for (double& one : both)
        threads.emplace_back(
            [&one, &cluster, &ids, &work] { one = look_up(cluster.web(), ids, work.seconds); });
    }
    tell("lookup_two_threads", (both[0] + both[1]) / 2);
  }
  double beside = 0;
  std::jthread reader([&] { beside = look_up(cluster.web(), ids, work.seconds); });
  for (std::int64_t next = work.children + 1; beside == 0; next += 100) (void)cluster.start(next, 100);
  reader.join();
  tell("lookup_beside_starts", beside);
}

void local(const Work& work, const Tell& tell) {
  Cluster cluster({}, 1);
  (void)cluster.start_and_list(work.children);
  std::vector<std::int64_t> callees(static_cast<std::size_t>(work.children));
  for (std::size_t i = 0; i < callees.size(); ++i) callees[i] = static_cast<std::int64_t>(i) + 1;
  std::vector<double> taken = call_times(cluster.web(), callees, work.seconds);
  tell("local_call_p50", percentile(taken, 0.5) * 1e-6);
  tell("local_calls_64_threads", calls_by_threads(cluster.web(), callees, 64, work.seconds));
  tell("local_calls_64_coroutines", calls_by_coroutines(cluster, callees, 64, work.seconds));
  tell("local_calls_64_in_flight", calls_in_flight(cluster, callees, 64, work.seconds));
}

void quick(const Work& work, const Tell& tell) {
  Cluster cluster({}, 1);
  std::vector<ChildSpec> specs = child_specs(1, work.children);
  for (ChildSpec& spec : specs) spec.run = WorkerSpec{"quick"};
  const auto started = cluster.web().start_children(specs).get();
  if (!started || !started->ok()) throw std::runtime_error("children did not start");
  std::vector<std::int64_t> callees(specs.size());
  for (std::size_t i = 0; i < callees.size(); ++i) callees[i] = static_cast<std::int64_t>(i) + 1;
  std::vector<double> taken = call_times(cluster.web(), callees, work.seconds);
  tell("local_call_p50", percentile(taken, 0.5) * 1e-6);
  tell("local_calls_64_threads", calls_by_threads(cluster.web(), callees, 64, work.seconds));
}

void remote(const Work& work, const Tell& tell) {
  Cluster cluster({.nodes = 2, .expect = 2}, 2);
  (void)cluster.start_and_list(work.children);
  const std::vector<std::int64_t> there = cluster.on_node(1, work.children);
  if (there.empty()) throw std::runtime_error("no child is on the other node");
  std::vector<double> taken = call_times(cluster.web(), there, work.seconds);
  tell("remote_call_p50", percentile(taken, 0.5) * 1e-6);
  taken = call_times(cluster.self().node(), *cluster.web().whereis(child_id(there.front())), work.seconds);
  tell("remote_call_by_pid_p50", percentile(taken, 0.5) * 1e-6);
  for (const std::size_t callers : {64U, 256U}) {
    tell(fmt::format("remote_calls_{}_threads", callers),
         calls_by_threads(cluster.web(), there, callers, work.seconds));
    tell(fmt::format("remote_calls_{}_coroutines", callers),
         calls_by_coroutines(cluster, there, callers, work.seconds));
    tell(fmt::format("remote_calls_{}_in_flight", callers),
         calls_in_flight(cluster, there, callers, work.seconds));
  }
  tell("raw_tcp_round_trip", tcp_round_trip_us(150, static_cast<std::size_t>(work.times(20'000))) * 1e-6);
}

void one_way(const Work& work, const Tell& tell) {
  Cluster cluster({.nodes = 2, .expect = 2}, 2);
  tell("one_way_64B", messages(cluster, 64, work.times(500'000)));
  tell("one_way_4KiB", messages(cluster, 4096, work.times(100'000)));
  constexpr std::size_t mib = 1 << 20;
  tell("one_way_1MiB", messages(cluster, mib, work.times(500)) * double(mib));
}

}  // namespace brood::bench
