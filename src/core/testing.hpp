// Cluster: a few cores with messages carried by hand, for the unit tests of the core. No chance, no delay:
// what a core sends is delivered in order as soon as run() comes to it; time stands still until
// run(duration).
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>

#include "core/core.hpp"
#include "core/wire/wire.hpp"

namespace brood::core::testing {

inline ChildId id_of(std::string_view text) {
  return ChildId::binary(text).value();
}

inline SpecPtr spec_of(std::string_view id, std::string worker = "counter",
                       Restart restart = Restart::permanent, bool is_static = false) {
  auto spec = std::make_shared<Spec>();
  spec->id = id_of(id);
  spec->needs = spec->worker = std::move(worker);
  spec->restart = restart;
  spec->is_static = is_static;
  return spec;
}

inline std::vector<SpecPtr> many(int count) {
  std::vector<SpecPtr> specs;
  for (int i = 0; i < count; ++i) specs.push_back(spec_of("c" + std::to_string(i)));
  return specs;
}

class Cluster {
 public:
  struct Node {
    NodeName name;
    std::uint32_t creation = 0;
    std::unique_ptr<Core> core;  ///< nullptr: not running.
    bool paused = false;
    Duration paused_at{};
    Duration slept{};
    std::map<ChildId, Epoch> processes;
    std::map<ChildId, Role> roles;   ///< As the processes were told.
    std::map<ChildId, Bytes> state;  ///< What a process holds; goes with it in a hand-over.
    std::set<ChildId> frozen;
    std::map<ChildId, std::pair<Epoch, Bytes>> prepared;
    std::map<ChildId, Role> prepared_roles;
    std::set<NodeName> channels;
    std::uint32_t last_pid = 0;
    bool fenced = false, left = false;
    std::string refused;
  };

  explicit Cluster(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      nodes.emplace_back().name = NodeName("n" + std::to_string(i + 1) + "@test");
  }

  /// All nodes boot and form a cluster.
  void form() {
    for (std::size_t i = 0; i < nodes.size(); ++i) boot(i);
    run(4s);
  }
  void boot(std::size_t i) {
    Node& node = nodes[i];
    Settings settings;
    settings.self = node.name;
    settings.creation = ++node.creation;
    settings.offers = {"counter", "echo"};
    for (const Node& other : nodes)
      if (other.name != node.name) settings.join.push_back(other.name);
    if (change) change(i, settings);
    node.core = std::make_unique<Core>(settings);
    node.left = node.fenced = node.paused = false;
    give(i, Boot{});
    run();
  }
  /// The node dies; its peers hear of it at once, and that it does not run.
  void kill(std::size_t i) {
    Node& node = nodes[i];
    node.core.reset();
    node.processes.clear();
    node.roles.clear();
    node.state.clear();
    node.frozen.clear();
    node.prepared.clear();
    node.prepared_roles.clear();
    drop_channels(i, false);
  }
  /// The channels of a node break; they can be made again.
  void drop_channels(std::size_t i, bool silent) {
    Node& node = nodes[i];
    for (const NodeName& other : std::set<NodeName>(node.channels)) {
      nodes[index(other)].channels.erase(node.name);
      give(index(other), PeerDown{node.name, silent, "test"});
      give(i, PeerDown{other, silent && !node.paused, "test"});
    }
    node.channels.clear();
  }

  /// The network between the groups is cut: nothing passes, and connecting fails without proof of death. Each
  /// node finds that out after the tick time-out, of one other after the other.
  void split(const std::vector<std::vector<std::size_t>>& groups, Duration detected = 8s) {
    std::vector<std::pair<std::size_t, std::size_t>> cuts;
    for (const auto& group : groups)
      for (const auto& other : groups)
        for (const std::size_t a : group)
          for (const std::size_t b : other)
            if (&group != &other) cuts.emplace_back(a, b);
    for (const auto& [a, b] : cuts) {
      unreachable.emplace(nodes[a].name, nodes[b].name);
      nodes[a].channels.erase(nodes[b].name);
    }
    run(detected);
    for (const auto& [a, b] : cuts)
      if (nodes[a].core) {
        give(a, PeerDown{nodes[b].name, true, "cut"});
        run();
      }
  }
  void heal() { unreachable.clear(); }

  /// Queues an event for a node, behind all that is under way to it.
  void give(std::size_t i, Event event) { queue_.emplace_back(i, nodes[i].creation, std::move(event)); }
  /// Delivers everything.
  void run() {
    while (!queue_.empty()) {
      auto [i, creation, event] = std::move(queue_.front());
      queue_.pop_front();
      if (!nodes[i].core || nodes[i].creation != creation) continue;
      if (nodes[i].paused) {
        held_.emplace_back(i, creation, std::move(event));
        continue;
      }
      auto events = with_those_behind(i, std::move(event));
      Now then = now;
      then.slept = std::exchange(nodes[i].slept, Duration{});
      carry_out(i, nodes[i].core->step_all(events, then));
      if (nodes[i].core && !nodes[i].left && nodes[i].core->next_deadline() <= now.monotonic) give(i, Tick{});
    }
  }
  /// Lets time pass, with a Tick whenever a core asks for one.
  void run(Duration time) {
    run();
    const Duration end = now.monotonic + time;
    while (now.monotonic < end) {
      Duration next = end;
      for (const Node& node : nodes)
        if (node.core && !node.paused)
          next = std::min(next, std::max(node.core->next_deadline(), now.monotonic + 1ms));
      set_time(next);
      for (std::size_t i = 0; i < nodes.size(); ++i)
        if (nodes[i].core && !nodes[i].paused && nodes[i].core->next_deadline() <= now.monotonic)
          give(i, Tick{});
      run();
    }
  }
  void set_time(Duration monotonic) {
    now.wall += monotonic - now.monotonic;
    now.monotonic = now.boot = monotonic;
  }
  void pause(std::size_t i) {
    nodes[i].paused = true;
    nodes[i].paused_at = now.boot;
  }
  void resume(std::size_t i) {
    nodes[i].paused = false;
    nodes[i].slept = now.boot - nodes[i].paused_at;
    give(i, Tick{});
    for (auto& event : held_) queue_.push_back(std::move(event));
    held_.clear();
    run();
  }

  // Clients.
  std::uint64_t start(std::size_t i, std::vector<SpecPtr> specs, StartMode mode = StartMode::start,
                      std::optional<NodeName> on = {}) {
    give(i, ClientStart{{++last_client_}, mode, std::move(on), std::move(specs)});
    return last_client_;
  }
  std::uint64_t stop(std::size_t i, std::string_view id) {
    give(i, ClientStop{{++last_client_}, {id_of(id)}});
    return last_client_;
  }
  std::uint64_t reset(std::size_t i, std::uint32_t size) {
    give(i, ClientReset{{++last_client_}, size});
    return last_client_;
  }
  template <typename E>
  std::uint64_t ask(std::size_t i, std::string_view id) {
    give(i, E{{++last_client_}, id_of(id)});
    return last_client_;
  }
  /// The error code of the only outcome; nullopt: it worked. Fails the test's expectation by "no answer".
  std::string result(std::uint64_t client) const {
    const auto found = replies.find(client);
    if (found == replies.end() || found->second.empty()) return "no answer";
    const auto& outcome = found->second.front();
    return outcome.error ? std::string(to_string(outcome.error->code)) : "ok";
  }

  [[nodiscard]] std::size_t index(const NodeName& name) const {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].name == name) return i;
    return nodes.size();
  }
  /// On how many nodes a process of it is alive, and on which (the last).
  [[nodiscard]] std::size_t alive(std::string_view id) const {
    std::size_t count = 0;
    for (const Node& node : nodes) count += node.processes.count(id_of(id));
    return count;
  }
  [[nodiscard]] std::size_t host(std::string_view id) const {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (nodes[i].processes.count(id_of(id)) != 0) return i;
    return nodes.size();
  }
  void exit(std::string_view id, bool normal, const std::string& reason = "boom") {
    exit_on(host(id), id, normal, reason);
  }
  void exit_on(std::size_t i, std::string_view id, bool normal, const std::string& reason = "boom") {
    const Epoch epoch = nodes[i].processes.at(id_of(id));
    nodes[i].processes.erase(id_of(id));
    give(i, Exited{id_of(id), epoch, normal, reason});
  }

  std::deque<Node> nodes;
  Now now{1000s, 1000s, 1'700'000'000s};
  std::function<void(std::size_t, Settings&)> change;
  std::set<ChildId> fail_starts, hold_starts, hold_stops, hold_roles;
  std::set<ChildId> fail_freezes, hold_freezes, fail_prepares, hold_prepares;
  /// Messages of these kinds (index in MessageBody) are lost.
  std::set<std::size_t> lost;
  std::set<std::size_t> batched;  ///< These nodes take all that waits for them in one step.
  std::set<std::pair<NodeName, NodeName>> unreachable;  ///< Connecting fails, without proof of death.
  std::map<std::uint64_t, std::vector<Outcome>> replies;
  std::map<std::uint64_t, bool> last;
  std::vector<std::pair<NodeName, MessageBody>> sent;  ///< Everything, when `record` is set.
  bool keep_state = false;                             ///< Of all workers.
  bool record = false;
  std::function<void(std::size_t, const Effects&)> watch;

 private:
  std::vector<Event> with_those_behind(std::size_t i, Event first) {
    std::vector<Event> events;
    events.push_back(std::move(first));
    if (batched.count(i) == 0) return events;
    std::erase_if(queue_, [&](auto& queued) {
      auto& [to, creation, event] = queued;
      if (to != i || creation != nodes[i].creation) return false;
      events.push_back(std::move(event));
      return true;
    });
    return events;
  }
  void carry_out(std::size_t i, const Effects& effects) {
    Node& node = nodes[i];
    if (watch) watch(i, effects);
    if (effects.fence) node.fenced = *effects.fence;
    if (effects.refused) node.refused = *effects.refused;
    node.left = node.left || effects.left;
    for (const SetRole& told : effects.roles) {
      if (const auto ready = node.prepared_roles.find(told.id); ready != node.prepared_roles.end())
        ready->second = told.role;  // it is told when it is opened
      if (node.processes.count(told.id) == 0) continue;
      if (told.role == Role::passive && hold_roles.count(told.id) != 0) continue;
      node.roles[told.id] = told.role;
      if (told.role == Role::passive) give(i, RoleTaken{told.id, told.epoch});
    }
    for (const HandoverStep& one : effects.handovers)
      std::visit([&](const auto& what) { carry_out_one(i, what); }, one);
    for (const Start& start : effects.starts) {
      if (hold_starts.count(start.spec->id) != 0) continue;
      if (fail_starts.count(start.spec->id) != 0) {
        give(i, StartFailed{start.spec->id, start.epoch, "cannot", "detail"});
        continue;
      }
      node.processes[start.spec->id] = start.epoch;
      if (start.role) node.roles[start.spec->id] = *start.role;
      node.state[start.spec->id] = "new";
      give(i, Started{start.spec->id, start.epoch, {++node.last_pid, 0}, 0, keep_state});
    }
    for (const Stop& stop : effects.stops) {
      if (hold_stops.count(stop.id) != 0) continue;
      node.processes.erase(stop.id);
      node.roles.erase(stop.id);
      node.frozen.erase(stop.id);
      give(i, Exited{stop.id, stop.epoch, true, "shutdown"});
    }
    for (const Send& send : effects.sends) {
      if (record) sent.emplace_back(node.name, send.body);
      const Bytes bytes = encode(send.body);
      if (lost.count(send.body.index()) != 0) continue;
      for (const NodeName& to : send.to)
        if (node.channels.count(to) != 0)
          give(index(to), PeerMessage{node.name, node.creation, *decode(bytes)});
    }
    for (const Reply& reply : effects.replies) {
      auto& outcomes = replies[reply.client.value];
      outcomes.insert(outcomes.end(), reply.outcomes.begin(), reply.outcomes.end());
      last[reply.client.value] = reply.last;
    }
    for (const Connect& connect : effects.connects) try_connect(i, connect.node);
  }
  void carry_out_one(std::size_t i, const Freeze& what) {
    if (hold_freezes.count(what.id) != 0) return;
    if (fail_freezes.count(what.id) != 0)
      return give(i, FreezeFailed{what.id, what.epoch, what.attempt, "its handler does not end"});
    nodes[i].frozen.insert(what.id);
    give(i, Frozen{what.id, what.epoch, what.attempt, nodes[i].state[what.id]});
  }
  void carry_out_one(std::size_t i, const Thaw& what) { nodes[i].frozen.erase(what.id); }
  void carry_out_one(std::size_t i, const Prepare& what) {
    if (hold_prepares.count(what.spec->id) != 0) return;
    if (fail_prepares.count(what.spec->id) != 0)
      return give(i, PrepareFailed{what.spec->id, what.epoch, "restore() refused"});
    nodes[i].prepared[what.spec->id] = {what.epoch, what.parcel};
    if (what.role) nodes[i].prepared_roles[what.spec->id] = *what.role;
    give(i, Prepared{what.spec->id, what.epoch, {++nodes[i].last_pid, 0}, keep_state});
  }
  void carry_out_one(std::size_t i, const Open& what) {
    auto& [epoch, parcel] = nodes[i].prepared.at(what.id);
    EXPECT_EQ(epoch, what.epoch);
    nodes[i].processes[what.id] = epoch;
    nodes[i].state[what.id] = parcel;
    nodes[i].prepared.erase(what.id);
    if (const auto role = nodes[i].prepared_roles.find(what.id); role != nodes[i].prepared_roles.end()) {
      nodes[i].roles[what.id] = role->second;
      nodes[i].prepared_roles.erase(role);
    }
  }
  void carry_out_one(std::size_t i, const Discard& what) {
    nodes[i].prepared.erase(what.id);
    nodes[i].prepared_roles.erase(what.id);
  }
  void carry_out_one(std::size_t i, const Depart& what) {
    EXPECT_EQ(nodes[i].frozen.erase(what.id), 1U) << "it departs frozen";
    nodes[i].processes.erase(what.id);
    nodes[i].roles.erase(what.id);
    nodes[i].state.erase(what.id);
  }
  void try_connect(std::size_t i, const NodeName& to) {
    const std::size_t other = index(to);
    Node& from = nodes[i];
    if (other == nodes.size() || !nodes[other].core) return give(i, ConnectFailed{to, true, "not running"});
    if (nodes[other].paused || unreachable.count({from.name, to}) != 0 ||
        unreachable.count({to, from.name}) != 0)
      return give(i, ConnectFailed{to, false, "no answer"});
    if (!from.channels.insert(to).second) return;
    nodes[other].channels.insert(from.name);
    give(i, PeerUp{to, nodes[other].creation});
    give(other, PeerUp{from.name, from.creation});
  }

  std::deque<std::tuple<std::size_t, std::uint32_t, Event>> queue_, held_;
  std::uint64_t last_client_ = 0;
};

inline void expect_each_once(const Cluster& cluster, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string id = "c" + std::to_string(i);
    EXPECT_EQ(cluster.alive(id), 1U) << id;
    for (const auto& node : cluster.nodes) {
      if (!node.core) continue;
      ASSERT_EQ(node.core->instances(id_of(id)).size(), 1U) << id;
      EXPECT_EQ(node.core->placement(id_of(id)).front(), cluster.nodes[cluster.host(id)].name);
    }
  }
}

}  // namespace brood::core::testing
