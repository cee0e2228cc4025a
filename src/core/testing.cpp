#include "core/testing.hpp"

namespace brood::core::testing {

Cluster::Cluster(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    nodes.emplace_back().name = NodeName("n" + std::to_string(i + 1) + "@test");
}

void Cluster::form() {
  for (std::size_t i = 0; i < nodes.size(); ++i) boot(i);
  run(4s);
}

void Cluster::boot(std::size_t i) {
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

void Cluster::kill(std::size_t i) {
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

void Cluster::drop_channels(std::size_t i, bool silent) {
  Node& node = nodes[i];
  for (const NodeName& other : std::set<NodeName>(node.channels)) {
    nodes[index(other)].channels.erase(node.name);
    give(index(other), PeerDown{node.name, silent, "test"});
    give(i, PeerDown{other, silent && !node.paused, "test"});
  }
  node.channels.clear();
}

void Cluster::split(const std::vector<std::vector<std::size_t>>& groups, Duration detected) {
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

void Cluster::run() {
  constexpr std::size_t steps_max = 2'000'000;
  for (std::size_t steps = 0; !queue_.empty() && !restless_; ++steps) {
    restless_ = steps == steps_max;
    EXPECT_FALSE(restless_) << "no time passes, and the nodes do not come to rest";
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

void Cluster::run(Duration time) {
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

void Cluster::set_time(Duration monotonic) {
  now.wall += monotonic - now.monotonic;
  now.monotonic = now.boot = monotonic;
}

void Cluster::pause(std::size_t i) {
  nodes[i].paused = true;
  nodes[i].paused_at = now.boot;
}

void Cluster::resume(std::size_t i) {
  nodes[i].paused = false;
  nodes[i].slept = now.boot - nodes[i].paused_at;
  give(i, Tick{});
  for (auto& event : held_) queue_.push_back(std::move(event));
  held_.clear();
  run();
}

std::uint64_t Cluster::start(std::size_t i, std::vector<NamedSpec> specs, StartMode mode,
                             std::optional<NodeName> on) {
  give(i, ClientStart{{++last_client_}, mode, std::move(on), std::move(specs)});
  return last_client_;
}

std::uint64_t Cluster::stop(std::size_t i, std::string_view id) {
  give(i, ClientStop{{++last_client_}, {id_of(id)}});
  return last_client_;
}

std::uint64_t Cluster::reset(std::size_t i, std::uint32_t size) {
  give(i, ClientReset{{++last_client_}, size});
  return last_client_;
}

std::string Cluster::result(std::uint64_t client) const {
  const auto found = replies.find(client);
  if (found == replies.end() || found->second.empty()) return "no answer";
  const auto& outcome = found->second.front();
  return outcome.error ? std::string(to_string(outcome.error->code)) : "ok";
}

std::string Cluster::id_at(std::size_t coordinator) const {
  for (int i = 0;; ++i)
    if (std::string id = "k" + std::to_string(i);
        nodes[0].core->node_for(id_of(id)) == nodes[coordinator].name)
      return id;
}

std::size_t Cluster::index(const NodeName& name) const {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].name == name) return i;
  return nodes.size();
}

std::size_t Cluster::alive(std::string_view id) const {
  std::size_t count = 0;
  for (const Node& node : nodes) count += node.processes.count(id_of(id));
  return count;
}

std::size_t Cluster::host(std::string_view id) const {
  for (std::size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].processes.count(id_of(id)) != 0) return i;
  return nodes.size();
}

void Cluster::exit(std::string_view id, bool normal, const std::string& reason) {
  exit_on(host(id), id, normal, reason);
}

void Cluster::exit_on(std::size_t i, std::string_view id, bool normal, const std::string& reason) {
  const Epoch epoch = nodes[i].processes.at(id_of(id));
  nodes[i].processes.erase(id_of(id));
  give(i, Exited{id_of(id), epoch, normal, reason});
}

std::vector<Event> Cluster::with_those_behind(std::size_t i, Event first) {
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

static Bytes all_of(const HeldState& state) {
  Bytes all = *state.whole;
  for (const SharedBytes& change : state.changes) all += *change;
  return all;
}

void Cluster::carry_out(std::size_t i, const Effects& effects) {
  Node& node = nodes[i];
  if (watch) watch(i, effects);
  if (effects.fence) node.fenced = *effects.fence;
  if (effects.refused) node.refused = *effects.refused;
  node.left = node.left || effects.left;
  for (const SetRole& told : effects.roles) {
    for (const Start& start : effects.starts)
      EXPECT_FALSE(start.id == told.id && start.epoch == told.epoch) << "it is not there to be told";
    if (const auto ready = node.prepared_roles.find(told.id); ready != node.prepared_roles.end()) {
      ready->second = told.role;  // it is told when it is opened, and does not answer
      for (const auto& [host, instance] : node.core->instances(told.id))
        EXPECT_TRUE(host.node != node.name || (instance.role == Role::active) == (told.role == Role::active));
    }
    if (node.processes.count(told.id) == 0) continue;
    if (told.role == Role::passive && hold_roles.count(told.id) != 0) continue;
    node.roles[told.id] = told.role;
    if (told.state) node.state[told.id] = all_of(*told.state);
    if (told.role == Role::passive) give(i, RoleTaken{told.id, told.epoch});
  }
  for (const HandoverStep& one : effects.handovers)
    std::visit([&](const auto& what) { carry_out_one(i, what); }, one);
  for (const Start& start : effects.starts) {
    if (hold_starts.count(start.id) != 0) continue;
    if (fail_starts.count(start.id) != 0) {
      give(i, StartFailed{start.id, start.epoch, "cannot", "detail"});
      continue;
    }
    node.processes[start.id] = start.epoch;
    if (start.role) node.roles[start.id] = *start.role;
    node.state[start.id] = start.state ? all_of(*start.state) : "new";
    node.saved.erase(start.id);
    node.followed.erase(start.id);
    give(i, Started{start.id, start.epoch, {++node.last_pid, 0}, 0, keep_state});
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
    if (lost.count(send.body.index()) != 0) continue;
    const MessageBody body = without_lost_words(send.body);
    const Bytes bytes = write ? write(i, body) : encode(body);
    for (const NodeName& to : send.to)
      for (int left = copies ? copies(node.name, to, send.body) : 1; left > 0; --left)
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

MessageBody Cluster::without_lost_words(MessageBody body) const {
  if (auto* handovers = std::get_if<Handovers>(&body))
    std::erase_if(handovers->words,
                  [&](const HandoverWord& word) { return lost_words.contains(word.index()); });
  return body;
}

void Cluster::carry_out_one(std::size_t i, const Freeze& what) {
  if (hold_freezes.count(what.id) != 0) return;
  if (fail_freezes.count(what.id) != 0)
    return give(i, FreezeFailed{what.id, what.epoch, what.attempt, "its handler does not end"});
  nodes[i].frozen.insert(what.id);
  give(i, Frozen{what.id, what.epoch, what.attempt, nodes[i].state[what.id]});
}

void Cluster::carry_out_one(std::size_t i, const Prepare& what) {
  if (hold_prepares.count(what.id) != 0) return;
  if (fail_prepares.count(what.id) != 0)
    return give(i, PrepareFailed{what.id, what.epoch, "restore() refused"});
  nodes[i].prepared[what.id] = {what.epoch, what.parcel};
  if (what.role) nodes[i].prepared_roles[what.id] = *what.role;
  give(i, Prepared{what.id, what.epoch, {++nodes[i].last_pid, 0}, keep_state});
}

void Cluster::carry_out_one(std::size_t i, const Open& what) {
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

void Cluster::carry_out_one(std::size_t i, const Depart& what) {
  EXPECT_EQ(nodes[i].frozen.erase(what.id), 1U) << "it departs frozen";
  nodes[i].processes.erase(what.id);
  nodes[i].roles.erase(what.id);
  nodes[i].state.erase(what.id);
}

void Cluster::try_connect(std::size_t i, const NodeName& to) {
  const std::size_t other = index(to);
  Node& from = nodes[i];
  const bool is_cut = unreachable.count({from.name, to}) != 0 || unreachable.count({to, from.name}) != 0;
  const bool is_client = other == nodes.size();
  if (is_client || !nodes[other].core)
    return give(i, ConnectFailed{to, !is_client || !is_cut, "not running"});
  if (nodes[other].paused || is_cut) return give(i, ConnectFailed{to, false, "no answer"});
  if (!from.channels.insert(to).second) return;
  nodes[other].channels.insert(from.name);
  give(i, PeerUp{to, nodes[other].creation});
  give(other, PeerUp{from.name, from.creation});
}

void expect_each_once(const Cluster& cluster, int count) {
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
