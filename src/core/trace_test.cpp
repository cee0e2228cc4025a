// Golden traces: scripts of events in tests/traces/*.txt with everything that the cores answer to them.
// CORE_TRACES_REWRITE=1 writes the answers anew; commit only differences that you can explain.
//
// A line that begins with `> ` is a command: nodes N, boot I, run MS, start I ID [on J], temporary I ID,
// static I ID, copies N (of each child, one of them active; after `nodes`), stop I ID, retry I ID, exit ID
// normal|abnormal, kill I, break I, sleep I, wake I, drain I, fail ID.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/testing.hpp"

namespace brood::core::testing {
namespace trace_test {

namespace fs = std::filesystem;

fs::path folder() {
  return fs::path(__FILE__).parent_path() / "../../tests/traces";
}

std::string text(const InstanceChange& change) {
  if (!change.instance) return change.id.text() + "=gone";
  const bool is_active = change.instance->role == Role::active;
  return change.id.text() + "=" + std::string(to_string(change.instance->phase)) +
         (is_active ? "" : " " + std::string(to_string(change.instance->role)));
}

std::string text(const SpecChange& change) {
  if (!change.row) return change.id.text() + " removed";
  const SpecRow& row = *change.row;
  return change.id.text() + (row.wanted ? " wanted" : " unwanted") + (row.failed ? " failed" : "") +
         (row.blame.nodes() > 0 ? fmt::format(" losses={}", row.blame.nodes()) : "");
}

template <typename List>
std::string joined(const List& list) {
  std::string all;
  for (const auto& one : list) all += (all.empty() ? "" : ", ") + text(one);
  return all;
}

std::string describe_have(const Have& have) {
  std::string all = "have";
  for (const auto& [session, number] : have.held) all += fmt::format(" {}:{}", session.node.value, number);
  return all;
}

std::string describe(const MessageBody& body) {
  return std::visit(
      [](const auto& m) -> std::string {
        using M = std::decay_t<decltype(m)>;
        if constexpr (std::is_same_v<M, Hello>)
          return fmt::format("hello {}.{} {}{}{}", m.sender.session.creation, m.sender.session.session,
                             to_string(m.sender.state), m.fresh ? " fresh" : "",
                             m.receiver_is_down ? " you_are_down" : "");
        else if constexpr (std::is_same_v<M, Sync>)
          return fmt::format("sync rows={} [{}] next={}", m.rows.size(), joined(m.instances), m.next_delta);
        else if constexpr (std::is_same_v<M, Delta>)
          return fmt::format("delta {} [{}] [{}]{}", m.number, joined(m.specs), joined(m.instances),
                             m.member ? " " + std::string(to_string(m.member->state)) : "");
        else if constexpr (std::is_same_v<M, DeltaAck>)
          return fmt::format("ack {}", m.number);
        else if constexpr (std::is_same_v<M, View>)
          return "view";
        else if constexpr (std::is_same_v<M, Have>)
          return describe_have(m);
        else if constexpr (std::is_same_v<M, Probe>)
          return "probe";
        else if constexpr (std::is_same_v<M, ProbeAck>)
          return m.session_over ? "probe_ack session_over" : "probe_ack";
        else if constexpr (std::is_same_v<M, StartRequest>)
          return fmt::format("start_request of {}", m.specs.size());
        else if constexpr (std::is_same_v<M, StopRequest>)
          return fmt::format("stop_request of {}", m.ids.size());
        else if constexpr (std::is_same_v<M, Answer>)
          return fmt::format("answer of {}", m.outcomes.size());
        else if constexpr (std::is_same_v<M, Goodbye>)
          return "goodbye";
        else
          return fmt::format("message of kind {}", MessageBody(m).index());
      },
      body);
}

std::string describe(const Cluster& cluster, std::size_t i, const Effects& effects) {
  std::string out;
  const auto line = [&](std::string words) {
    out += fmt::format("{:>7} n{} {}\n", (cluster.now.monotonic - 1000s) / 1ms, i + 1, words);
  };
  for (const auto& connect : effects.connects) line("connect " + connect.node.value);
  for (const auto& member : effects.members)
    line(fmt::format("member {} {} {}", member.session.node.value, to_string(member.state), member.words));
  for (const auto& change : effects.roles)
    line(fmt::format("tell {} that it is {}", change.id.text(), to_string(change.role)));
  for (const auto& start : effects.starts)
    line(fmt::format("start {}{} ({})", start.spec->id.text(),
                     start.role ? " as " + std::string(to_string(*start.role)) : "", start.cause.event));
  for (const auto& stop : effects.stops) line(fmt::format("stop {} ({})", stop.id.text(), stop.cause.event));
  for (const auto& send : effects.sends) {
    std::string to;
    for (const auto& name : send.to) to += (to.empty() ? "" : " ") + name.value.substr(0, 2);
    line("to " + to + ": " + describe(send.body));
  }
  for (const auto& reply : effects.replies)
    for (const auto& outcome : reply.outcomes)
      line(fmt::format("reply {} {}", outcome.id.text(),
                       outcome.error ? to_string(outcome.error->code) : "ok"));
  if (effects.fence) line(*effects.fence ? "fence" : "unfence");
  if (effects.left) line("left");
  return out;
}

class Script {
 public:
  std::string run(std::istream& in) {
    for (std::string line; std::getline(in, line);) {
      if (line.starts_with("#")) out_ += line + "\n";
      if (!line.starts_with("> ")) continue;
      out_ += line + "\n";
      std::istringstream words(line.substr(2));
      std::string command;
      words >> command;
      obey(command, words);
    }
    return out_;
  }

 private:
  std::size_t node_of(std::istream& words) {
    std::size_t number = 1;
    words >> number;
    return number - 1;
  }
  std::string id_of_word(std::istream& words) {
    std::string id;
    words >> id;
    return id;
  }
  void start(std::istream& words, Restart restart, bool is_static) {
    const std::size_t node = node_of(words);
    const std::string id = id_of_word(words);
    std::optional<NodeName> on;
    if (std::string word; words >> word) on = cluster_->nodes[node_of(words)].name;
    cluster_->start(node, {spec_of(id, "counter", restart, is_static)},
                    is_static ? StartMode::ensure : StartMode::start, on);
    cluster_->run();
  }
  void obey(const std::string& command, std::istream& words) {
    if (command == "nodes") {
      cluster_ = std::make_unique<Cluster>(node_of(words) + 1);
      cluster_->watch = [this](std::size_t i, const Effects& effects) {
        out_ += describe(*cluster_, i, effects);
      };
    } else if (command == "copies") {
      std::int64_t factor = 1;
      words >> factor;
      cluster_->change = [factor](std::size_t, Settings& settings) {
        settings.strategies =
            make_strategies(
                {.redundancy = StrategyChoice{"replication",
                                              {{"factor", factor}, {"mode", std::string("active_passive")}}}})
                .value();
      };
    } else if (command == "boot") {
      cluster_->boot(node_of(words));
    } else if (command == "run") {
      std::int64_t ms = 0;
      words >> ms;
      cluster_->run(std::chrono::milliseconds(ms));
    } else if (command == "start") {
      start(words, Restart::permanent, false);
    } else if (command == "temporary") {
      start(words, Restart::temporary, false);
    } else if (command == "static") {
      start(words, Restart::permanent, true);
    } else if (command == "stop") {
      const std::size_t node = node_of(words);
      cluster_->stop(node, id_of_word(words));
    } else if (command == "retry") {
      const std::size_t node = node_of(words);
      cluster_->ask<ClientRetry>(node, id_of_word(words));
    } else if (command == "exit") {
      const std::string id = id_of_word(words);
      cluster_->exit(id, id_of_word(words) == "normal");
    } else if (command == "fail") {
      cluster_->fail_starts.insert(id_of(id_of_word(words)));
    } else if (command == "kill") {
      cluster_->kill(node_of(words));
    } else if (command == "break") {
      cluster_->drop_channels(node_of(words), false);
    } else if (command == "sleep") {
      const std::size_t node = node_of(words);
      cluster_->pause(node);
      cluster_->drop_channels(node, true);
    } else if (command == "wake") {
      cluster_->resume(node_of(words));
    } else if (command == "drain") {
      cluster_->give(node_of(words), ClientDrain{{9999}});
    } else {
      ADD_FAILURE() << "unknown command " << command;
    }
    cluster_->run();
  }

  std::unique_ptr<Cluster> cluster_;
  std::string out_;
};

TEST(Traces, AreAsTheyWere) {
  const bool rewrite = std::getenv("CORE_TRACES_REWRITE") != nullptr;
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(folder())) {
    if (entry.path().extension() != ".txt") continue;
    ++count;
    std::ifstream in(entry.path());
    std::stringstream golden;
    golden << in.rdbuf();
    std::istringstream script(golden.str());
    const std::string now = Script().run(script);
    if (rewrite)
      std::ofstream(entry.path()) << now;
    else
      EXPECT_EQ(now, golden.str()) << entry.path();
  }
  EXPECT_GE(count, 5U) << "no traces in " << folder();
}

}  // namespace trace_test
}  // namespace brood::core::testing
