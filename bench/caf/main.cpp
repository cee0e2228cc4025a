// CAF's counterpart of bench/cluster, for what it has: calls and messages between actors of one program, and
// of two by its middleman. `bench_caf GROUP [CHILDREN [SECONDS [SCALE]]]` measures the rows of that group
// once, and writes a line `ROW VALUE` for each; `bench_caf version` writes CAF's. `member ...` is how it
// starts the second program (see other.hpp).
#include <algorithm>
#include <caf/io/all.hpp>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include "bench/caf/calls.hpp"
#include "bench/caf/other.hpp"
#include "bench/cluster/rows.hpp"

namespace {

using namespace brood::bench;

double median(std::vector<double> values) {
  if (values.empty()) throw std::runtime_error("nothing was measured");
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Actors spawned(caf::actor_system& system, std::int64_t count) {
  Actors all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(system.spawn(counter));
  return all;
}

caf::actor connected(caf::actor_system& system, const Other& other) {
  auto published = system.middleman().remote_actor("127.0.0.1", other.port());
  if (!published) throw std::runtime_error(caf::to_string(published.error()));
  return std::move(*published);
}

Actors children_of(caf::actor_system& system, const caf::actor& directory, std::int64_t count) {
  caf::scoped_actor self{system};
  Actors all;
  for (std::int64_t number = 0; number < count; ++number) {
    self->request(directory, caf::infinite, caf::get_atom::value, number)
        .receive([&](const caf::actor& child) { all.push_back(child); },
                 [&](const caf::error& error) { throw std::runtime_error(caf::to_string(error)); });
  }
  return all;
}

/// One message after the other; how many a second were taken.
double messages(const caf::actor& sink, const Other& other, std::size_t bytes, std::int64_t count) {
  // It shares its bytes: they are copied when they are written to the connection, and not before.
  const caf::message message = caf::make_message(std::string(bytes, 'x'));
  const std::int64_t before = other.handled();
  // What may be on its way. Without it CAF holds all of them in memory.
  const std::int64_t window = std::clamp<std::int64_t>((64 << 20) / std::int64_t(bytes), 16, 200'000);
  const std::int64_t since = now_ns();
  for (std::int64_t sent = 0; sent < count;) {
    if (sent - (other.handled() - before) < window) {
      caf::anon_send(sink, message);
      ++sent;
    } else {
      std::this_thread::yield();
    }
  }
  while (other.handled() - before < count) {
    if (now_ns() - since > 120'000'000'000) throw std::runtime_error("messages were lost");
    std::this_thread::yield();
  }
  return double(count) * 1e9 / double(now_ns() - since);
}

// The groups. A system is never taken down: the program ends with std::_Exit().

caf::actor_system& new_system(bool with_network) {
  auto* config = new caf::actor_system_config;
  if (with_network) config->load<caf::io::middleman>();
  return *new caf::actor_system(*config);
}

void local(const Work& work, const Tell& tell) {
  caf::actor_system& system = new_system(false);
  const Actors callees = spawned(system, work.children);
  tell("local_call_p50", median(call_times(system, callees, work.seconds)));
  tell("local_calls_64_threads", calls_by_threads(system, callees, 64, work.seconds));
  tell("local_calls_64_coroutines", calls_by_actors(system, callees, 64, work.seconds));
  tell("local_calls_64_in_flight", calls_in_flight(system, callees, 64, work.seconds));
}

void remote(const Work& work, const Tell& tell) {
  const Other other("children", work.children);
  caf::actor_system& system = new_system(true);
  const Actors there = children_of(system, connected(system, other), work.children);
  tell("remote_call_p50", median(call_times(system, there, work.seconds)));
  tell("remote_call_by_pid_p50", median(call_times(system, {there.front()}, work.seconds)));
  for (const std::size_t callers : {64U, 256U}) {
    const std::string row = "remote_calls_" + std::to_string(callers);
    tell(row + "_threads", calls_by_threads(system, there, callers, work.seconds));
    tell(row + "_coroutines", calls_by_actors(system, there, callers, work.seconds));
    tell(row + "_in_flight", calls_in_flight(system, there, callers, work.seconds));
  }
}

void one_way(const Work& work, const Tell& tell) {
  const Other other("sink", 0);
  const caf::actor sink = connected(new_system(true), other);
  tell("one_way_64B", messages(sink, other, 64, work.times(500'000)));
  tell("one_way_4KiB", messages(sink, other, 4096, work.times(100'000)));
  constexpr std::size_t mib = 1 << 20;
  tell("one_way_1MiB", messages(sink, other, mib, work.times(500)) * double(mib));
}

void run(int argc, char** argv) {
  // `quick` is about a worker that its caller runs. CAF's actors are what they are, measured once more beside
  // these.
  static const std::map<std::string, void (*)(const Work&, const Tell&)> groups = {
      {"local", local}, {"quick", local}, {"remote", remote}, {"one_way", one_way}};
  Work work;
  if (argc > 2) work.children = std::stoll(argv[2]);
  if (argc > 3) work.seconds = std::stod(argv[3]);
  if (argc > 4) work.scale = std::stod(argv[4]);
  groups.at(argv[1])(work, [](const std::string& row, double value) {
    std::printf("%s %.9g\n", row.c_str(), value);
    std::fflush(stdout);
  });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc < 2) return 2;
    const std::string what = argv[1];
    if (what == "version") {
      std::printf("%d.%d.%d\n", CAF_MAJOR_VERSION, CAF_MINOR_VERSION, CAF_PATCH_VERSION);
      return 0;
    }
    if (what == "member") {
      if (argc != 5) return 2;
      Other::serve(argv[2], std::stoll(argv[3]), std::stoi(argv[4]));
    }
    run(argc, argv);
    std::_Exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", argc > 1 ? argv[1] : "bench_caf", error.what());
    std::_Exit(1);
  }
}
