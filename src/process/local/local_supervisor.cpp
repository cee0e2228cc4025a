#include "process/local/local_supervisor.hpp"

#include <algorithm>

#include "process/log/log.hpp"
#include "process/runtime_core.hpp"

namespace brood::process {

namespace {

/// How long an answer may be on its way to whoever waits for it.
constexpr std::chrono::milliseconds circle_pause{100};

/// An inner child has no more time to end.
struct Overdue final : TimerNode {
  Overdue(std::shared_ptr<InnerNews> to, std::uint64_t number) : news(std::move(to)), run(number) {}
  void fire() override { news->put({InnerEvent::Kind::overdue, run, {}, {}}); }
  std::shared_ptr<InnerNews> news;
  std::uint64_t run;
};

Error failed_to_start(const Id& id, const Error& error) {
  Term reason =
      Term::tuple({Term::atom("shutdown"),
                   Term::tuple({Term::atom("failed_to_start_child"), id.term(), reason_of(error)})});
  return {Errc::start_failed, fmt::format("inner child '{}' did not start: {}", id.text(), error.message),
          encode_term(reason)};
}

}  // namespace

LocalSupervisor::~LocalSupervisor() {
  if (!news_) return;
  news_->close();
  // Only where nothing is waited for: the runtime stops, or its own code has failed.
  for (const auto& inner : inners_)
    signal(*inner, core_->stopping.load() ? ExitReason::shutdown() : ExitReason::killed());
}

Result<void> LocalSupervisor::start(Context& context) {
  auto spec = read_supervisor(args_);
  args_ = EncodedTerm{};
  if (!spec) return spec.error();
  process_ = static_cast<Process*>(&context);
  core_ = &process_->core();
  context.trap_exit(true);
  spec_ = *std::move(spec);
  window_.emplace(spec_.intensity, spec_.period);
  for (InnerSpec& child : spec_.children) inners_.push_back(std::make_unique<Inner>(Inner{std::move(child)}));
  spec_.children.clear();
  news_ = std::make_shared<InnerNews>([this, post = context.poster()] { post([this] { run(serve()); }); },
                                      process_->on_stuck);
  run(begin());
  return {};
}

std::string LocalSupervisor::name() const {
  const WorkerIdentity& identity = process_->identity();
  if (identity.supervisor.empty()) return to_string(process_->self());
  return fmt::format("{} of {}", to_string(identity.child_id.term()), identity.supervisor);
}

// ---- its handlers ----------------------------------------------------------------------------------------

namespace {

detail::Handling whole(Task<void> task) {
  co_await task;
}

}  // namespace

void LocalSupervisor::run(Task<void> task) {
  running_ = whole(std::move(task));
  running_.begin(process_);
  over();
}

void LocalSupervisor::resume(std::coroutine_handle<> at) {
  at.resume();
  over();
}

// What came while it was busy with something else was left.
void LocalSupervisor::over() {
  if (!running_.done()) return;
  running_ = {};
  if (news_->has_some()) later([this] { run(serve()); });
}

void LocalSupervisor::later(std::function<void()> job) {
  process_->poster()(std::move(job));
}

Task<void> LocalSupervisor::begin() {
  std::optional<Term> failed;
  auto starting = start_from(0, failed);
  start_result_ = co_await starting;
  if (start_result_) co_return;
  auto stopping = stop_from(0);
  co_await stopping;
}

void LocalSupervisor::terminate(const ExitReason&) {
  run(stop_from(0));
}

void LocalSupervisor::kill() {
  is_killed_ = true;
  for (auto inner = inners_.rbegin(); inner != inners_.rend(); ++inner) signal(**inner, ExitReason::killed());
}

Task<void> LocalSupervisor::serve() {
  auto event = news_->take([](const InnerEvent&) { return true; });
  if (!event || event->kind != InnerEvent::Kind::ended) co_return;
  auto handling = on_ended(*std::move(event));
  co_await handling;
}

// ---- starting and ending ---------------------------------------------------------------------------------

Task<InnerEvent> LocalSupervisor::next_of(std::uint64_t run) {
  for (;;) {
    auto taken = news_->take_or_wait([run](const InnerEvent& event) { return event.run == run; });
    if (auto* event = std::get_if<InnerEvent>(&taken)) co_return std::move(*event);
    const Future<void> more = std::get<Future<void>>(taken);
    (void)co_await more;
  }
}

SpawnOptions LocalSupervisor::options_for(const Inner& inner) {
  const std::uint64_t run = inner.run;
  SpawnOptions options;
  options.identity = process_->identity();
  options.identity.inner_id = std::make_shared<const Id>(inner.spec.id);
  options.heeds_fence = process_->heeds_fence;
  options.on_started = [news = news_, run](const Result<void>& result) {
    news->put({InnerEvent::Kind::started, run, result, {}});
  };
  options.on_exit = [news = news_, run](const ExitReason& reason) {
    news->put({InnerEvent::Kind::ended, run, {}, reason});
  };
  options.on_stuck = [news = news_](bool is_stuck) { news->stuck(is_stuck); };
  return options;
}

/// The supervisor waits for one of its own: who calls it from there is told that this makes a circle.
class LocalSupervisor::Waiting {
 public:
  explicit Waiting(const LocalSupervisor& own)
      : waits_(own.core_->waits),
        identity_(own.core_->identity),
        from_(identity_.waiter(own.process_->self())) {}
  ~Waiting() { waits_.remove(from_, to_); }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  /// False: that one waits for the supervisor already, directly or through others.
  bool begin(const Pid& inner) {
    to_ = identity_.waiter(inner);
    return waits_.add(from_, to_) != WaitBegun::circle;
  }

 private:
  WaitGraph& waits_;
  const Identity& identity_;
  WaiterKey from_;
  WaiterKey to_ = from_;
};

LocalSupervisor::Outcome LocalSupervisor::start_inner(Inner& inner) {
  inner.restarting = false;
  if (is_killed_) co_return Error{Errc::stopped, "its supervisor was killed"};
  auto behaviour = make_(inner.spec.run.name, inner.spec.run.args);
  if (!behaviour) co_return behaviour.error();
  inner.run = ++last_run_;
  Waiting noted(*this);
  SpawnOptions options = options_for(inner);
  options.on_reserved = [&noted](const Pid& pid) { (void)noted.begin(pid); };
  inner.pid = core_->spawn(*std::move(behaviour), std::move(options));
  auto waiting = next_of(inner.run);
  const InnerEvent event = co_await waiting;
  if (!event.result) {
    inner.run = 0;
    co_return event.result.error();
  }
  if (told_role_)
    core_->set_role(inner.pid, {.role = *told_role_, .epoch_clock = process_->identity().epoch_clock});
  co_return Result<void>();
}

LocalSupervisor::Outcome LocalSupervisor::start_from(std::size_t first, std::optional<Term>& failed) {
  for (std::size_t i = first; i < inners_.size(); ++i) {
    Inner& inner = *inners_[i];
    if (inner.run != 0) continue;
    auto starting = start_inner(inner);
    const Result<void> started = co_await starting;
    if (started) continue;
    failed = inner.spec.id.term();
    co_return failed_to_start(inner.spec.id, started.error());
  }
  co_return Result<void>();
}

void LocalSupervisor::signal(const Inner& inner, const ExitReason& reason) {
  if (inner.run != 0) core_->exit(process_->self(), inner.pid, reason, ExitEnvelope::Source::owner);
}

Task<void> LocalSupervisor::stop_inner(Inner& inner) {
  inner.restarting = false;
  if (inner.run == 0) co_return;
  const Shutdown shutdown = inner.spec.shutdown.of(inner.spec.run.type);
  const bool at_once = is_killed_ || (!shutdown.infinity && shutdown.patience->count() == 0);
  signal(inner, at_once ? ExitReason::killed() : ExitReason::shutdown());
  // One whose handler waits for an answer of this very supervisor would not end by itself, and has no time.
  Waiting noted(*this);
  bool in_circle = !noted.begin(inner.pid);
  TimerPtr overdue;
  const auto give = [&](std::chrono::milliseconds time) {
    overdue = new Overdue(news_, inner.run);
    core_->timers.add(overdue, time);
  };
  if (!at_once && in_circle) {
    give(circle_pause);
  } else if (!at_once && !shutdown.infinity) {
    give(*shutdown.patience);
  }
  for (;;) {
    auto waiting = next_of(inner.run);
    const InnerEvent event = co_await waiting;
    if (event.kind == InnerEvent::Kind::ended) break;
    if (in_circle && noted.begin(inner.pid)) {  // it has had its answer, and only not been told before
      in_circle = false;
      if (!shutdown.infinity) give(*shutdown.patience);
    } else {
      signal(inner, ExitReason::killed());
    }
  }
  if (overdue) core_->timers.cancel(*overdue);
  inner.run = 0;
}

Task<void> LocalSupervisor::stop_from(std::size_t first) {
  for (std::size_t i = inners_.size(); i-- > first;) {
    auto stopping = stop_inner(*inners_[i]);
    co_await stopping;
  }
  const auto gone = [](const auto& inner) { return inner->spec.restart == Restart::temporary; };
  inners_.erase(std::remove_if(inners_.begin() + static_cast<std::ptrdiff_t>(first), inners_.end(), gone),
                inners_.end());
}

// ---- ends of inner children ------------------------------------------------------------------------------

std::size_t LocalSupervisor::place_of(const Term& id) const {
  const auto found = std::find_if(inners_.begin(), inners_.end(),
                                  [&](const auto& inner) { return inner->spec.id.term() == id; });
  return static_cast<std::size_t>(found - inners_.begin());
}

LocalSupervisor::Inner* LocalSupervisor::find(const Term& id) const {
  const std::size_t place = place_of(id);
  return place == inners_.size() ? nullptr : inners_[place].get();
}

Task<void> LocalSupervisor::on_ended(InnerEvent event) {
  const auto found = std::find_if(inners_.begin(), inners_.end(),
                                  [&](const auto& inner) { return inner->run == event.run; });
  if (found == inners_.end()) co_return;
  Inner& inner = **found;
  inner.run = 0;
  const bool normal = event.reason.is_normal();
  const Restart rule = inner.spec.restart;
  if (rule == Restart::permanent || !normal)
    log::info("{}: inner child {} ended: {}", name(), inner.spec.id.text(), event.reason.text());
  if (rule == Restart::permanent || (rule == Restart::transient && !normal)) {
    auto restarting = restart(inner.spec.id.term());
    co_await restarting;
    co_return;
  }
  const bool significant = inner.spec.significant;
  if (rule == Restart::temporary) inners_.erase(found);
  if (significant) shut_down_if_due();
}

void LocalSupervisor::shut_down_if_due() {
  const bool others = std::any_of(inners_.begin(), inners_.end(), [](const auto& inner) {
    return inner->spec.significant && (inner->run != 0 || inner->restarting);
  });
  if (spec_.auto_shutdown == AutoShutdown::any_significant || !others) process_->stop(ExitReason::shutdown());
}

// The one that has ended does not run. With the others that the strategy names it is started again.
Task<void> LocalSupervisor::restart(Term id) {
  if (!window_->add(std::chrono::steady_clock::now())) {
    log::warn("{}: more than {} restarts of inner children within {} s, the last one of {}: it gives up",
              name(), spec_.intensity, spec_.period.count(), Id(id).text());
    process_->stop(ExitReason::shutdown());
    co_return;
  }
  const std::size_t first = spec_.strategy == RestartStrategy::one_for_all ? 0 : place_of(id);
  std::optional<Term> failed;
  if (spec_.strategy == RestartStrategy::one_for_one) {
    auto starting = start_inner(*inners_[first]);
    const Result<void> started = co_await starting;
    if (started) co_return;
    failed = id;
  } else {
    auto stopping = stop_from(first);
    co_await stopping;
    auto starting = start_from(first, failed);
    (void)co_await starting;
    if (!failed) co_return;
  }
  // Others have their turn before it is tried again; how often that is, the intensity says.
  find(*failed)->restarting = true;
  later([this, id = *failed] { run(try_again(id)); });
}

Task<void> LocalSupervisor::try_again(Term id) {
  const Inner* inner = find(id);
  if (inner == nullptr || !inner->restarting) co_return;
  auto restarting = restart(std::move(id));
  co_await restarting;
}

void LocalSupervisor::change_role(const Runtime::RoleChange& change) {
  if (change.is_told) told_role_ = change.role;
  // Called when the last of the copies has gone: run, or dropped with a process that has ended.
  const std::shared_ptr<void> all(nullptr, [done = change.done](void*) {
    if (done) done();
  });
  for (const auto& inner : inners_) {
    if (inner->run == 0) continue;
    core_->set_role(inner->pid, {.role = change.role,
                                 .epoch_clock = change.epoch_clock,
                                 .is_told = change.is_told,
                                 .done = [all] {}});
  }
}

}  // namespace brood::process
