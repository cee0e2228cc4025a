// Core: the door to the machine, which has all the decisions.
#include "core/core.hpp"

#include "core/machine.hpp"

namespace brood::core {

Core::Core(Settings settings) : state_(std::make_unique<State>(std::move(settings))) {}
Core::~Core() = default;

const Effects& Core::step_all(std::span<Event> events, const Now& now) {
  return state_->machine.step(events, now);
}
Duration Core::next_deadline() const {
  return state_->machine.next_deadline();
}

const Settings& Core::settings() const {
  return state_->machine.settings();
}
const Member& Core::self() const {
  return state_->machine.self();
}
std::vector<Member> Core::members() const {
  return state_->machine.members();
}
const Member* Core::member(const NodeName& node) const {
  return state_->machine.member(node);
}
std::vector<NodeName> Core::up_nodes() const {
  return state_->machine.up_nodes();
}
std::vector<NodeName> Core::ring_nodes() const {
  return state_->machine.ring_nodes();
}
bool Core::view_confirmed() const {
  return state_->machine.view_confirmed();
}
bool Core::fenced() const {
  return state_->machine.fenced();
}
bool Core::rebalancing() const {
  return state_->machine.rebalancing();
}
bool Core::partitioned() const {
  return state_->machine.partitioned();
}
PartitionStatus Core::partition() const {
  return state_->machine.partition();
}
std::uint64_t Core::view_hash() const {
  return state_->machine.view_hash();
}
const SpecRow* Core::spec(const ChildId& id) const {
  return state_->machine.spec(id);
}
std::vector<Located> Core::instances(const ChildId& id) const {
  return state_->machine.instances(id);
}
void Core::look_up(const ChildId& id, Known& into) const {
  state_->machine.look_up(id, into);
}
std::vector<ChildId> Core::ids() const {
  return state_->machine.ids();
}
std::size_t Core::size() const {
  return state_->machine.size();
}
std::optional<NodeName> Core::node_for(const ChildId& key) const {
  return state_->machine.node_for(key);
}
std::vector<NodeName> Core::placement(const ChildId& id) const {
  return state_->machine.placement(id);
}
std::size_t Core::peers() const {
  return state_->machine.peers();
}
std::uint64_t Core::table_digest() const {
  return state_->machine.table_digest();
}
Footprint Core::footprint() const {
  return state_->machine.footprint();
}
std::size_t Core::states_not_followed() const {
  return state_->machine.states_not_followed();
}
std::vector<ScoreLine> Core::scoreboard() const {
  return state_->machine.scoreboard();
}

std::optional<NodeName> Core::leader() const {
  return state_->machine.leader();
}

HistoryPage Core::history(const HistoryQuery& query) const {
  return state_->machine.history(query);
}

const Core::Stats& Core::stats() const {
  return state_->machine.stats();
}

}  // namespace brood::core
