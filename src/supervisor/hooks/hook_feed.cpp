#include "supervisor/hooks/hook_feed.hpp"

#include <algorithm>

#include "supervisor/driver/scores.hpp"

namespace brood::supervisor {
namespace {

using core::MemberState;
using core::Turn;
using core::What;
using core::Why;

bool is_of_a_loss(Why why) {
  return why == Why::node_lost || why == Why::node_left || why == Why::drained;
}

/// Its process, if it has one that handles messages.
std::optional<Pid> pid_of(const Place& place) {
  if (!place.has_pid() || place.phase == core::Phase::moved) return std::nullopt;
  return place.full_pid();
}

}  // namespace

hooks::ChildData HookFeed::data_of(const ChildId& id) const {
  if (const core::SpecRow* row = core_.spec(id)) return child_data(id, *row->spec, here());
  if (const EntryPtr entry = registry_.find(id); entry && entry->spec)
    return child_data(id, *entry->spec, here());
  return {Id(id), {}, Term::list({}), Term::map({}), here()};
}

void HookFeed::see(const core::Event& event) {
  if (table_.wants<hooks::ScoreboardUpdated>()) note_load(event);
  if (!table_.wants<hooks::PostChildrenStart>() && !table_.wants<hooks::ProcessStartups>()) return;
  if (const auto* started = std::get_if<core::Started>(&event))
    starts_.push_back({started->id, started->epoch, true, {}, started->pid});
  else if (const auto* failed = std::get_if<core::StartFailed>(&event))
    starts_.push_back({failed->id, failed->epoch, false, failed->reason, {}});
}

void HookFeed::before(const core::Effects& effects) {
  tell_members(effects);
  for (const Turn& turn : effects.turns)
    if (turn.kind != Turn::Kind::over && turn.kind != Turn::Kind::settled) tell_turn(turn);
  tell_results(false);
  tell_moving(effects);
  tell_starting(effects);
  note_registry(effects);
}

void HookFeed::after(const core::Effects& effects) {
  tell_registry();
  tell_results(true);
  starts_.clear();
  tell_migrated(effects);
  tell_scores();
  note_losses(effects);
  if (table_.wants<hooks::ForwardedMigration>())
    for (const core::Forwarded& one : effects.forwarded) {
      hooks::ForwardedMigration event{one.to, {}};
      for (const auto& [id, spec] : one.specs) event.children.push_back(child_data(id, *spec, {one.to}));
      table_.tell(std::move(event));
    }
  for (const Turn& turn : effects.turns)
    if (turn.kind == Turn::Kind::over || turn.kind == Turn::Kind::settled) tell_turn(turn);
}

void HookFeed::end(const std::string& reason) {
  if (table_.wants<hooks::CoordinatorShutdown>()) table_.tell(hooks::CoordinatorShutdown{reason});
}

// ---- members --------------------------------------------------------------------------------------------

void HookFeed::tell_members(const core::Effects& effects) {
  for (const core::MemberEvent& event : effects.members) {
    const NodeName& node = event.session.node;
    if (node == self_().name) continue;
    if (event.state == MemberState::up) {
      if (up_.insert(node).second && table_.wants<hooks::PreClusterJoin>())
        table_.tell(hooks::PreClusterJoin{node});
      continue;
    }
    if (event.state == MemberState::joining) continue;
    if (event.state == MemberState::left) left_.insert(node);
    if (up_.erase(node) > 0 && table_.wants<hooks::PreClusterLeave>())
      table_.tell(hooks::PreClusterLeave{node});
  }
}

void HookFeed::tell_turn(const Turn& turn) {
  const NodeName& node = turn.node;
  switch (turn.kind) {
    case Turn::Kind::held:
    case Turn::Kind::resumed: {
      const bool is_held = turn.kind == Turn::Kind::held;
      if (table_.wants<hooks::PriorityStateUpdated>())
        table_.tell(hooks::PriorityStateUpdated{is_held ? 10 : 0, is_held});
      return;
    }
    case Turn::Kind::came:
      if (table_.wants<hooks::PostClusterJoin>()) table_.tell(hooks::PostClusterJoin{node});
      table_.tell_listeners(std::nullopt, turn.is_mine,
                            [node](Listener& one, const std::string& of) { one.on_node_up(of, node); });
      return;
    case Turn::Kind::went: {
      auto given_up = std::exchange(given_up_[turn.node], {});
      given_up_.erase(turn.node);
      if (left_.erase(turn.node) > 0)
        table_.tell_listeners(std::nullopt, turn.is_mine,
                              [node, given_up](Listener& one, const std::string& of) {
                                one.on_node_terminate(of, node, "shutdown", given_up);
                              });
      table_.tell_listeners(std::nullopt, turn.is_mine,
                            [node](Listener& one, const std::string& of) { one.on_node_down(of, node); });
      return;
    }
    case Turn::Kind::begins:
      if (table_.wants<hooks::PreNodesRedistribution>())
        table_.tell(hooks::PreNodesRedistribution{node, turn.up});
      return;
    case Turn::Kind::over:
      if (table_.wants<hooks::PostNodesRedistribution>())
        table_.tell(hooks::PostNodesRedistribution{node, turn.up});
      return;
    case Turn::Kind::settled: {
      auto lost = std::exchange(lost_[turn.node], {});
      lost_.erase(turn.node);
      if (table_.wants<hooks::PostClusterLeave>())
        table_.tell(hooks::PostClusterLeave{node, std::move(lost)});
      return;
    }
  }
}

// What a node gives up as it leaves, and what is lost with one.
void HookFeed::note_losses(const core::Effects& effects) {
  const bool wants_lost = table_.wants<hooks::PostClusterLeave>();
  const bool listens = table_.listens();
  if (!wants_lost && !listens) return;
  for (const core::Happening& one : effects.happened) {
    if (one.what != What::ended || !is_of_a_loss(one.why) || one.node == self_().name) continue;
    const bool is_lost = one.why != Why::drained;
    if (wants_lost && is_lost) lost_[one.node].emplace_back(one.id);
    if (!listens) continue;
    if (one.why != Why::node_lost) given_up_[one.node].push_back({Id(one.id), one.other});
    if (!is_lost || !one.is_mine || (one.pid.id == 0 && one.pid.serial == 0)) continue;
    const Pid pid{one.node, one.pid.id, one.pid.serial, one.creation};
    table_.tell_listeners(one.id, true, [id = Id(one.id), pid](Listener& to, const std::string& of) {
      to.on_process_stop(of, id, {pid});
    });
  }
}

// ---- children -------------------------------------------------------------------------------------------

void HookFeed::tell_moving(const core::Effects& effects) {
  if (!table_.wants<hooks::PreChildrenRedistribution>()) return;
  std::map<std::pair<NodeName, bool>, std::vector<hooks::MovingChild>> moving;
  const auto leaves = [&](const ChildId& id, const NodeName& to) {
    hooks::MovingChild child{Id(id), to, std::nullopt};
    if (const EntryPtr entry = registry_.find(id))
      for (const Place& place : entry->places)
        if (place.host->node == self_().name) child.pid = pid_of(place);
    moving[{to, true}].push_back(std::move(child));
  };
  for (const core::HandoverStep& step : effects.handovers)
    if (const auto* freeze = std::get_if<core::Freeze>(&step); freeze && freeze->why == Why::joined)
      leaves(freeze->id, freeze->target);
  for (const core::Stop& stop : effects.stops) {
    if (stop.why != Why::joined) continue;
    const auto places = core_.placement(stop.id);
    if (!places.empty()) leaves(stop.id, places.front());
  }
  for (const core::Start& start : effects.starts)
    if (is_of_a_loss(start.why) && !start.from.empty())
      moving[{start.from, false}].push_back({Id(start.id), self_().name, std::nullopt});
  for (auto& [turn, children] : moving)
    table_.tell(hooks::PreChildrenRedistribution{turn.first, turn.second, std::move(children)});
}

void HookFeed::tell_starting(const core::Effects& effects) {
  if (effects.starts.empty() || !table_.wants<hooks::PreChildrenStart>()) return;
  hooks::PreChildrenStart event;
  for (const core::Start& start : effects.starts)
    event.children.push_back(child_data(start.id, *start.spec, here()));
  table_.tell(std::move(event));
}

// Once before the registry knows of it, and once after.
void HookFeed::tell_results(bool in_registry) {
  const bool wanted =
      in_registry ? table_.wants<hooks::ProcessStartups>() : table_.wants<hooks::PostChildrenStart>();
  if (!wanted || starts_.empty()) return;
  std::vector<hooks::StartResult> results;
  for (const Start& start : starts_) {
    hooks::StartResult result{data_of(start.id), start.ok, start.error, std::nullopt};
    const Self self = self_();
    if (start.ok) result.pid = Pid{self.name, start.pid.id, start.pid.serial, self.creation};
    results.push_back(std::move(result));
  }
  if (in_registry)
    table_.tell(hooks::ProcessStartups{std::move(results)});
  else
    table_.tell(hooks::PostChildrenStart{std::move(results)});
}

void HookFeed::tell_migrated(const core::Effects& effects) {
  if (!table_.wants<hooks::ChildrenMigrated>()) return;
  std::map<NodeName, std::vector<hooks::ChildData>> migrated;
  for (const core::Happening& one : effects.happened) {
    if (one.what != What::ended || !core::is_move(one.why) || one.node != self_().name || one.other.empty())
      continue;
    hooks::ChildData data = data_of(one.id);
    data.nodes = {one.other};
    migrated[one.other].push_back(std::move(data));
  }
  for (auto& [to, children] : migrated) table_.tell(hooks::ChildrenMigrated{to, std::move(children)});
}

// ---- the load balancer ----------------------------------------------------------------------------------

void HookFeed::note_load(const core::Event& event) {
  const auto* message = std::get_if<core::PeerMessage>(&event);
  const bool of_peer = message != nullptr && std::holds_alternative<core::LoadReport>(message->body);
  const NodeName self = self_().name;
  if (!of_peer && !std::holds_alternative<core::LoadMeasured>(event)) return;
  if (core_.leader().value_or(self) != self) return;
  if (!scores_) scores_ = scoreboard_of(core_);
  told_.insert(of_peer ? message->from : self);
}

// What a node counts for is its score; all else of a line may change without that. What is measured before
// the first view makes a leader is told when there is one.
void HookFeed::tell_scores() {
  if (!scores_) return;
  const auto leader = core_.leader();
  if (!leader) return;
  if (*leader != self_().name) {
    scores_.reset();
    return told_.clear();
  }
  const Scoreboard before = *std::exchange(scores_, std::nullopt);
  const auto told = std::exchange(told_, {});
  const auto line_of = [](const Scoreboard& board, const NodeName& node) {
    const auto line = std::find_if(board.nodes.begin(), board.nodes.end(),
                                   [&](const NodeScore& one) { return one.node == node; });
    return line == board.nodes.end() ? NodeScore{} : *line;
  };
  const auto counts = [](const NodeScore& one) { return std::pair(one.told > 0, one.score); };
  const Scoreboard now = scoreboard_of(core_);
  for (const NodeName& node : told) {
    NodeScore line = line_of(now, node);
    if (!line.node.empty() && counts(line) != counts(line_of(before, node)))
      table_.tell(hooks::ScoreboardUpdated{before, node, std::move(line)});
  }
}

// ---- the registry ---------------------------------------------------------------------------------------

void HookFeed::note_registry(const core::Effects& effects) {
  const bool wanted = table_.wants<hooks::RegistryPidInsert>() || table_.wants<hooks::RegistryPidRemove>() ||
                      table_.wants<hooks::ChildProcessPidUpdate>() || table_.listens();
  changed_.clear();
  if (!wanted) return former_.clear();
  changed_.reserve(effects.changed.size());
  for (const ChildId& id : effects.changed) changed_.push_back({id, registry_.find(id)});
}

void HookFeed::tell_registry() {
  for (const Before& one : changed_) tell_change(one.id, one.entry, registry_.find(one.id));
  changed_.clear();
}

void HookFeed::tell_change(const ChildId& id, const EntryPtr& old, const EntryPtr& now) {
  static const Places nowhere;
  const Places& before = old ? old->places : nowhere;
  const Places& after = now ? now->places : nowhere;
  const auto same_host = [](const Place& a, const Place& b) {
    return a.host->node == b.host->node && a.host->creation == b.host->creation;
  };
  const auto find = [&](const Places& places, const Place& like) -> const Place* {
    for (const Place& place : places)
      if (same_host(place, like)) return &place;
    return nullptr;
  };
  const NodeName self = self_().name;
  hooks::RegistryPidInsert inserted{Id(id), {}};
  hooks::RegistryPidRemove removed{Id(id), {}};
  std::vector<hooks::ChildProcessPidUpdate> updates;
  for (const Place& place : before) {
    const std::optional<Pid> was = pid_of(place);
    const Place* next = find(after, place);
    const std::optional<Pid> is = next ? pid_of(*next) : std::nullopt;
    const std::pair key{id, Host{place.host->node, place.host->creation}};
    if (was && was != is && place.host->node == self)
      table_.tell_listeners(id, true, [child = inserted.id, pid = *was](Listener& to, const std::string& of) {
        to.on_process_stop(of, child, {pid});
      });
    if (next && was && !is) former_[key] = *was;
    if (next) continue;
    // One that waits to be started again has a place, and no pid.
    if (was || place.since != core::Hlc{}) removed.nodes.push_back(place.host->node);
    former_.erase(key);
  }
  for (const Place& place : after) {
    const std::optional<Pid> is = pid_of(place);
    const Place* former = find(before, place);
    const std::optional<Pid> was = former ? pid_of(*former) : std::nullopt;
    if (!is || is == was) continue;
    inserted.pids.emplace_back(place.host->node, *is);
    const auto known = former_.find({id, Host{place.host->node, place.host->creation}});
    const std::optional<Pid> replaced = was                      ? was
                                        : known == former_.end() ? std::nullopt
                                                                 : std::optional(known->second);
    if (replaced && *replaced != *is) updates.push_back({inserted.id, place.host->node, *replaced, *is});
    if (known != former_.end()) former_.erase(known);
    if (place.host->node == self)
      table_.tell_listeners(id, true, [child = inserted.id, pid = *is](Listener& to, const std::string& of) {
        to.on_process_start(of, child, pid);
      });
  }
  if (!inserted.pids.empty() && table_.wants<hooks::RegistryPidInsert>()) table_.tell(std::move(inserted));
  for (auto& update : updates)
    if (table_.wants<hooks::ChildProcessPidUpdate>()) table_.tell(std::move(update));
  if (!removed.nodes.empty() && table_.wants<hooks::RegistryPidRemove>()) table_.tell(std::move(removed));
}

}  // namespace brood::supervisor
