#include "process/runtime.hpp"

#include <algorithm>

#include "process/local/lasting.hpp"
#include "process/runtime_core.hpp"
#include "process/sched/left_behind.hpp"

namespace brood::process {

namespace {

SchedulerOptions scheduler_options(const RuntimeOptions& options) {
  const unsigned threads =
      options.threads != 0 ? options.threads : std::max(2U, std::thread::hardware_concurrency());
  return SchedulerOptions{threads, options.replacements_max, options.stuck_after};
}

}  // namespace

RuntimeCore::RuntimeCore(NodeName name, std::uint32_t creation, RuntimeOptions runtime_options)
    : identity(std::move(name), creation),
      options(runtime_options),
      desk(identity, timers, remote),
      scheduler(scheduler_options(runtime_options), [this](Process& process) { run_safely(process); }) {}

std::size_t RuntimeCore::stop(std::chrono::milliseconds patience) {
  {
    std::unique_lock lock(stop_mutex_);
    if (is_stopped_) return left_stuck_;
    is_stopped_ = true;
  }
  stopping = true;
  for (const ProcessPtr& process : table.all())
    signal(*process, std::make_unique<ExitEnvelope>(identity.pid(outside), ExitReason::shutdown(),
                                                    ExitEnvelope::Source::stop));
  {
    std::unique_lock lock(stop_mutex_);
    const auto bounded = std::min<std::chrono::milliseconds>(patience, std::chrono::hours(24 * 365));
    process_ended_.wait_for(lock, bounded, [this] { return table.count() == 0; });
  }
  const std::vector<Process*> stuck = scheduler.stop();
  for (Process* process : stuck) leave_behind(ProcessPtr(process));
  // No thread runs a process now, but for the stuck ones: those that had no time to end do it here.
  for (const ProcessPtr& process : table.all()) {
    if (std::find(stuck.begin(), stuck.end(), process.get()) != stuck.end()) continue;
    process->begin_end(ExitReason::killed(), true);
    end(*process);
  }
  timers.stop();
  desk.close();
  std::lock_guard lock(stop_mutex_);
  left_stuck_ = stuck.size();
  return left_stuck_;
}

RuntimeStats RuntimeCore::stats() const {
  return RuntimeStats{table.count(),
                      delivered.load(std::memory_order_relaxed),
                      dropped.load(std::memory_order_relaxed) + remote.dropped(),
                      callbacks_failed(),
                      malformed.load(std::memory_order_relaxed),
                      scheduler.stuck_count(),
                      scheduler.thread_count(),
                      scheduler.waiting()};
}

Runtime::Runtime(NodeName name, std::uint32_t creation, RuntimeOptions options)
    : core_(std::make_shared<RuntimeCore>(std::move(name), creation, options)) {
  core_->scheduler.start(core_);
}

Runtime::~Runtime() {
  core_->stop(std::chrono::seconds(5));
  core_->remote.set(nullptr);
}

std::size_t Runtime::stop(std::chrono::milliseconds patience) {
  return core_->stop(patience);
}
void Runtime::set_poller(std::shared_ptr<Poller> poller) {
  core_->scheduler.set_poller(std::move(poller));
}
bool Runtime::wake_to_poll() {
  return core_->scheduler.wake_to_poll();
}
void Runtime::set_remote(Remote* remote) {
  core_->remote.set(remote);
}
void Runtime::rename(NodeName name, std::uint32_t creation) {
  core_->identity.rename(std::move(name), creation);
}
bool Runtime::is_here(const NodeName& node) const {
  return core_->identity.is_here(node);
}
const NodeName& Runtime::name() const {
  return core_->identity.name();
}
std::uint32_t Runtime::creation() const {
  return core_->identity.creation();
}

Pid Runtime::spawn(std::unique_ptr<Behaviour> behaviour, SpawnOptions options) {
  return core_->spawn(std::move(behaviour), std::move(options));
}

void Runtime::exit(const Pid& to, ExitReason reason) {
  const bool here = core_->identity.is_here(to.node);
  // In another node's signal it is `kill` that cannot be trapped; its process then ends as `killed`.
  if (!here && reason.term().is_atom("killed")) reason = ExitReason(Term::atom("kill"));
  core_->exit(core_->identity.pid(outside), to, std::move(reason),
              here ? ExitEnvelope::Source::owner : ExitEnvelope::Source::other);
}

void RuntimeCore::set_role(const Pid& to, Runtime::RoleChange change) {
  const ProcessPtr process = find(to);
  if (!process) return;
  auto job = [raw = process.get(), change = std::move(change)] {
    if (change.before) change.before();
    raw->set_role(change.role, change.epoch_clock);
    if (Lasting* lasting = raw->lasting()) return lasting->change_role(change);
    if (change.is_told) raw->behaviour->role_changed(change.role);
    if (change.done) change.done();
  };
  (void)signal(*process, std::make_unique<JobEnvelope>(std::move(job)));
}

void Runtime::set_role(const Pid& to, RoleChange change) {
  core_->set_role(to, std::move(change));
}

bool Runtime::is_alive(const Pid& pid) const {
  return core_->is_alive(pid);
}
std::size_t Runtime::process_count() const {
  return core_->table.count();
}

Result<void> Runtime::register_name(const Atom& name, const Pid& pid) {
  return core_->names.add(name, Identity::local(pid), [&] { return core_->is_alive(pid); });
}

Result<void> Runtime::register_sink(const Atom& name, std::function<void(Incoming)> sink) {
  return core_->names.add_sink(name, std::move(sink));
}

void Runtime::unregister_name(const Atom& name) {
  for (const auto& [watcher, ref] : core_->names.remove(name))
    core_->notify_down(Watcher{{}, 0, true, watcher, ref, name}, core_->identity.pid(outside),
                       ExitReason::noproc());
}

std::optional<Pid> Runtime::whereis(const Atom& name) const {
  const Names::Holder holder = core_->names.find(name);
  const auto* pid = std::get_if<LocalPid>(&holder);
  return pid == nullptr ? std::nullopt : std::optional(core_->identity.pid(*pid));
}

Result<void> Runtime::send(const Address& to, Message message) {
  return core_->send(core_->identity.pid(outside), to, std::move(message));
}

Result<void> Runtime::cast(const Address& to, Message message) {
  return core_->cast(core_->identity.pid(outside), to, std::move(message));
}

Result<void> Runtime::send_named(const NamedProcess& to, EncodedTerm term) {
  return core_->send_named(core_->identity.pid(outside), to, std::move(term));
}

void Runtime::call(const Address& to, Message message, std::chrono::milliseconds timeout, CallDone done) {
  const PendingCallPtr call = core_->desk.open(std::move(done));
  core_->call(to, std::move(message), call);
  core_->desk.limit(call, timeout);
}

void Runtime::call_named(const NamedProcess& to, EncodedTerm request, std::chrono::milliseconds timeout,
                         CallDone done) {
  const PendingCallPtr call = core_->desk.open(std::move(done));
  core_->call_named(to, std::move(request), call);
  core_->desk.limit(call, timeout);
}

Future<EncodedTerm> Runtime::ask(const Address& to, Message message, std::chrono::milliseconds timeout) {
  return core_->ask(to, std::move(message), timeout);
}

std::optional<Pid> Runtime::running() {
  const Process* process = Scheduler::running();
  return process == nullptr ? std::nullopt : std::optional(process->self());
}

void Runtime::block(const std::function<void()>& wait) {
  const Scheduler::BlockingScope blocking;
  wait();
}

WaitBegun Runtime::begin_wait(const Pid& caller, const Pid& callee) {
  const bool is_near = core_->identity.owns(callee);
  return core_->waits.add(core_->identity.waiter(caller), core_->identity.waiter(callee),
                          is_near ? std::nullopt : std::optional(callee));
}

WaitTrail Runtime::follow_waits(const Pid& from) const {
  return core_->waits.follow(core_->identity.waiter(from));
}

void Runtime::end_wait(const Pid& caller, const Pid& callee) {
  core_->waits.remove(core_->identity.waiter(caller), core_->identity.waiter(callee));
}

void Runtime::reply(BytesView from, EncodedTerm answer) {
  core_->reply(from, std::move(answer));
}

Ref Runtime::monitor(const Pid& to, std::function<void(const ExitReason&)> down) {
  return core_->monitor(Monitored{to, {}}, std::move(down));
}
Ref Runtime::monitor_named(const NamedProcess& to, std::function<void(const ExitReason&)> down) {
  return core_->monitor(core_->resolve(to), std::move(down));
}

void Runtime::demonitor(const Ref& ref) {
  core_->demonitor(ref);
}

void Runtime::set_fence_limit(std::chrono::milliseconds limit) {
  core_->fence.set_limit(limit);
  core_->open_fence();
}

void Runtime::beat() {
  core_->fence.beat();
  core_->open_fence();
}

void Runtime::set_fenced(bool fenced) {
  core_->fence.set_fenced(fenced);
  core_->open_fence();
}

const WorkerIdentity* Runtime::running_on_this_thread() noexcept {
  return running_identity;
}

RuntimeStats Runtime::stats() const {
  return core_->stats();
}

}  // namespace brood::process
