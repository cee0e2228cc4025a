// The public classes: thin hands around NodeImpl and Driver.
#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <unordered_set>

#include "supervisor/api/hooks_impl.hpp"
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/entry_walk.hpp"
#include "supervisor/driver/history.hpp"
#include "supervisor/driver/outcomes.hpp"
#include "supervisor/driver/partition.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/driver/scores.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"

namespace brood {

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
  reinterpret_cast<Register> (*entry)(*this);
  return {};
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

std::string Node::name() const {
  return impl_->name().value;
}

Result<void> Node::wait_up(milliseconds timeout) {
  if (!impl_->enter()) return NodeImpl::stopped();
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  impl_->up().when_up([promise](Result<void> result) { promise->set_value(std::move(result)); });
  if (future.wait_for(timeout) == std::future_status::ready) return future.get();
  return Error{Errc::timeout,
               fmt::format("not up in time: supervisor {}", fmt::join(impl_->up().waits_for(), ", "))};
}

WorkerRegistry Node::workers() {
  return WorkerRegistry(impl_);
}

std::vector<std::string> Node::peers() const {
  std::vector<std::string> names;
  for (const NodeName& name : impl_->peers()) names.push_back(name.value);
  return names;
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

Result<Term> Node::call(const std::string& name, const std::string& node, const Term& request,
                        milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return NodeImpl::stopped();
  auto answer =
      impl_->runtime().call_named_and_wait({Atom(name), NodeName(node)}, encode_term(request), timeout);
  if (!answer) return answer.error();
  return decode_term(*answer);
}

// ---- supervisor ------------------------------------------------------------------------------------------

struct Supervisor::Impl {
  std::shared_ptr<NodeImpl> node;
  std::shared_ptr<Driver> driver;

  /// Holds off the end of the node while the supervisor is used; empty: it has ended, or the node.
  [[nodiscard]] supervisor::Gate::Pass enter() const {
    return driver->has_ended() ? supervisor::Gate::Pass() : node->enter();
  }
  [[nodiscard]] Error stopped() const {
    return {Errc::stopped, fmt::format("supervisor '{}' has ended on this node", driver->name())};
  }
  [[nodiscard]] Error late_start(const ChildId& id) const {
    if (driver->has_ended()) return stopped();
    return {Errc::timeout, fmt::format("the start of '{}' took too long; it may still happen", id.text())};
  }

  /// Waits for what another thread sets. In a handler another thread does its scheduler's work meanwhile.
  template <typename T>
  static T get(std::future<T> future) {
    process::Runtime::block([&] { future.wait(); });
    return future.get();
  }
  /// Runs one of the driver's client functions and waits for it.
  template <typename Ask>
  std::pair<Outcomes, bool> wait_for(Ask ask) {
    auto promise = std::make_shared<std::promise<std::pair<Outcomes, bool>>>();
    auto future = promise->get_future();
    ask([promise](Outcomes outcomes, bool timed_out) {
      promise->set_value({std::move(outcomes), timed_out});
    });
    return get(std::move(future));
  }
  Result<void> change_roster(const std::vector<std::string>& add, const std::vector<std::string>& remove,
                             milliseconds timeout);
  /// The calling thread runs a handler, or the start, of that very child.
  [[nodiscard]] bool is_inside(const ChildId& id) const {
    const WorkerIdentity* self = process::Runtime::running_on_this_thread();
    return self != nullptr && self->supervisor == driver->name() && self->child_id == id.to_term();
  }
  template <typename T>
  T read_core(std::function<T(const core::Core&)> read) {
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    driver->with_core(
        [promise, read = std::move(read)](const core::Core& core) { promise->set_value(read(core)); });
    return get(std::move(future));
  }
};

namespace {

Result<ChildId> child_id(const Id& id) {
  return ChildId::from_term(id.term);
}

Result<Started> started(const core::Outcome& outcome) {
  if (outcome.error) return supervisor::told(outcome);
  return Started{supervisor::pid_of(outcome), outcome.id.to_term()};
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

Supervisor::Supervisor(std::shared_ptr<Impl> impl, bool owns) : impl_(std::move(impl)), owns_(owns) {}

std::shared_ptr<Supervisor> Supervisor::view() const {
  return std::shared_ptr<Supervisor>(new Supervisor(impl_, false));
}

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
  if (!impl_ || !owns_) return;
  auto ended = std::make_shared<std::promise<void>>();
  impl_->node->remove_supervisor(impl_->driver, [ended] { ended->set_value(); });
  ended->get_future().wait();
  // What handlers lean on may go with whoever ends the supervisor.
  impl_->driver->hooks()->end(milliseconds(2000));
}

Result<Started> Supervisor::start_child(const ChildSpec& spec, std::optional<std::string> on,
                                        milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto made = supervisor::core_spec(spec, *impl_->node);
  if (!made) return made.error();
  const ChildId id = (*made)->id;
  std::optional<NodeName> node;
  if (on) node = NodeName(*on);
  auto [outcomes, timed_out] = impl_->wait_for([&](supervisor::ClientDone done) {
    impl_->driver->start(core::StartMode::start, {*made}, node, timeout, std::move(done));
  });
  if (outcomes.empty()) return impl_->late_start(id);
  return started(outcomes.front());
}

std::vector<Result<Started>> Supervisor::start_children(std::vector<ChildSpec> specs, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return std::vector<Result<Started>>(specs.size(), impl_->stopped());
  std::vector<core::SpecPtr> made;
  std::vector<std::optional<Error>> refused(specs.size());
  std::vector<ChildId> ids(specs.size());
  std::unordered_set<ChildId> seen;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    auto spec = supervisor::core_spec(specs[i], *impl_->node);
    if (spec && !seen.insert((*spec)->id).second) {
      refused[i] =
          Error{Errc::invalid_argument,
                fmt::format("id '{}' is in the list twice; the first one counts", (*spec)->id.text())};
    } else if (spec) {
      ids[i] = (*spec)->id;
      made.push_back(std::move(*spec));
    } else {
      refused[i] = spec.error();
    }
  }
  std::unordered_map<ChildId, const core::Outcome*> by_id;
  Outcomes outcomes;
  if (!made.empty()) {
    outcomes = impl_
                   ->wait_for([&](supervisor::ClientDone done) {
                     impl_->driver->start(core::StartMode::start, std::move(made), std::nullopt, timeout,
                                          std::move(done));
                   })
                   .first;
  }
  for (const auto& outcome : outcomes) by_id.emplace(outcome.id, &outcome);
  std::vector<Result<Started>> results;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const auto it = by_id.find(ids[i]);
    if (refused[i]) {
      results.emplace_back(*refused[i]);
    } else if (it == by_id.end()) {
      results.emplace_back(impl_->late_start(ids[i]));
    } else {
      results.push_back(started(*it->second));
    }
  }
  return results;
}

Result<void> Supervisor::stop_child(const Id& id, std::optional<milliseconds> time) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto child = child_id(id);
  if (!child) return child.error();
  const supervisor::EntryPtr entry = impl_->driver->registry().find(*child);
  const milliseconds timeout = time.value_or(supervisor::time_to_stop(entry ? entry->spec.get() : nullptr));
  // It would wait for a handler that waits for it: its own, or one that calls this process.
  const auto caller = process::Runtime::running();
  const supervisor::Place* place = entry ? entry->running() : nullptr;
  const auto callee = caller && place ? std::optional(place->full_pid()) : std::nullopt;
  if (impl_->is_inside(*child) || (callee && !impl_->node->runtime().begin_wait(*caller, *callee))) {
    return Error{Errc::deadlock,
                 fmt::format("child '{}' would have to end before this handler returns, which "
                             "waits for its end; stop it from elsewhere",
                             child->text())};
  }
  auto [outcomes, timed_out] = impl_->wait_for(
      [&](supervisor::ClientDone done) { impl_->driver->stop({*child}, timeout, std::move(done)); });
  if (callee) impl_->node->runtime().end_wait(*caller, *callee);
  if (outcomes.empty())
    return impl_->driver->has_ended()
               ? impl_->stopped()
               : Error{Errc::timeout, fmt::format("the stop of '{}' took too long", child->text())};
  if (outcomes.front().error) return supervisor::told(outcomes.front());
  return {};
}

Result<void> Supervisor::terminate_child(const Pid& pid) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto id = impl_->driver->registry().whois(impl_->node->present(pid));
  if (!id) return Error{Errc::no_such_child, "no child has the pid " + to_string(pid)};
  return stop_child(id->is_atom() ? Id(Atom(id->bytes())) : Id(id->bytes()));
}

Result<Bytes> Supervisor::call_bytes(const Id& id, Message message, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto child = child_id(id);
  if (!child) return child.error();
  if (impl_->is_inside(*child)) {  // found out before its pid is known, for it may be starting
    return Error{Errc::deadlock, fmt::format("child '{}' calls itself; use a cast", child->text())};
  }
  auto promise = std::make_shared<std::promise<Result<Bytes>>>();
  auto future = promise->get_future();
  impl_->node->router().call(impl_->driver, *child, message.to_bytes(), timeout, process::Runtime::running(),
                             [promise](Result<Bytes> result) { promise->set_value(std::move(result)); });
  return Impl::get(std::move(future));
}

void Supervisor::cast_message(const Id& id, Message message) {
  const auto pass = impl_->enter();
  if (!pass) return;
  if (auto child = child_id(id)) (void)impl_->node->router().cast(impl_->driver, *child, message.to_bytes());
}

Result<void> Supervisor::send(const Id& id, Message message) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto child = child_id(id);
  if (!child) return child.error();
  auto promise = std::make_shared<std::promise<Result<bool>>>();
  auto future = promise->get_future();
  impl_->node->router().send(impl_->driver, *child, message.to_bytes(),
                             [promise](Result<bool> sent) { promise->set_value(std::move(sent)); });
  const Result<bool> sent = Impl::get(std::move(future));
  if (!sent) return sent.error();
  if (!*sent) return Error{Errc::no_such_child, fmt::format("no child '{}'", child->text())};
  return {};
}

std::optional<Pid> Supervisor::whereis(const Id& id) const {
  const auto pass = impl_->enter();
  if (!pass) return std::nullopt;
  auto child = child_id(id);
  if (!child) return std::nullopt;
  auto place = impl_->driver->registry().running(*child);
  return place ? std::optional<Pid>(place->full_pid()) : std::nullopt;
}

std::optional<Term> Supervisor::whois(const Pid& pid) const {
  const auto pass = impl_->enter();
  if (!pass) return std::nullopt;
  auto id = impl_->driver->registry().whois(impl_->node->present(pid));
  return id ? std::optional<Term>(id->to_term()) : std::nullopt;
}

namespace {

ChildInfo child_info(const ChildId& id, const supervisor::Entry& entry) {
  ChildInfo info{id.to_term(), entry.spec->worker, api_restart(entry.spec->restart), entry.spec->tag, {}, 0};
  for (const auto& place : entry.places) {
    if (place.has_pid() && place.is_active()) ++info.active;
    if (place.has_pid()) info.instances.emplace_back(place.host->node.value, place.full_pid());
  }
  return info;
}

}  // namespace

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
    auto id = ChildId::from_term(*query.after);
    if (!id) return id.error();
    after = std::move(*id);
  }
  const NodeImpl& node = *impl_->node;
  const auto keep = [&](const supervisor::Entry& entry) {
    if (!entry.wanted || (query.tag && entry.spec->tag != *query.tag)) return false;
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

std::vector<std::string> Supervisor::nodes() const {
  const auto pass = impl_->enter();
  if (!pass) return {};
  return impl_->read_core<std::vector<std::string>>([](const core::Core& core) {
    std::vector<std::string> names;
    for (const NodeName& name : core.ring_nodes()) names.push_back(name.value);
    return names;
  });
}

namespace {

Result<std::vector<NodeName>> node_names(const std::vector<std::string>& texts) {
  std::vector<NodeName> names;
  for (const std::string& text : texts) {
    auto address = supervisor::parse_node_address(text);
    if (!address) return address.error();
    names.push_back(address->name);
  }
  return names;
}

}  // namespace

Result<void> Supervisor::Impl::change_roster(const std::vector<std::string>& add,
                                             const std::vector<std::string>& remove, milliseconds timeout) {
  const auto pass = enter();
  if (!pass) return stopped();
  auto added = node_names(add), removed = node_names(remove);
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

Result<void> Supervisor::add_nodes(const std::vector<std::string>& nodes, milliseconds timeout) {
  return impl_->change_roster(nodes, {}, timeout);
}

Result<void> Supervisor::remove_nodes(const std::vector<std::string>& nodes, milliseconds timeout) {
  return impl_->change_roster({}, nodes, timeout);
}

Result<void> Supervisor::move_child(const Id& id, std::optional<std::string> to, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto child = child_id(id);
  if (!child) return child.error();
  auto nodes = node_names(to ? std::vector<std::string>{*to} : std::vector<std::string>{});
  if (!nodes) return nodes.error();
  auto [outcomes, timed_out] = impl_->wait_for([&](supervisor::ClientDone done) {
    impl_->driver->move(to ? core::MoveKind::to_node : core::MoveKind::by_itself, *child,
                        to ? nodes->front() : NodeName(), timeout, std::move(done));
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

Result<void> Supervisor::forget_node(const std::string& node, milliseconds timeout) {
  const auto pass = impl_->enter();
  if (!pass) return impl_->stopped();
  auto nodes = node_names({node});
  if (!nodes) return nodes.error();
  auto [outcomes, timed_out] = impl_->wait_for(
      [&](supervisor::ClientDone done) { impl_->driver->forget(nodes->front(), timeout, std::move(done)); });
  if (timed_out && impl_->driver->has_ended()) return impl_->stopped();
  return supervisor::plain_result(outcomes, timed_out, supervisor::late_forgetting);
}

Scoreboard Supervisor::scoreboard() const {
  const auto pass = impl_->enter();
  if (!pass) return {};
  return impl_->read_core<Scoreboard>([](const core::Core& core) { return supervisor::scoreboard_of(core); });
}

std::optional<std::string> Supervisor::node_for(const Id& key) const {
  const auto pass = impl_->enter();
  if (!pass) return std::nullopt;
  auto child = child_id(key);
  if (!child) return std::nullopt;
  return impl_->read_core<std::optional<std::string>>(
      [&](const core::Core& core) -> std::optional<std::string> {
        auto node = core.node_for(*child);
        if (!node) return std::nullopt;
        return node->value;
      });
}

bool Supervisor::mine(const Id& key) const {
  const auto node = node_for(key);
  return node && impl_->node->is_here(NodeName(*node));
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
  auto promise = std::make_shared<std::promise<Result<void>>>();
  auto future = promise->get_future();
  impl_->driver->reset_cluster_size(size, timeout, [promise](const Outcomes& outcomes, bool timed_out) {
    promise->set_value(supervisor::reset_result(outcomes, timed_out));
  });
  return Impl::get(std::move(future));
}

}  // namespace brood
