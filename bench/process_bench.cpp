// What processes cost on this machine: starts, calls, messages, memory.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <atomic>
#include <brood/worker.hpp>
#include <future>
#include <thread>
#include <vector>

#include "process/runtime.hpp"

namespace {

using namespace brood;
using namespace brood::process;

struct deposit {
  std::int64_t cents;
};
struct balance {};

class Account : public Worker {
 public:
  using handles = messages<deposit, balance>;
  explicit Account(std::int64_t opening = 0) : cents_(opening) {}
  std::int64_t on(deposit d) { return cents_ += d.cents; }
  std::int64_t on(balance) const { return cents_; }

 private:
  std::int64_t cents_;
};

struct Node {
  Runtime runtime{NodeName("bench@127.0.0.1"), 1, RuntimeOptions{}};
};

void wait_until(const std::atomic<std::int64_t>& counter, std::int64_t value) {
  for (auto now = counter.load(); now < value; now = counter.load()) std::this_thread::yield();
}

void Spawn(benchmark::State& state) {
  Node node;
  std::atomic<std::int64_t> started{0};
  std::int64_t asked = 0;
  for (auto _ : state) {
    SpawnOptions options;
    options.on_started = [&started](const Result<void>&) { started.fetch_add(1, std::memory_order_relaxed); };
    node.runtime.spawn(make_behaviour<Account>({}), std::move(options));
    ++asked;
  }
  wait_until(started, asked);
  state.SetItemsProcessed(asked);
}
BENCHMARK(Spawn)->UseRealTime();

void LocalCallRoundTrip(benchmark::State& state) {
  Node node;
  const Pid pid = node.runtime.spawn(make_behaviour<Account>({}), {});
  for (auto _ : state)
    benchmark::DoNotOptimize(
        node.runtime.call_and_wait(pid, Message::of(balance{}), std::chrono::seconds(5)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(LocalCallRoundTrip)->UseRealTime();

/// From one process to another on the scheduler's threads.
void CallsInFlight(benchmark::State& state) {
  Node node;
  std::vector<Pid> pids;
  pids.reserve(64);
  for (int i = 0; i < 64; ++i) pids.push_back(node.runtime.spawn(make_behaviour<Account>({}), {}));
  std::atomic<std::int64_t> done{0};
  std::int64_t asked = 0;
  for (auto _ : state) {
    node.runtime.call(pids[static_cast<std::size_t>(asked) % pids.size()], Message::of(balance{}),
                      std::chrono::seconds(5),
                      [&done](const CallResult&) { done.fetch_add(1, std::memory_order_relaxed); });
    if (++asked % 1024 == 0) wait_until(done, asked - 4096);
  }
  wait_until(done, asked);
  state.SetItemsProcessed(asked);
}
BENCHMARK(CallsInFlight)->UseRealTime();

class Counter final : public Behaviour {
 public:
  explicit Counter(std::atomic<std::int64_t>& count) : count_(count) {}
  Result<void> start(Context&) override { return {}; }
  Result<EncodedTerm> call(Message) override { return EncodedTerm{}; }
  void cast(Message) override { count_.fetch_add(1, std::memory_order_relaxed); }
  void info(Message) override {}
  void down(const Down&) override {}
  void terminate(const ExitReason&) override {}

 private:
  std::atomic<std::int64_t>& count_;
};

void Casts(benchmark::State& state) {
  Node node;
  std::atomic<std::int64_t> handled{0};
  std::vector<Pid> pids;
  for (std::int64_t i = 0; i < state.range(0); ++i)
    pids.push_back(node.runtime.spawn(std::make_unique<Counter>(handled), {}));
  std::int64_t sent = 0;
  for (auto _ : state) {
    (void)node.runtime.cast(pids[static_cast<std::size_t>(sent) % pids.size()], Message::of(deposit{1}));
    if (++sent % 1024 == 0) wait_until(handled, sent - 65536);
  }
  wait_until(handled, sent);
  state.SetItemsProcessed(sent);
}
BENCHMARK(Casts)->Arg(1)->Arg(1000)->UseRealTime();

/// Bytes on the heap for each idle process with a worker, an identity and an on_exit, as a supervisor's.
void MemoryOfAnIdleProcess(benchmark::State& state) {
  constexpr std::int64_t count = 100'000;
  for (auto _ : state) {
    Node node;
    std::atomic<std::int64_t> started{0};
    const auto before = mallinfo2().uordblks;
    for (std::int64_t i = 0; i < count; ++i) {
      SpawnOptions options;
      options.identity.supervisor = "bank";
      options.identity.child_id = "account-000000";
      options.on_started = [&started](const Result<void>&) {
        started.fetch_add(1, std::memory_order_relaxed);
      };
      options.on_exit = [&started](const ExitReason&) { benchmark::DoNotOptimize(started); };
      node.runtime.spawn(make_behaviour<Account>({}), std::move(options));
    }
    wait_until(started, count);
    state.counters["bytes"] = static_cast<double>(mallinfo2().uordblks - before) / static_cast<double>(count);
  }
}
BENCHMARK(MemoryOfAnIdleProcess)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
