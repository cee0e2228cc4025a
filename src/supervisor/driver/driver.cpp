#include "supervisor/driver/driver.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>
#include <exception>
#include <map>
#include <set>

#include "core/placement/placement.hpp"
#include "process/log/log.hpp"
#include "supervisor/node/clock.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;

Driver::Driver(NodeImpl& node, core::Settings settings, std::shared_ptr<HookTable> hooks,
               std::function<double()> load)
    : node_(node),
      name_(settings.supervisor),
      weight_(settings.weight),
      strategies_(settings.strategies),
      stepper_(node.control(), std::move(settings), node.options().step_events_max, *this),
      writer_(*this, registry_),
      pg_feed_(node.runtime(), name_),
      children_(node, *this),
      outbox_(name_, [&node](const NodeName& to,
                             std::vector<EncodedTerm> terms) { node.send_to_peer(to, std::move(terms)); }),
      callers_(node.control(), registry_, [this](core::ClientId id) { post(core::ClientGone{id}); }),
      event_log_(node.control(), name_),
      hooks_(std::move(hooks)),
      hook_feed_(*hooks_, registry_, stepper_.core(),
                 [&node] {
                   return HookFeed::Self{node.name(), node.creation()};
                 }),
      alters_(node.control(), hooks_, [this] { return weak_from_this().lock(); }),
      load_reports_(node.control(), node.queries(), node.runtime(), std::move(load),
                    [this](const core::Load& load_now) { post(core::LoadMeasured{load_now}); }),
      gaps_(node.heart().gap_cursor()),
      up_alarm_(node.control(), [this] { tell_up(); }),
      leaving_alarm_(node.control(), [this] { tend_leaving(); }) {}
Driver::~Driver() = default;

Result<void> Driver::accepts(const core::NamedSpec& child) const {
  return core::accepts(strategies_, child.id, *child);
}

// ---- events in -----------------------------------------------------------------------------------------

void Driver::post(core::Event event, std::size_t message_bytes) {
  stepper_.inbox().put(std::move(event), message_bytes);
}

void Driver::when_handled(std::function<void()> then) {
  stepper_.inbox().when_taken(std::move(then));
}

void Driver::handle_now(core::Event event) {
  stepper_.inbox().put_first(std::move(event));
  stepper_.run();
}

void Driver::rename(const core::Renamed& renamed) {
  pg().rename();
  core::Renamed own = renamed;
  std::erase(own.join, own.self);
  post(std::move(own));
}

void Driver::boot() {
  pg().on_end([weak = weak_from_this()] {
    if (const auto self = weak.lock())
      boost::asio::post(self->node_.control(), [self] { self->restart_pg(); });
  });
  std::vector<core::Event> events;
  for (const auto& [node, creation] : node_.connected()) {
    events.emplace_back(core::PeerUp{node, creation});
    pg().node_up(node);
  }
  for (const NodeName& node : node_.brood_nodes()) pg().is_brood(node);
  stepper_.boot(std::move(events));
  if (const auto* balancing = strategies_.distribution->balancing())
    load_reports_.begin(balancing->push_interval, weak_from_this());
}

// Whatever ended it (its runtime protects it from others): it is told again what it is to tell.
void Driver::restart_pg() {
  if (ended_) return;
  pg().begin_anew();
  for (const auto& [node, creation] : node_.connected()) pg().node_up(node);
  for (const NodeName& node : node_.brood_nodes()) pg().is_brood(node);
  pg_feed_.publish(writer_.all_here(core().ids()));
}

core::Now Driver::now() {
  return read_clocks(node_.heart().take_longest_gap(gaps_));
}

bool Driver::complete(core::Event& event) {
  const bool for_core = children_.complete(event);
  if (for_core && stepper_.is_booted()) {
    event_log_.see(event);
    hook_feed_.see(event);
  }
  if (!for_core && leaving_.stage() != Leaving::Stage::here && !std::exchange(tend_waits_, true)) {
    // The core hears nothing of it; whoever waits for the end does. After this batch, not in the midst of it.
    boost::asio::post(node_.control(), [self = shared_from_this()] {
      self->tend_waits_ = false;
      self->tend_leaving();
    });
  }
  return for_core;
}

// ---- effects out ---------------------------------------------------------------------------------------

void Driver::carry_out(const core::Effects& effects) {
  // The effects live until the next step; nothing below steps the core (it posts).
  event_log_.see(effects);
  hook_feed_.before(effects);
  supervisor::carry_out(effects, *this);
  hook_feed_.after(effects);
  if (leaving_.stage() != Leaving::Stage::here) tend_leaving();
}

void Driver::fence(bool on) {
  if (std::exchange(fenced_, on) != on) node_.fence(on);
}

void Driver::set_role(const core::SetRole& change) {
  children_.set_role(change);
}

void Driver::publish(const std::vector<ChildId>& changed) {
  Published published = writer_.publish(changed);
  pg_feed_.publish(std::move(published.moved));
  children_.follow(published.to_follow);
}

bool Driver::is_here(const core::SessionId& session) const {
  return node_.is_here(session.node) && session.creation == node_.creation();
}

// Who waits for a child looks again, and is told.
void Driver::lock(const core::PartLock& lock) {
  {
    const std::scoped_lock guard(lock_words_mutex_);
    lock_words_ = lock.words;
  }
  if (!locked_.exchange(lock.locked) && lock.locked) callers_.look_again();
  tell_up();
}

std::optional<Error> Driver::partitioned() const {
  if (!locked_) return std::nullopt;
  const std::scoped_lock guard(lock_words_mutex_);
  return Error{Errc::partitioned, "this part of the cluster may not run children: " + lock_words_};
}

void Driver::start(const core::Start& start) {
  if (!alters_.wanted()) return start_now(start, start.spec);
  const bool restart =
      start.why == core::Why::crashed || start.why == core::Why::start_failed || start.why == core::Why::role;
  alters_.ask({start.id, start.spec}, start.epoch, restart,
              [this, start](const core::SpecPtr& run) { start_now(start, run); });
}

// What was to be made ready may wait for hooks too, and is then not wanted any more.
void Driver::hand_over(const core::HandoverStep& step) {
  if (const auto* discard = std::get_if<core::Discard>(&step);
      discard && alters_.take_back(discard->id, discard->epoch))
    return;
  const auto* prepare = std::get_if<core::Prepare>(&step);
  if (!prepare || !alters_.wanted()) return children_.carry_out(step);
  alters_.ask({prepare->id, prepare->spec}, prepare->epoch, false,
              [this, prepare = *prepare](const core::SpecPtr& run) { children_.prepare(prepare, run); });
}

void Driver::start_now(const core::Start& start, const core::SpecPtr& run) {
  const auto stage = leaving_.stage();
  if (stage == Leaving::Stage::ending || stage == Leaving::Stage::over) return;  // Goodbye follows
  try {
    children_.start(start, run);
  } catch (const std::exception& error) {  // no memory or no thread for it here; elsewhere there may be
    post(core::StartFailed{start.id, start.epoch, error.what(), {}});
  }
}

void Driver::stop(const core::Stop& stop) {
  if (alters_.take_back(stop.id, stop.epoch))
    return post(core::StartFailed{stop.id, stop.epoch, "it was to end before it had started", {}});
  children_.stop(stop);
}

void Driver::send(const std::vector<core::Send>& sends) {
  outbox_.send(sends);
}

void Driver::connect(const core::Connect& connect) {
  if (auto creation = node_.connected_creation(connect.node)) {
    post(core::PeerUp{connect.node, *creation});
    return;
  }
  node_.connect(connect.node, connect.address, connect.last_known);
}

void Driver::disconnect(const core::Disconnect& disconnect) {
  node_.disconnect(disconnect.node);
}

void Driver::reply(const core::Reply& reply) {
  callers_.reply(reply);
}

void Driver::wake(const std::vector<ChildId>& changed) {
  callers_.look_at(changed);
}

void Driver::member(const core::MemberEvent& event) {
  // "draining: drains" says nothing more than "draining".
  const bool says_more = !event.words.empty() && event.state != core::MemberState::draining;
  log::info("{}: member {} is {}{}{}", name(), event.session.node.text(), core::to_string(event.state),
            says_more ? ": " : "", says_more ? event.words : "");
  node_.member_changed(name(), event);
  tell_up();
}

void Driver::tell_up() {
  const core::Core& core = stepper_.core();
  const ComingUp::Facts facts{core.self().state == core::MemberState::up, core.up_nodes().size(),
                              core.settings().expect, locked_};
  const bool is_due = coming_up_.look(std::chrono::steady_clock::now(), facts);
  if (const auto next = coming_up_.deadline()) up_alarm_.at(*next, weak_from_this());
  if (!is_due) return;
  node_.supervisor_is_up(name());
}

void Driver::log(const core::LogLine& line) {
  switch (line.level) {
    case core::LogLevel::debug:
      return log::debug("{}: {}", name(), line.text);
    case core::LogLevel::info:
      return log::info("{}: {}", name(), line.text);
    case core::LogLevel::warning:
      return log::warn("{}: {}", name(), line.text);
    case core::LogLevel::error:
      return log::error("{}: {}", name(), line.text);
  }
}

void Driver::refused(const std::string& words) {
  node_.up().stays_out(
      name(),
      {Errc::refused,
       fmt::format("supervisor {}: {}; give all nodes the same, and start this one anew", name(), words)});
}

// ---- clients -------------------------------------------------------------------------------------------

core::ClientId Driver::ask_here(milliseconds timeout, ClientDone done, std::size_t outcomes) {
  return callers_.ask(timeout, std::move(done), weak_from_this(), outcomes);
}

template <typename MakeEvent>
void Driver::ask(milliseconds timeout, ClientDone done, MakeEvent make_event, std::size_t outcomes) {
  boost::asio::post(node_.control(), [self = shared_from_this(), timeout, outcomes, done = std::move(done),
                                      make_event = std::move(make_event)]() mutable {
    if (self->ended_) return done({}, true);
    self->post(make_event(self->ask_here(timeout, std::move(done), outcomes)));
  });
}

ClientDone Driver::undoing(const std::vector<core::NamedSpec>& specs, ClientDone done) {
  constexpr milliseconds undo_timeout{60'000};
  // What was there before is not of this start, whatever comes of it.
  std::set<ChildId> brought;
  for (const core::NamedSpec& child : specs) {
    const EntryPtr entry = registry_.find(child.id);
    if (!entry || !entry->wanted) brought.insert(child.id);
  }
  return [this, brought = std::move(brought), asked = specs.size(), done = std::move(done)](
             Outcomes outcomes, bool timed_out) mutable {
    bool failed = outcomes.size() < asked;
    for (const core::Outcome& outcome : outcomes) {
      if (!outcome.error) continue;
      failed = true;
      // Any other error says that nothing is left of it.
      if (outcome.error->code != Errc::timeout) brought.erase(outcome.id);
    }
    if (!failed || brought.empty() || ended_) return done(std::move(outcomes), timed_out);
    stop({brought.begin(), brought.end()}, undo_timeout,
         [outcomes = std::move(outcomes), timed_out, done = std::move(done)](const Outcomes& ends,
                                                                             bool) mutable {
           std::map<ChildId, core::Outcome*> known;
           for (core::Outcome& outcome : outcomes) known.emplace(outcome.id, &outcome);
           Outcomes silent;
           for (const core::Outcome& end : ends) {
             if (end.error && end.error->code != Errc::no_such_child) continue;
             const Error late{Errc::timeout, "it did not start in time, and the start was taken back"};
             const auto at = known.find(end.id);
             if (at == known.end())
               silent.push_back({end.id, late, {}, {}, {}});
             else if (at->second->error)
               at->second->error = late;
           }
           outcomes.insert(outcomes.end(), silent.begin(), silent.end());
           done(std::move(outcomes), timed_out);
         });
  };
}

void Driver::start(StartOrder order, std::vector<core::NamedSpec> specs, ClientDone done) {
  const std::size_t outcomes = specs.size();
  if (order.rolls_back) done = undoing(specs, std::move(done));
  if (order.quiet) {
    std::vector<ChildId> ids;
    for (const core::NamedSpec& child : specs) ids.push_back(child.id);
    done = [this, ids, done = std::move(done)](Outcomes all, bool timed_out) {
      event_log_.hush(ids, false);
      done(std::move(all), timed_out);
    };
    boost::asio::post(node_.control(), [self = shared_from_this(), ids = std::move(ids)] {
      self->event_log_.hush(ids, true);
    });
  }
  const milliseconds wait = std::min(order.await_timeout.value_or(order.timeout), order.timeout);
  ask(
      wait, std::move(done),
      [order = std::move(order), specs = std::move(specs)](core::ClientId id) mutable {
        return core::Event(core::ClientStart{id, order.mode, std::move(order.on), std::move(specs),
                                             countable(order.timeout)});
      },
      outcomes);
}

std::shared_ptr<Siblings> Driver::siblings() {
  std::call_once(siblings_made_, [this] {
    siblings_ = std::make_shared<Siblings>(node_.weak_from_this(), weak_from_this());
  });
  return siblings_;
}

void Driver::reset_cluster_size(std::uint32_t size, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [size](core::ClientId id) {
    return core::Event(core::ClientReset{id, size});
  });
}

void Driver::stop(std::vector<ChildId> ids, milliseconds timeout, ClientDone done) {
  const std::size_t outcomes = ids.size();
  ask(
      timeout, std::move(done),
      [timeout, ids = std::move(ids)](core::ClientId id) mutable {
        return core::Event(core::ClientStop{id, std::move(ids), countable(timeout)});
      },
      outcomes);
}

void Driver::retry(const ChildId& child, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [child](core::ClientId id) {
    return core::Event(core::ClientRetry{id, child});
  });
}

void Driver::signal(const ChildId& id, int signal, std::function<void(const Result<void>&)> done) {
  boost::asio::post(node_.control(), [self = shared_from_this(), id, signal, done = std::move(done)] {
    done(self->children_.signal(id, signal));
  });
}

std::optional<Error> Driver::why_it_moves_no_more(const ChildId& child) const {
  const EntryPtr entry = registry_.find(child);
  if (!entry || !entry->wanted) return Error{Errc::stopped, "it was stopped before it ran there"};
  if (entry->failed) return Error{Errc::start_failed, "it is failed: " + *entry->failure};
  return std::nullopt;
}

void Driver::move(core::MoveKind kind, const ChildId& child, const NodeName& to, milliseconds timeout,
                  ClientDone done) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  auto decided = [self = shared_from_this(), kind, child, to, deadline, done = std::move(done)](
                     Outcomes outcomes, bool timed_out) mutable {
    const bool is_done =
        timed_out || kind != core::MoveKind::to_node || outcomes.empty() || outcomes.front().error;
    if (is_done || self->ended_) return done(std::move(outcomes), timed_out);
    const auto left =
        std::max(deadline - std::chrono::steady_clock::now(), std::chrono::steady_clock::duration(0));
    self->callers_.wait(
        child, core::Hlc{}, std::chrono::duration_cast<milliseconds>(left),
        [weak = self->weak_from_this(), child, outcomes = std::move(outcomes),
         done = std::move(done)](bool runs) mutable {
          if (runs) return done(std::move(outcomes), false);
          const auto here = weak.lock();
          auto over = here ? here->why_it_moves_no_more(child) : std::nullopt;
          const bool is_late = !over;
          if (over) outcomes.front().error = std::move(over);
          done(std::move(outcomes), is_late);
        },
        Waiters::Row::is_here, self->weak_from_this(), to);
  };
  ask(timeout, std::move(decided), [kind, child, to](core::ClientId id) {
    return core::Event(core::ClientMove{id, kind, child, to});
  });
}

// Which id it is said for does not matter: one node coordinates all.
void Driver::rebalance(milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [](core::ClientId id) {
    return core::Event(core::ClientMove{id, core::MoveKind::rebalance, *ChildId::atom("rebalance"), {}});
  });
}

void Driver::forget(const NodeName& node, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [node](core::ClientId id) {
    return core::Event(core::ClientForget{id, node});
  });
}

void Driver::lookup(const ChildId& child, milliseconds timeout, ClientDone done) {
  ask(timeout, std::move(done), [child](core::ClientId id) {
    return core::Event(core::ClientLookup{id, child});
  });
}

void Driver::change_roster(std::vector<NodeName> add, std::vector<NodeName> remove, milliseconds timeout,
                           ClientDone done) {
  ask(timeout, std::move(done),
      [add = std::move(add), remove = std::move(remove)](core::ClientId id) mutable {
        return core::Event(core::ClientRoster{id, std::move(add), std::move(remove)});
      });
}

void Driver::drain(Drain kind, milliseconds timeout, ClientDone done) {
  if (kind != Drain::for_good) {
    return ask(timeout, std::move(done), [kind](core::ClientId id) {
      return core::Event(core::ClientDrain{id, false, kind == Drain::take_back});
    });
  }
  auto self = shared_from_this();
  auto answered = [self, done = std::move(done)](Outcomes outcomes, bool timed_out) {
    self->handed_over_ = true;  // as far as it goes
    done(std::move(outcomes), timed_out);
  };
  ask(timeout, std::move(answered), [self](core::ClientId id) {
    self->last_drains_.push_back(id);
    return core::Event(core::ClientDrain{id, true});
  });
}

void Driver::when_running(const ChildId& id, core::Hlc not_epoch, milliseconds timeout,
                          std::function<void(bool)> then, Row row) {
  boost::asio::post(node_.control(), [self = shared_from_this(), id, not_epoch, timeout,
                                      then = std::move(then), row]() mutable {
    if (self->ended_) return then(false);
    self->callers_.wait(id, not_epoch, timeout, std::move(then), row, self->weak_from_this());
  });
}

void Driver::with_core(std::function<void(const core::Core&)> read) {
  boost::asio::post(node_.control(),
                    [self = shared_from_this(), read = std::move(read)] { read(self->stepper_.core()); });
}

void Driver::note_subscription(const Ref& ref, std::uint64_t number) {
  const std::scoped_lock lock(subscriptions_mutex_);
  // It may have ended before it was noted.
  if (hooks_->is_subscribed(number)) subscriptions_.emplace(ref, number);
}

bool Driver::end_subscription(const Ref& ref) {
  std::optional<std::uint64_t> number;
  {
    const std::scoped_lock lock(subscriptions_mutex_);
    const auto found = subscriptions_.find(ref);
    if (found != subscriptions_.end()) number = found->second;
  }
  if (number) end_subscription(*number);
  return number.has_value();
}

void Driver::end_subscription(std::uint64_t number) {
  hooks_->unsubscribe(number);
  const std::scoped_lock lock(subscriptions_mutex_);
  std::erase_if(subscriptions_, [number](const auto& one) { return one.second == number; });
}

// ---- the end ---------------------------------------------------------------------------------------------

void Driver::leave(milliseconds hand_over, std::function<void(bool)> done) {
  boost::asio::post(node_.control(),
                    [self = shared_from_this(), hand_over, done = std::move(done)]() mutable {
                      self->begin_to_leave(hand_over, std::move(done));
                    });
}

void Driver::begin_to_leave(milliseconds hand_over, std::function<void(bool)> done) {
  if (ended_) return done(children_.size() == 0);
  when_over_.push_back(std::move(done));
  if (leaving_.stage() != Leaving::Stage::here) return;
  // Who is fenced has nobody to hand anything to. Others have given it up, or soon will.
  const bool can = stepper_.is_booted() && !fenced_ && !left_ && !handed_over_ && hand_over.count() > 0;
  leaving_.begin(std::chrono::steady_clock::now(), can ? hand_over : milliseconds(0));
  if (can && last_drains_.empty()) {
    const auto id = ask_here(hand_over, [this](const Outcomes&, bool) {
      handed_over_ = true;
      tend_leaving();
    });
    post(core::ClientDrain{id, true});
  }
  tend_leaving();
}

void Driver::tend_leaving() {
  const auto now = std::chrono::steady_clock::now();
  const auto facts = [&] {
    // What has moved away still answers callers through this node.
    return Leaving::Facts{(handed_over_ || left_) && children_.departed() == 0, children_.size(),
                          children_.only_unkillable(now)};
  };
  while (const auto stage = leaving_.next(now, facts())) {
    if (*stage == Leaving::Stage::ending) {
      if (children_.size() > 0)
        log::debug("{}: {} children end here: {}", name(), children_.size(), children_.first_words());
      leaving_.ends_by(children_.end_all(node_.options().infinity_at_end));
    } else if (*stage == Leaving::Stage::over) {
      end();
    }
  }
  if (const auto next = leaving_.deadline()) leaving_alarm_.at(*next, weak_from_this());
}

void Driver::departed(const Children::Slot& slot) {
  children_.forget(slot);
  if (leaving_.stage() != Leaving::Stage::here) tend_leaving();
}

void Driver::children_overdue() {
  if (!children_.only_unkillable(std::chrono::steady_clock::now())) return;
  // Who drains for good would wait in vain for handlers that do not return.
  for (const core::ClientId id : std::exchange(last_drains_, {})) callers_.give_up(id);
  tend_leaving();
}

void Driver::end() {
  load_reports_.end();
  stepper_.end();
  if (!left_ && stepper_.is_booted()) {
    // Others need not find out for themselves: this node's instances are gone, and none of them is to blame.
    core::Send goodbye{{}, core::Goodbye{}};
    for (const core::Member& each : stepper_.core().members())
      if (each.session.node != node_.name()) goodbye.to.push_back(each.session.node);
    outbox_.send({goodbye});
  }
  ended_ = true;
  alters_.clear();
  hook_feed_.end("shutdown");
  pg().stop();
  up_alarm_.off();
  leaving_alarm_.off();
  fence(false);
  callers_.give_up_all();
  for (const auto& done : std::exchange(when_over_, {})) done(children_.size() == 0);
}

}  // namespace brood::supervisor
