#include "supervisor/driver/driver.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "core/wire.hpp"
#include "process/sched/deadline.hpp"
#include "supervisor/node/clock.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

/// A request whose caller waits.
struct Driver::Client {
  ClientDone done;
  Outcomes outcomes;
  boost::asio::steady_timer timer;
};

/// Somebody who waits for a child to run.
struct Driver::Waiter {
  core::Hlc not_epoch;
  std::function<void(bool)> then;
  boost::asio::steady_timer timer;
};

Driver::Driver(NodeImpl& node, core::Settings settings)
    : node_(node),
      settings_(std::move(settings)),
      core_(settings_),
      children_(node, *this),
      pg_(node.runtime(), name()),
      timer_(node.control()) {}

Driver::~Driver() = default;

std::string Driver::log_name(const ChildId& id) const {
  return name() + (id.is_atom() ? "/:" : "/") + std::string(id.bytes());
}

// ---- events in -----------------------------------------------------------------------------------------

void Driver::post(core::Event event) {
  bool wake = false;
  {
    std::lock_guard lock(inbox_mutex_);
    inbox_.push_back(std::move(event));
    wake = !std::exchange(scheduled_, true);
  }
  if (wake) boost::asio::post(node_.control(), [self = shared_from_this()] { self->run_inbox(); });
}

void Driver::post_all(std::vector<core::Event> events) {
  bool wake = false;
  {
    std::lock_guard lock(inbox_mutex_);
    inbox_.insert(inbox_.end(), std::make_move_iterator(events.begin()),
                  std::make_move_iterator(events.end()));
    wake = !std::exchange(scheduled_, true);
  }
  if (wake) boost::asio::post(node_.control(), [self = shared_from_this()] { self->run_inbox(); });
}

void Driver::rename(const core::Renamed& renamed) {
  pg_.rename();
  core::Renamed own = renamed;
  std::erase(own.join, own.self);
  post(std::move(own));
}

void Driver::run_inbox() {
  std::vector<core::Event> events;
  {
    std::lock_guard lock(inbox_mutex_);
    events.swap(inbox_);
    scheduled_ = false;
  }
  for (const core::Event& event : events) {
    const auto* renamed = std::get_if<core::Renamed>(&event);
    if (!renamed) continue;
    settings_.self = renamed->self;
    settings_.creation = renamed->creation;
    if (!booted_) renamed_before_boot_ = *renamed;
  }
  if (!booted_) return;
  std::erase_if(events, [this](core::Event& event) { return !children_.complete(event); });
  if (over_) return say_when_empty();
  if (events.empty()) return;
  carry_out(core_.step_all(events, read_clocks()));
  arm_timer();
}

void Driver::boot() {
  booted_ = true;
  pg_.on_end([weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      boost::asio::post(self->node_.control(), [self] { self->restart_pg(); });
    }
  });
  std::vector<core::Event> events{core::Boot{}};
  if (renamed_before_boot_) events.emplace_back(*renamed_before_boot_);
  for (const auto& [node, creation] : node_.connected()) {
    events.push_back(core::PeerUp{node, creation});
    pg_.node_up(node);
  }
  for (const NodeName& node : node_.brood_nodes()) pg_.is_brood(node);
  post_all(std::move(events));
}

// Whatever ended it (its runtime protects it from others): it is told again what it is to tell.
void Driver::restart_pg() {
  if (over_) return;
  pg_.begin_anew();
  for (const auto& [node, creation] : node_.connected()) pg_.node_up(node);
  for (const NodeName& node : node_.brood_nodes()) pg_.is_brood(node);
  tell_pg(core_.ids());
}

void Driver::arm_timer() {
  const auto deadline = core_.next_deadline();
  if (deadline == core::Duration::max() || over_) {
    timer_.cancel();
    return;
  }
  timer_.expires_at(std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(deadline)));
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
    if (error) return;
    if (auto self = weak.lock()) self->post(core::Tick{});
  });
}

// ---- effects out ---------------------------------------------------------------------------------------

void Driver::carry_out(const core::Effects& effects) {
  // The effects live until the next step; nothing below steps the core (it posts).
  if (effects.fence && *effects.fence != fenced_) {
    fenced_ = *effects.fence;
    node_.fence(fenced_);
  }
  update_registry(effects.changed);
  tell_pg(effects.changed);
  for (const auto& start : effects.starts) children_.start(start);
  for (const auto& stop : effects.stops) children_.stop(stop);
  send(effects.sends);
  for (const auto& each : effects.connects) connect(each);
  for (const auto& each : effects.disconnects) node_.disconnect(each.node);
  if (effects.left) left_ = true;
  for (const auto& reply : effects.replies) {
    auto it = clients_.find(reply.client);
    if (it == clients_.end()) continue;
    auto& outcomes = it->second->outcomes;
    outcomes.insert(outcomes.end(), reply.outcomes.begin(), reply.outcomes.end());
    if (reply.last) finish(reply.client, false);
  }
  wake_waiters(effects.changed);
  report(effects);
}

std::shared_ptr<const core::SessionId> Driver::shared_session(const core::SessionId& session) {
  auto& shared = sessions_[session];
  if (!shared) shared = std::make_shared<const core::SessionId>(session);
  return shared;
}

void Driver::update_registry(const std::vector<ChildId>& changed) {
  for (const ChildId& id : changed) {
    const core::SpecRow* row = core_.spec(id);
    auto instances = core_.instances(id);
    if (!row && instances.empty()) {
      registry_.erase(id);
      continue;
    }
    Entry entry;
    if (row) {
      entry.spec = row->spec;
      entry.wanted = row->wanted;
      entry.failed = row->failed;
      entry.failure = row->failure;
    } else {
      // Stopped, and something of it is still there: what it is can be shown until that has ended.
      if (const EntryPtr old = registry_.find(id)) entry.spec = old->spec;
      entry.wanted = false;
    }
    entry.places.reserve(instances.size());
    for (auto& [host, instance] : instances) {
      entry.places.push_back({shared_session(host), instance.pid, instance.phase, instance.os_pid,
                              instance.restarts, instance.epoch.clock, instance.since,
                              std::move(instance.reason)});
    }
    registry_.put(id, std::move(entry));
  }
}

void Driver::tell_pg(const std::vector<ChildId>& changed) {
  if (changed.empty()) return;
  std::vector<PgChange> changes;
  changes.reserve(changed.size());
  for (const ChildId& id : changed) {
    std::optional<Pid> here;
    for (const auto& [host, instance] : core_.instances(id)) {
      if (host.node != settings_.self || host.creation != settings_.creation) continue;
      if (instance.phase != core::Phase::running && instance.phase != core::Phase::stuck) continue;
      here = Pid{host.node, instance.pid.id, instance.pid.serial, host.creation};
    }
    changes.push_back({id, std::move(here)});
  }
  pg_.changed(std::move(changes));
}

void Driver::send(const std::vector<core::Send>& sends) {
  for (const auto& each : sends) {
    const Bytes body = core::encode(each.body);
    Bytes term;
    term.reserve(body.size() + name().size() + 16);
    TermWriter writer(term);
    writer.version();
    writer.tuple(2);
    writer.atom(name());
    writer.binary(body);
    for (const NodeName& to : each.to) node_.send_to_peer(to, term);
  }
}

void Driver::connect(const core::Connect& connect) {
  if (auto creation = node_.connected_creation(connect.node)) {
    post(core::PeerUp{connect.node, *creation});
    return;
  }
  node_.connect(connect.node, connect.address, connect.last_known);
}

void Driver::report(const core::Effects& effects) {
  for (const auto& line : effects.log) {
    switch (line.level) {
      case core::LogLevel::debug:
        spdlog::debug("{}: {}", name(), line.text);
        break;
      case core::LogLevel::info:
        spdlog::info("{}: {}", name(), line.text);
        break;
      case core::LogLevel::warning:
        spdlog::warn("{}: {}", name(), line.text);
        break;
      case core::LogLevel::error:
        spdlog::error("{}: {}", name(), line.text);
        break;
    }
  }
  for (const auto& event : effects.members) {
    spdlog::info("{}: member {} is {}{}{}", name(), event.session.node.value, core::to_string(event.state),
                 event.words.empty() ? "" : ": ", event.words);
    node_.member_changed(name(), event);
  }
  if (effects.refused) spdlog::error("{}: refused: {}", name(), *effects.refused);
}

// ---- clients -------------------------------------------------------------------------------------------

template <typename MakeEvent>
void Driver::ask(milliseconds timeout, ClientDone done, MakeEvent make_event) {
  boost::asio::post(node_.control(), [self = shared_from_this(), timeout, done = std::move(done),
                                      make_event = std::move(make_event)]() mutable {
    if (self->over_) {
      done({}, true);
      return;
    }
    const core::ClientId id{self->next_client_++};
    auto client = std::make_unique<Client>(
        Client{std::move(done),
               {},
               boost::asio::steady_timer(self->node_.control(), process::deadline_after(timeout))});
    client->timer.async_wait([weak = self->weak_from_this(), id](const boost::system::error_code& error) {
      auto alive = weak.lock();
      if (error || !alive) return;
      alive->post(core::ClientGone{id});
      alive->finish(id, true);
    });
    self->clients_.emplace(id, std::move(client));
    self->post(make_event(id));
  });
}

void Driver::finish(core::ClientId id, bool timed_out) {
  auto it = clients_.find(id);
  if (it == clients_.end()) return;
  auto client = std::move(it->second);
  clients_.erase(it);
  client->timer.cancel();
  client->done(std::move(client->outcomes), timed_out);
}

void Driver::start(core::StartMode mode, std::vector<core::SpecPtr> specs, std::optional<NodeName> on,
                   milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done),
      [mode, specs = std::move(specs), on = std::move(on)](core::ClientId id) mutable {
        return core::Event(core::ClientStart{id, mode, std::move(on), std::move(specs)});
      });
}

void Driver::stop(std::vector<ChildId> ids, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [ids = std::move(ids)](core::ClientId id) mutable {
    return core::Event(core::ClientStop{id, std::move(ids)});
  });
}

void Driver::retry(const ChildId& child, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [child](core::ClientId id) {
    return core::Event(core::ClientRetry{id, child});
  });
}

void Driver::lookup(const ChildId& child, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [child](core::ClientId id) {
    return core::Event(core::ClientLookup{id, child});
  });
}

void Driver::drain(Drain kind, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [kind](core::ClientId id) {
    return core::Event(core::ClientDrain{id, kind == Drain::for_good});
  });
}

void Driver::with_core(std::function<void(const core::Core&)> read) {
  boost::asio::post(node_.control(),
                    [self = shared_from_this(), read = std::move(read)] { read(self->core_); });
}

// ---- waiting for a child ---------------------------------------------------------------------------------

bool Driver::runs_anew(const ChildId& id, core::Hlc not_epoch) const {
  const auto place = registry_.running(id);
  return place && place->epoch_clock != not_epoch;
}

void Driver::when_running(const ChildId& id, core::Hlc not_epoch, milliseconds timeout,
                          std::function<void(bool)> then, Row row) {
  boost::asio::post(node_.control(), [self = shared_from_this(), id, not_epoch, timeout,
                                      then = std::move(then), row]() mutable {
    if (self->over_ || self->runs_anew(id, not_epoch)) {
      then(!self->over_);
      return;
    }
    // It may have become so since the caller looked, and nothing more would wake the waiter.
    const EntryPtr entry = self->registry_.find(id);
    const bool is_gone = row == Row::is_here && (!entry || !entry->wanted);
    if (is_gone || (entry && entry->wanted && entry->failed)) {
      then(false);
      return;
    }
    auto waiter = std::make_shared<Waiter>(
        Waiter{not_epoch, std::move(then),
               boost::asio::steady_timer(self->node_.control(), process::deadline_after(timeout))});
    self->waiters_.emplace(id, waiter);
    waiter->timer.async_wait(
        [weak = self->weak_from_this(), id, waiter](const boost::system::error_code& error) {
          auto alive = weak.lock();
          if (error || !alive) return;
          auto [begin, end] = alive->waiters_.equal_range(id);
          auto mine = std::find_if(begin, end, [&](const auto& item) { return item.second == waiter; });
          if (mine == end) return;
          alive->waiters_.erase(mine);
          waiter->then(false);
        });
  });
}

void Driver::wake_waiters(const std::vector<ChildId>& changed) {
  if (waiters_.empty()) return;
  std::vector<std::pair<std::shared_ptr<Waiter>, bool>> woken;
  for (const ChildId& id : changed) {
    auto [begin, end] = waiters_.equal_range(id);
    if (begin == end) continue;
    const EntryPtr entry = registry_.find(id);
    const bool gone = !entry || !entry->wanted || entry->failed;
    for (auto it = begin; it != end;) {
      const bool runs = runs_anew(id, it->second->not_epoch);
      if (!runs && !gone) {
        ++it;
        continue;
      }
      woken.emplace_back(it->second, runs);
      it = waiters_.erase(it);
    }
  }
  for (auto& [waiter, runs] : woken) {
    waiter->timer.cancel();
    waiter->then(runs);
  }
}

// ---- the end ---------------------------------------------------------------------------------------------

void Driver::say_when_empty() {
  if (children_.size() > 0)
    spdlog::debug("{}: {} children still end: {}", name(), children_.size(), children_.first_words());
  if (children_.size() > 0 || !emptied_) return;
  std::exchange(emptied_, nullptr)();
}

std::chrono::milliseconds Driver::shut_down(Children::Haste haste, std::function<void()> emptied) {
  emptied_ = std::move(emptied);
  const auto patience = children_.end_all(haste);
  end_clients();
  say_when_empty();
  return patience;
}

void Driver::end_clients() {
  if (std::exchange(over_, true)) return;
  pg_.stop();
  timer_.cancel();
  if (fenced_) node_.fence(false);
  fenced_ = false;
  auto clients = std::move(clients_);
  for (auto& [id, client] : clients) {
    client->timer.cancel();
    client->done(std::move(client->outcomes), true);
  }
  auto waiters = std::move(waiters_);
  for (auto& [id, waiter] : waiters) {
    waiter->timer.cancel();
    waiter->then(false);
  }
}

}  // namespace brood::supervisor
