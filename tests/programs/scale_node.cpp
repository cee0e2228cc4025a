// A node for tests of size, with the supervisor `web` of the worker `counter`:
// `scale_node NAME COOKIE_FILE TICK_MS EXPECT THREADS [SEED]...`. EXPECT and THREADS as in SupervisorOptions
// and NodeOptions; it ends with its input.
//
// A line of its input is `NUMBER COMMAND ARGUMENT...`; each runs in a thread of its own and is answered by a
// line `NUMBER JSON`:
//   bulk PREFIX COUNT TIMEOUT_MS   one start_children of PREFIX1, PREFIX2, ...: how many are refused, and
//   times singles PREFIX PAUSE_MS        start_child one after the other until `enough`: how many, and how
//   slow write PREFIX COUNT THREADS     calls by id that add one to PREFIX1, ..., without pause, until
//   `enough`: what
//                                  each was answered last, what was not one more than before, what failed
//   values PREFIX COUNT            what each of them holds
//   enough                         ends all singles and writers
//   counts                         the children as this node's tables have them, read in pages
//   running                        how many counters there are in this program
//   ask TERM                       what this node answers to a request (docs/guide/requests.md)
// A line `! up NODE` or `! down NODE REASON` says that a connection came or went, and `! ready` that it is
// up. The log goes to stderr. SCALE_MIGRATION in the environment chooses the migration, SCALE_FIXED the ring
// that only add_nodes and remove_nodes change.
#include <algorithm>
#include <atomic>
#include <brood/brood.hpp>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

namespace {

using std::chrono::milliseconds;

std::atomic<std::int64_t> running{0};

struct get {};
struct add {
  std::int64_t amount;
};

class Counter : public brood::Worker {
 public:
  using handles = brood::messages<get, add>;
  Counter() { ++running; }
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;
  ~Counter() { --running; }

  std::int64_t on(get) const { return value_; }
  std::int64_t on(add a) { return value_ += a.amount; }
  std::int64_t save() const { return value_; }
  void restore(std::int64_t value) { value_ = value; }

 private:
  std::int64_t value_ = 0;
};

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

// ---- JSON ------------------------------------------------------------------------------------------------

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return out + "\"";
}

/// Maps and lists as such, true and false too, numbers as they are, all else as text.
std::string json(const brood::Term& term) {
  const auto joined = [](const auto& items, const char* ends, auto write) {
    std::string out(1, ends[0]);
    for (const auto& item : items) out += (out.size() > 1 ? "," : "") + write(item);
    return out + ends[1];
  };
  if (const auto* entries = term.as_map()) {
    return joined(*entries, "{}", [](const auto& entry) {
      return quoted(entry.first.text().value_or(to_string(entry.first))) + ":" + json(entry.second);
    });
  }
  if (const auto* items = term.as_list()) return joined(*items, "[]", json);
  if (const auto* items = term.as_tuple()) return joined(*items, "[]", json);
  if (term.as_integer() != nullptr || term.as_big() != nullptr) return to_string(term);
  if (term.is_atom("true") || term.is_atom("false")) return *term.text();
  return quoted(term.text().value_or(to_string(term)));
}

class Json {
 public:
  Json& add(const char* name, std::int64_t value) { return put(name, std::to_string(value)); }
  Json& add(const char* name, const std::string& value) { return put(name, quoted(value)); }
  Json& add(const char* name, const std::map<std::string, std::int64_t>& counts) {
    std::string out = "{";
    for (const auto& [key, count] : counts)
      out += (out.size() > 1 ? "," : "") + quoted(key) + ":" + std::to_string(count);
    return put(name, out + "}");
  }
  [[nodiscard]] std::string text() const { return "{" + out_ + "}"; }

 private:
  Json& put(const char* name, const std::string& json) {
    out_ += (out_.empty() ? "" : ",") + quoted(name) + ":" + json;
    return *this;
  }
  std::string out_;
};

// ---- commands --------------------------------------------------------------------------------------------

class Watch {
 public:
  [[nodiscard]] std::int64_t us() const {
    return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - since_)
        .count();
  }
  [[nodiscard]] std::int64_t ms() const { return us() / 1000; }

 private:
  std::chrono::steady_clock::time_point since_ = std::chrono::steady_clock::now();
};

struct World {
  brood::Node& node;
  brood::Supervisor& web;
  std::atomic<std::uint32_t> enough{0};  ///< Grows with each `enough`.
};

std::string bulk(World& world, std::istream& in) {
  std::string prefix;
  std::int64_t count = 0;
  std::int64_t timeout = 0;
  in >> prefix >> count >> timeout;
  const Watch making;
  std::vector<brood::ChildSpec> specs;
  specs.reserve(static_cast<std::size_t>(count));
  for (std::int64_t i = 1; i <= count; ++i)
    specs.push_back({.id = prefix + std::to_string(i), .run = brood::WorkerSpec{"counter"}});
  Json out;
  out.add("made_ms", making.ms());
  const Watch starting;
  const auto result = world.web.start_children(specs, {.timeout = milliseconds(timeout)}).get();
  out.add("ms", starting.ms());
  std::map<std::string, std::int64_t> refused;
  std::string first;
  if (!result) return Json().add("error", result.error().message).text();
  for (const brood::ChildError& failed : result->errors) {
    if (refused.empty()) first = failed.error.message;
    ++refused[std::string(to_string(failed.error.code))];
  }
  return out.add("refused", refused).add("first_refused", first).text();
}

std::string singles(World& world, std::istream& in) {
  std::string prefix;
  std::int64_t pause = 0;
  in >> prefix >> pause;
  const std::uint32_t until = world.enough + 1;
  std::vector<std::int64_t> times;
  std::map<std::string, std::int64_t> refused;
  std::int64_t started = 0;
  const Watch all;
  std::int64_t slowest_at = 0;
  std::int64_t slowest = 0;
  for (int i = 1; world.enough < until; ++i) {
    const Watch watch;
    const auto result =
        world.web
            .start_child({.id = prefix + std::to_string(i), .run = brood::WorkerSpec{"counter"}},
                         {.timeout = milliseconds(60000)})
            .get();
    times.push_back(watch.us());
    if (times.back() > slowest) {
      slowest = times.back();
      slowest_at = all.ms();
    }
    if (result) {
      ++started;
    } else {
      ++refused[std::string(to_string(result.error().code))];
    }
    std::this_thread::sleep_for(milliseconds(pause));
  }
  std::sort(times.begin(), times.end());
  const auto at = [&times](double part) {
    return times.empty() ? 0 : times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))];
  };
  return Json()
      .add("started", started)
      .add("refused", refused)
      .add("median_us", at(0.5))
      .add("p99_us", at(0.99))
      .add("slowest_us", at(1))
      .add("slowest_at_ms", slowest_at)
      .text();
}

std::string write(World& world, std::istream& in) {
  std::string prefix;
  std::int64_t count = 0;
  int threads = 0;
  in >> prefix >> count >> threads;
  const std::uint32_t until = world.enough + 1;
  std::mutex mutex;
  std::map<std::string, std::int64_t> answered;
  std::map<std::string, std::int64_t> failed;
  std::int64_t wrong = 0;
  std::int64_t calls = 0;
  const auto writer = [&](int number) {
    std::map<std::string, std::int64_t> mine;
    std::int64_t mine_wrong = 0;
    std::int64_t done = 0;
    while (world.enough < until) {
      for (std::int64_t i = 1 + number; i <= count && world.enough < until; i += threads) {
        const std::string id = prefix + std::to_string(i);
        const auto value = world.web.call<std::int64_t>(id, add{1}, milliseconds(60000)).get();
        ++done;
        if (!value) {
          const std::lock_guard lock(mutex);
          ++failed[id + ": " + value.error().message];
          continue;
        }
        mine_wrong += *value == mine[id] + 1 ? 0 : 1;
        mine[id] = *value;
      }
    }
    const std::lock_guard lock(mutex);
    answered.merge(mine);
    wrong += mine_wrong;
    calls += done;
  };
  {
    std::vector<std::jthread> all;
    for (int i = 0; i < threads; ++i) all.emplace_back(writer, i);
  }
  return Json()
      .add("answered", answered)
      .add("wrong", wrong)
      .add("calls", calls)
      .add("failed", failed)
      .text();
}

std::string values(World& world, std::istream& in) {
  std::string prefix;
  std::int64_t count = 0;
  in >> prefix >> count;
  std::map<std::string, std::int64_t> found;
  for (std::int64_t i = 1; i <= count; ++i) {
    const std::string id = prefix + std::to_string(i);
    const auto value = world.web.call<std::int64_t>(id, get{}, milliseconds(60000)).get();
    if (!value) return Json().add("error", id + ": " + value.error().message).text();
    found[id] = *value;
  }
  return Json().add("values", found).text();
}

std::string enough(World& world, std::istream&) {
  ++world.enough;
  return "{}";
}

/// Sums over all children, so that two nodes with the same tables have the same: `digest` is one of ids and
/// pids.
std::string counts(World& world, std::istream&) {
  const Watch watch;
  std::map<std::string, std::int64_t> nodes;
  std::int64_t known = 0;
  std::int64_t odd = 0;
  std::uint64_t digest = 0;
  std::string first_odd;
  brood::ChildQuery query{.limit = 5000};
  do {
    const auto page = world.web.children(query);
    if (!page) return Json().add("error", page.error().message).text();
    for (const brood::ChildInfo& child : page->children) {
      ++known;
      if (child.instances.size() != 1 && ++odd == 1) first_odd = to_string(child.id.term());
      std::string text = to_string(child.id.term());
      for (const auto& [node, pid] : child.instances) {
        ++nodes[node.text()];
        text += to_string(pid);
      }
      digest += std::hash<std::string>()(text);
    }
    query.after = page->next;
  } while (query.after);
  return Json()
      .add("known", known)
      .add("odd", odd)
      .add("first_odd", first_odd)
      .add("nodes", nodes)
      .add("digest", std::to_string(digest))
      .add("ms", watch.ms())
      .text();
}

std::string count_running(World&, std::istream&) {
  return Json().add("running", running.load()).text();
}

std::string wait_up(World& world, std::istream& in) {
  std::int64_t timeout = 0;
  in >> timeout;
  const Watch watch;
  const auto up = world.node.wait_up(milliseconds(timeout));
  return up ? Json().add("ms", watch.ms()).text() : Json().add("error", up.error().message).text();
}

std::string ask(World& world, std::istream& in) {
  std::string text;
  std::getline(in, text);
  const auto request = brood::parse_term(text);
  if (!request) return Json().add("error", request.error().message).text();
  const auto answer =
      world.node.call<brood::Term>(brood::remote("brood", world.node.name()), *request, milliseconds(60000))
          .get();
  return answer ? json(*answer) : Json().add("error", answer.error().message).text();
}

std::string run(World& world, const std::string& command, std::istream& in) {
  static const std::map<std::string, std::string (*)(World&, std::istream&)> commands = {
      {"bulk", bulk},       {"singles", singles},       {"enough", enough},
      {"counts", counts},   {"running", count_running}, {"ask", ask},
      {"wait_up", wait_up}, {"write", write},           {"values", values}};
  const auto found = commands.find(command);
  return found == commands.end() ? Json().add("error", "no such command").text() : found->second(world, in);
}

void serve(World& world) {
  std::vector<std::jthread> threads;
  for (std::string line; std::getline(std::cin, line);) {
    threads.emplace_back([&world, line] {
      std::istringstream in(line);
      std::string number;
      std::string command;
      in >> number >> command;
      say(number + " " + run(world, command, in));
    });
  }
  ++world.enough;
}

brood::NodeOptions options_from(int argc, char** argv) {
  brood::NodeOptions options;
  options.name = argv[1];
  std::ifstream(argv[2]) >> options.cookie;
  options.tick_timeout = milliseconds(std::atoi(argv[3]));
  options.threads = static_cast<unsigned>(std::atoi(argv[5]));
  options.join.assign(argv + 6, argv + argc);
  return options;
}

void on_node(const brood::NodeStatus& other) {
  say(other.up ? "! up " + other.name : "! down " + other.name + " " + std::string(to_string(other.reason)));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return 2;
  brood::set_log_sink(
      [](const brood::LogLine& line) {
        const auto time = std::chrono::system_clock::to_time_t(line.time);
        std::fprintf(stderr, "%lld %s %.*s\n", static_cast<long long>(time),
                     std::string(to_string(line.level)).c_str(), static_cast<int>(line.text.size()),
                     line.text.data());
      },
      brood::LogLevel::info);
  auto node = brood::Node::start(options_from(argc, argv));
  if (!node) {
    std::fprintf(stderr, "%s\n", node.error().message.c_str());
    return 1;
  }
  (void)(*node)->workers().add<Counter>("counter");
  (*node)->monitor_nodes(on_node);
  brood::SupervisorOptions options;
  options.name = "web";
  options.expect = static_cast<std::uint32_t>(std::atoi(argv[4]));
  if (const char* migration = std::getenv("SCALE_MIGRATION")) options.strategies.migration = migration;
  if (std::getenv("SCALE_FIXED") != nullptr) options.monitor_nodes = brood::MonitorNodes::off;
  brood::Supervisor web(**node, std::move(options));
  World world{**node, web};
  serve(world);
  return 0;
}
