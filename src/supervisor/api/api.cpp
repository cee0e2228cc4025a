// The public classes: thin hands around NodeImpl and Driver.
#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "supervisor/api/hooks_impl.hpp"
#include "supervisor/api/supervisor_impl.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/entry_walk.hpp"
#include "supervisor/driver/history.hpp"
#include "supervisor/driver/outcomes.hpp"
#include "supervisor/driver/partition.hpp"
#include "supervisor/driver/scores.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"

namespace brood::inline v0 {

using std::chrono::milliseconds;
using supervisor::Driver;
using supervisor::NodeImpl;
using supervisor::Outcomes;

// ---- workers ---------------------------------------------------------------------------------------------

Result<void> WorkerRegistry::add_factory(const std::string& name, BehaviourFactory factory) {
  if (!node_->enter()) return NodeImpl::stopped();
  return node_->worker_table().add(name, std::move(factory));
}

Result<void> WorkerRegistry::load(const std::string& path) {
  if (!node_->enter()) return NodeImpl::stopped();
  auto entry = node_->worker_table().open_library(path);
  if (!entry) return entry.error();
  using Register = void (*)(WorkerRegistry&);
  return supervisor::WorkerTable::let_register(path, [&] { reinterpret_cast<Register> (*entry)(*this); });
}

std::vector<std::string> WorkerRegistry::names() const {
  return node_->worker_table().names();
}

// ---- node ------------------------------------------------------------------------------------------------

Node::Node(Made, std::shared_ptr<NodeImpl> impl) : impl_(std::move(impl)) {}

Node::Node(NodeOptions options) {
  auto impl = NodeImpl::start(std::move(options));
  if (!impl) throw NodeError(impl.error());
  impl_ = std::move(*impl);
}

Result<std::unique_ptr<Node>> Node::start(NodeOptions options) {
  auto impl = NodeImpl::start(std::move(options));
  if (!impl) return impl.error();
  return std::unique_ptr<Node>(new Node(Made{}, std::move(*impl)));
}

Node::~Node() {
  impl_->stop();
}

NodeName Node::name() const {
  return impl_->name();
}

Result<void> Node::wait_up(milliseconds timeout) {
  if (!impl_->enter()) return NodeImpl::stopped();
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  impl_->up().when_up([promise](Result<void> result) { promise->set_value(std::move(result)); });
  auto status = std::future_status::timeout;
  process::Runtime::block([&] { status = future.wait_for(timeout); });
  if (status == std::future_status::ready) return future.get();
  return Error{Errc::timeout,
               fmt::format("not up in time: supervisor {}", fmt::join(impl_->up().waits_for(), ", "))};
}

WorkerRegistry Node::workers() {
  return WorkerRegistry(impl_);
}

std::vector<NodeName> Node::peers() const {
  return impl_->peers();
}

std::uint64_t Node::monitor_nodes(std::function<void(const NodeStatus&)> told) {
  return impl_->watch().add(std::move(told));
}

void Node::demonitor_nodes(std::uint64_t monitor) {
  impl_->watch().remove(monitor);
}

Result<void> Node::drain(milliseconds timeout, bool for_good) {
  const auto pass = impl_->enter();
  if (!pass) return NodeImpl::stopped();
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  impl_->drain(for_good ? Driver::Drain::for_good : Driver::Drain::may_stay, timeout,
               [promise](Result<void> result) { promise->set_value(std::move(result)); });
  process::Runtime::block([&] { future.wait(); });
  return future.get();
}

// ---- supervisor ------------------------------------------------------------------------------------------

namespace {

Result<ChildId> child_id(const Id& id) {
  return ChildId::of(id);
}

Restart api_restart(core::Restart restart) {
  switch (restart) {
    case core::Restart::permanent:
      return Restart::permanent;
    case core::Restart::transient:
      return Restart::transient;
    case core::Restart::temporary:
      return Restart::temporary;
  }
  return Restart::permanent;
}

}  // namespace

Supervisor::Supervisor(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Supervisor::Supervisor(Node& node, SupervisorOptions options) {
  auto driver = node.impl().add_supervisor(std::move(options));
  if (!driver) throw NodeError(driver.error());
  impl_.reset(new Impl{node.impl().shared_from_this(), std::move(*driver)});
}

Result<std::unique_ptr<Supervisor>> Supervisor::start(Node& node, SupervisorOptions options) {
  auto driver = node.impl().add_supervisor(std::move(options));
  if (!driver) return driver.error();
  std::shared_ptr<Impl> impl(new Impl{node.impl().shared_from_this(), std::move(*driver)});
  return std::unique_ptr<Supervisor>(new Supervisor(std::move(impl)));
}

Supervisor::~Supervisor() {
  if (!impl_) return;
  auto ended = std::make_shared<std::promise<void>>();
  impl_->node->remove_supervisor(impl_->driver, [ended] { ended->set_value(); });
  process::Runtime::block([&] { ended->get_future().wait(); });
  // What handlers, and the measure of the load, lean on may go with whoever ends the supervisor.
  impl_->driver->hooks()->end(milliseconds(2000));
  impl_->driver->load_reports().finish(milliseconds(2000));
}

std::optional<Id> Supervisor::whois(const Pid& pid) const {
  const auto pass = impl_->enter();
  if (!pass) return std::nullopt;
  auto id = impl_->driver->registry().whois(impl_->node->present(pid));
  return id ? std::optional(Id(*id)) : std::nullopt;
}

namespace {

ChildInfo child_info(const ChildId& id, const supervisor::Entry& entry) {
  ChildInfo info{Id(id),
                 entry.spec->worker,
                 api_restart(entry.spec->restart),
                 entry.spec->extras->tag,
                 supervisor::metadata_of(*entry.spec),
                 {},
                 0};
  for (const auto& place : entry.places) {
    if (place.has_pid() && place.is_active()) ++info.active;
    if (place.has_pid()) info.instances.emplace_back(place.host->node, place.full_pid());
  }
  return info;
}

}  // namespace

std::optional<ChildInfo> Supervisor::child_lookup(const Id& id) const {
  const auto pass = impl_->enter();
  if (!pass) return std::nullopt;
  auto child = child_id(id);
  const supervisor::EntryPtr entry = child ? impl_->driver->registry().find(*child) : nullptr;
  if (!entry || !entry->is_shown()) return std::nullopt;
  return child_info(*child, *entry);
}

std::vector<ChildInfo> Supervisor::children() const {
  const auto pass = impl_->enter();
  if (!pass) return {};
  std::vector<ChildInfo> all;
  impl_->driver->registry().for_each([&](const ChildId& id, const supervisor::Entry& entry) {
    if (entry.wanted) all.push_back(child_info(id, entry));
  });
  return all;
}

Result<ChildPage> Supervisor::children(const ChildQuery& query) const {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  std::optional<ChildId> after;
  if (query.after) {
    auto id = child_id(*query.after);
    if (!id) return id.error();
    after = std::move(*id);
  }
  const NodeImpl& node = *impl_->node;
  const auto keep = [&](const supervisor::Entry& entry) {
    if (!entry.wanted || (query.tag && entry.spec->extras->tag != *query.tag)) return false;
    return !query.local || std::any_of(entry.places.begin(), entry.places.end(), [&](const auto& place) {
      return place.has_pid() && node.is_here(place.host->node);
    });
  };
  supervisor::EntryWalk walk(impl_->driver->registry(), keep, std::move(after));
  ChildPage page;
  while (page.children.size() < query.limit && !walk.is_over()) {
    for (const auto& [id, entry] : walk.take(query.limit - page.children.size()))
      page.children.push_back(child_info(id, *entry));
  }
  if (!walk.is_over() && !page.children.empty()) page.next = page.children.back().id;
  return page;
}

std::vector<Pid> Supervisor::local_children() const {
  const auto pass = impl_->enter();
  if (!pass) return {};
  std::vector<Pid> pids;
  impl_->driver->registry().for_each([&](const ChildId&, const supervisor::Entry& entry) {
    for (const auto& place : entry.places) {
      if (entry.wanted && place.has_pid() && impl_->node->is_here(place.host->node))
        pids.push_back(place.full_pid());
    }
  });
  return pids;
}

std::vector<NodeName> Supervisor::nodes() const {
  const auto pass = impl_->enter();
  if (!pass) return {};
  return impl_->read_core<std::vector<NodeName>>([](const core::Core& core) { return core.ring_nodes(); });
}

Result<void> Supervisor::Impl::change_roster(const std::vector<NodeName>& add,
                                             const std::vector<NodeName>& remove, milliseconds timeout) {
  const auto pass = enter();
  if (!pass) return stopped();
  auto added = supervisor::checked_names(add), removed = supervisor::checked_names(remove);
  if (!added) return added.error();
  if (!removed) return removed.error();
  auto [outcomes, timed_out] = wait_for([&](supervisor::ClientDone done) {
    driver->change_roster(std::move(*added), std::move(*removed), timeout, std::move(done));
  });
  if (timed_out)
    return driver->has_ended()
               ? stopped()
               : Error{Errc::timeout, "the change of nodes took too long; it may still happen"};
  for (const auto& outcome : outcomes)
    if (outcome.error) return *outcome.error;
  return {};
}

Result<void> Supervisor::add_nodes(const std::vector<NodeName>& nodes, milliseconds timeout) {
  return impl_->change_roster(nodes, {}, timeout);
}

Result<void> Supervisor::remove_nodes(const std::vector<NodeName>& nodes, milliseconds timeout) {
  return impl_->change_roster({}, nodes, timeout);
}

Result<void> Supervisor::move_child(const Id& id, std::optional<NodeName> to, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto child = child_id(id);
  if (!child) return child.error();
  auto node = to ? supervisor::checked_name(*to) : Result<NodeName>(NodeName());
  if (!node) return node.error();
  auto [outcomes, timed_out] = impl_->wait_for([&](supervisor::ClientDone done) {
    impl_->driver->move(to ? core::MoveKind::to_node : core::MoveKind::by_itself, *child, *node, timeout,
                        std::move(done));
  });
  if (timed_out && impl_->driver->has_ended()) return impl_->stopped();
  return supervisor::plain_result(outcomes, timed_out, supervisor::late_move);
}

Result<void> Supervisor::rebalance(milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto [outcomes, timed_out] = impl_->wait_for(
      [&](supervisor::ClientDone done) { impl_->driver->rebalance(timeout, std::move(done)); });
  if (timed_out && impl_->driver->has_ended()) return impl_->stopped();
  return supervisor::plain_result(outcomes, timed_out, supervisor::late_rebalancing);
}

Result<void> Supervisor::drain(milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto [outcomes, timed_out] = impl_->wait_for([&](supervisor::ClientDone done) {
    impl_->driver->drain(supervisor::Driver::Drain::may_stay, timeout, std::move(done));
  });
  if (timed_out && impl_->driver->has_ended()) return impl_->stopped();
  return supervisor::plain_result(outcomes, timed_out, "children are still here");
}

Result<void> Supervisor::forget_node(const NodeName& node, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto name = supervisor::checked_name(node);
  if (!name) return name.error();
  auto [outcomes, timed_out] = impl_->wait_for(
      [&](supervisor::ClientDone done) { impl_->driver->forget(*name, timeout, std::move(done)); });
  if (timed_out && impl_->driver->has_ended()) return impl_->stopped();
  return supervisor::plain_result(outcomes, timed_out, supervisor::late_forgetting);
}

Scoreboard Supervisor::scoreboard() const {
  const auto pass = impl_->enter();
  if (!pass) return {};
  return impl_->read_core<Scoreboard>([](const core::Core& core) { return supervisor::scoreboard_of(core); });
}

std::optional<NodeName> Supervisor::node_for(const Id& key) const {
  const auto pass = impl_->enter();
  if (!pass) return std::nullopt;
  auto child = child_id(key);
  if (!child) return std::nullopt;
  return impl_->read_core<std::optional<NodeName>>(
      [&](const core::Core& core) { return core.node_for(*child); });
}

bool Supervisor::mine(const Id& key) const {
  const auto node = node_for(key);
  return node && impl_->node->is_here(*node);
}

// ---- history ---------------------------------------------------------------------------------------------

Result<ChildHistory> Supervisor::why(const Id& id) const {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto child = child_id(id);
  if (!child) return child.error();
  return impl_->read_core<Result<ChildHistory>>(
      [&](const core::Core& core) { return supervisor::history_of(core, *child); });
}

Result<EventPage> Supervisor::events(const EventQuery& query) const {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  return impl_->read_core<EventPage>(
      [&](const core::Core& core) { return supervisor::events_of(core, query); });
}

Hooks Supervisor::hooks() {
  return Hooks(std::make_shared<Hooks::Impl>(Hooks::Impl{impl_->node, impl_->driver}));
}

// ---- partitions ------------------------------------------------------------------------------------------

PartitionStatus Supervisor::partition_status() const {
  PartitionStatus none;
  none.why = "it has ended on this node";
  const auto pass = impl_->enter();
  if (!pass) return none;
  return impl_->read_core<PartitionStatus>(
      [](const core::Core& core) { return supervisor::partition_of(core); });
}

bool Supervisor::is_locked() const {
  return partition_status().locked;
}

bool Supervisor::is_partitioned() const {
  return partition_status().partitioned;
}

Result<void> Supervisor::reset_cluster_size(std::uint32_t size, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto [outcomes, timed_out] = impl_->wait_for([&](supervisor::ClientDone done) {
    impl_->driver->reset_cluster_size(size, timeout, std::move(done));
  });
  return supervisor::reset_result(outcomes, timed_out);
}

}  // namespace brood::inline v0
