#include "bench/cluster/node.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace brood::bench {

using std::chrono::milliseconds;

namespace {

constexpr std::int64_t patience_ns = 300'000'000'000;

/// Counts what comes.
class Sink final : public Behaviour {
 public:
  explicit Sink(std::atomic<std::int64_t>& handled) : handled_(handled) {}
  Result<void> start(Context&) override { return {}; }
  Result<EncodedTerm> call(Message) override { return encode(Atom("ok")); }
  void cast(Message) override {}
  void info(Message) override { handled_.fetch_add(1, std::memory_order_release); }
  void down(const Down&) override {}
  void terminate(const ExitReason&) override {}

 private:
  std::atomic<std::int64_t>& handled_;
};

void check(const Result<void>& result) {
  if (!result) throw std::runtime_error(result.error().message);
}

NodeOptions options_of(const Place& place) {
  NodeOptions options;
  options.name = node_name(place.slot);
  options.cookie = "brood-bench";
  options.tick_timeout = place.tick_timeout;
  for (std::size_t other = 0; other < place.nodes; ++other)
    if (other != place.slot) options.join.push_back(node_name(other));
  return options;
}

}  // namespace

Task<Result<std::int64_t>> Caller::on(call_until c) {
  const auto callee = child(child_id(c.callee));
  std::int64_t calls = 0;
  for (; now_ns() < c.until_ns; ++calls) {
    const auto asked = callee.call<std::int64_t>(get{});
    const Result<std::int64_t> value = co_await asked;
    if (!value) co_return value.error();
  }
  co_return calls;
}

std::vector<std::string> Place::words() const {
  return {std::to_string(slot), std::to_string(nodes), std::to_string(expect), migration,
          std::to_string(tick_timeout.count())};
}

Place Place::from(char** words) {
  return {.slot = std::stoul(words[0]),
          .nodes = std::stoul(words[1]),
          .expect = std::stoul(words[2]),
          .migration = words[3],
          .tick_timeout = milliseconds(std::stol(words[4]))};
}

std::string node_name(std::size_t slot) {
  return fmt::format("b{}@127.0.0.1", slot + 1);
}

Id child_id(std::int64_t number) {
  return "c" + std::to_string(number);
}

std::vector<ChildSpec> child_specs(std::int64_t first, std::int64_t count) {
  std::vector<ChildSpec> specs;
  specs.reserve(static_cast<std::size_t>(count));
  for (std::int64_t number = first; number < first + count; ++number)
    specs.push_back({.id = child_id(number), .run = WorkerSpec{"counter"}});
  return specs;
}

BenchNode::BenchNode(const Place& place, Board& board) {
  Slot& slot = board.slots.at(place.slot);
  Counter::slot = &slot;
  slot.began_ns = now_ns();
  node_ = std::make_unique<Node>(options_of(place));
  check(node_->workers().add<Counter>("counter"));
  check(node_->workers().add<QuickCounter>("quick"));
  check(node_->workers().add<Caller>("caller"));
  if (const auto sink = node_->spawn_behaviour("sink", std::make_unique<Sink>(slot.handled)); !sink)
    throw std::runtime_error(sink.error().message);
  SupervisorOptions options;
  options.name = "web";
  options.expect = static_cast<std::uint32_t>(place.expect);
  options.strategies.migration = place.migration;
  web_ = std::make_unique<Supervisor>(*node_, std::move(options));
}

std::int64_t BenchNode::await_listed(std::int64_t count) {
  const std::int64_t until = now_ns() + patience_ns;
  for (std::int64_t number = 1; number <= count; ++number) {
    const Id id = child_id(number);
    while (!web_->whereis(id)) {
      if (now_ns() > until) throw std::runtime_error(id.text() + " is not listed on " + node_->name().text());
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  return now_ns();
}

std::string BenchNode::disorder(std::int64_t count, const std::string& lost) {
  std::int64_t known = 0;
  ChildQuery query{.limit = 5000};
  do {
    const auto page = web_->children(query);
    if (!page) return page.error().message;
    for (const ChildInfo& child : page->children) {
      if (child.worker != "counter") continue;
      ++known;
      if (child.instances.size() != 1)
        return fmt::format("{} has {} instances", child.id.text(), child.instances.size());
      if (child.instances.front().first == lost) return child.id.text() + " is still on the lost node";
    }
    query.after = page->next;
  } while (query.after);
  return known == count ? "" : fmt::format("{} children instead of {}", known, count);
}

void BenchNode::await_settled(std::int64_t count, const std::string& lost) {
  const std::int64_t until = now_ns() + patience_ns;
  for (std::string why = disorder(count, lost); !why.empty(); why = disorder(count, lost)) {
    if (now_ns() > until) throw std::runtime_error(fmt::format("{}: {}", node_->name().text(), why));
    std::this_thread::sleep_for(milliseconds(20));
  }
}

std::string BenchNode::answer(const std::string& line) {
  std::istringstream in(line);
  std::string command;
  std::int64_t count = 0;
  std::string lost;
  in >> command >> count >> lost;
  if (command == "up") {
    check(node_->wait_up(milliseconds(60'000)));
  } else if (command == "listed") {
    return std::to_string(await_listed(count));
  } else if (command == "settled") {
    await_settled(count, lost);
  } else if (command == "drain") {
    const std::int64_t since = now_ns();
    check(node_->drain(milliseconds(300'000), true));
    return std::to_string(now_ns() - since);
  } else {
    throw std::runtime_error("no such command: " + line);
  }
  return "0";
}

void BenchNode::serve() {
  for (std::string line; std::getline(std::cin, line);) {
    std::string said;
    try {
      said = answer(line);
    } catch (const std::exception& error) {
      said = std::string("error ") + error.what();
    }
    std::printf("%s\n", said.c_str());
    std::fflush(stdout);
  }
}

}  // namespace brood::bench
