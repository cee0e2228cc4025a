#include "exec/launcher/engine.hpp"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <utility>

#include "exec/launcher/engine_record.hpp"
#include "exec/launcher/start_error.hpp"
#include "exec/launcher/sweep.hpp"
#include "exec/logs/last_end.hpp"

namespace brood::exec {

namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr std::uint64_t wake_tag = 0;
constexpr milliseconds sweep_period{50};
constexpr milliseconds no_limit{-1};  // of epoll_wait
constexpr milliseconds shutdown_max{5000};

/// Tells two nodes, and two starts of one, apart in /proc.
std::string random_prefix() {
  std::uint64_t words[2] = {0, 0};
  if (getrandom(words, sizeof words, GRND_NONBLOCK) != sizeof words) {
    words[0] = static_cast<std::uint64_t>(boot_time_ns());
    words[1] = static_cast<std::uint64_t>(getpid());
  }
  return fmt::format("{:016x}{:016x}-", words[0], words[1]);
}

/// The folder that is given, or else one of our own; empty if there is none to be had.
std::string choose_log_dir(const std::string& wanted, PrivateFolder& own) {
  if (!wanted.empty()) return wanted;
  const std::string parent = temporary_folder();
  remove_abandoned_folders(parent);
  return own.make(parent) ? own.path() : "";
}

/// Makes the path absolute too, for shims in other folders.
Result<void> make_log_dir(std::string& path) {
  if (path.empty()) return {Errc::io, "cannot make a folder for logs in the folder for temporary files"};
  std::error_code error;
  path = std::filesystem::absolute(path, error).string();
  if (!error) std::filesystem::create_directories(path, error);
  if (error) return {Errc::io, "cannot make the log folder " + path + ": " + error.message()};
  if (access(path.c_str(), W_OK | X_OK) == 0) return {};
  return {Errc::io, "cannot write to the log folder " + path + ": " + std::generic_category().message(errno)};
}

/// Makes the shim kill its program. It still can say how that went.
void hang_up(const ShimProcess& shim) {
  if (!shim.control) return;
  shutdown(shim.control.get(), SHUT_WR);
  kill(shim.pid, SIGCONT);  // not reaped while its socket is open, so the number is its own
}

}  // namespace

Engine::Engine(asio::io_context& io, LauncherOptions options)
    : io_(io),
      heartbeat_(options.heartbeat_limit),
      shim_path_(find_shim(options.shim_path)),
      environment_(current_environment()),
      log_dir_(choose_log_dir(options.log_dir, own_log_dir_)),
      log_dir_ready_(make_log_dir(log_dir_)),
      log_bytes_max_(options.log_bytes_max),
      journal_socket_(options.journal_socket),
      syslog_socket_(options.syslog_socket),
      cgroups_(options.cgroup_files),
      keeper_(log_dir_, options.log_limits),
      instance_prefix_(random_prefix()),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  // What earlier nodes left in a folder that outlives them becomes old too.
  if (log_dir_ready_ && own_log_dir_.path().empty()) keeper_.begin();
  if (wake_ && epoll_) watch(wake_.get(), wake_tag);
}

Engine::~Engine() {
  shutdown();
}

Result<void> Engine::check() const {
  if (!wake_ || !epoll_) return {Errc::io, "cannot watch programs: too many open files"};
  if (auto ready = heartbeat_.ready(); !ready) return ready;
  if (!shim_path_) return shim_path_.error();
  const std::string children = fmt::format("/proc/self/task/{}/children", getpid());
  if (access(children.c_str(), R_OK) != 0) {
    return {Errc::io, "programs need " + children + ": is /proc mounted, and is this kernel of Linux?"};
  }
  return log_dir_ready_;
}

std::string Engine::log_folder(std::string_view log_name) const {
  return log_dir_ + '/' + log_file_name(log_name);
}

bool Engine::watch(int fd, std::uint64_t tag) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = tag;
  return epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

// --- Left by any thread ---------------------------------------------------------------------------------

/// False if the job will not run: the launcher is ending, or the system gives no thread.
bool Engine::enqueue(Job job) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
    try {
      if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
    } catch (const std::system_error&) {
      return false;
    }
    jobs_.push_back(std::move(job));
  }
  eventfd_write(wake_.get(), 1);
  return true;
}

std::shared_ptr<Program> Engine::start(std::string log_name, Command command, Launcher::OnStarted on_started,
                                       Launcher::OnExit on_exit, Launcher::OnReady on_ready) {
  std::uint64_t key = 0;
  {
    const std::lock_guard lock(mutex_);
    key = next_key_++;
  }
  auto program = std::make_shared<Program>(weak_from_this(), key);
  auto record = std::make_shared<std::unique_ptr<Record>>(std::make_unique<Record>(key, io_));
  (*record)->log_name = std::move(log_name);
  (*record)->command = std::move(command);
  (*record)->on_started = std::move(on_started);
  (*record)->on_exit = std::move(on_exit);
  (*record)->on_ready = std::move(on_ready);
  (*record)->pid = program->pid_;
  (*record)->abandoned = program->abandoned_;
  ++running_;
  const bool queued = enqueue([this, record] {
    const std::uint64_t its_key = (*record)->key;
    auto& before = names_[(*record)->log_name];
    before.insert(its_key);
    Record& mine = *(records_[its_key] = std::move(*record));
    if (*before.begin() == its_key) spawn(mine);
  });
  if (!queued) report_started(**record, Error{Errc::start_failed, "no thread to start programs from"});
  return program;
}

void Engine::stop(std::uint64_t key, milliseconds shutdown) {
  enqueue([this, key, shutdown] {
    const auto found = records_.find(key);
    if (found == records_.end()) return;
    if (found->second->phase == Phase::waiting) return drop_waiting(*found->second);
    send_stop(*found->second, shutdown);
  });
}

void Engine::signal(std::uint64_t key, int signal) {
  enqueue([this, key, signal] {
    const auto found = records_.find(key);
    if (found == records_.end() || !found->second->shim.control) return;
    const ShimMessage message{.kind = ShimMessageKind::signal, .signal = signal};
    send(found->second->shim.control.get(), &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
}

void Engine::follow(std::uint64_t key, Command command) {
  auto shared = std::make_shared<Command>(std::move(command));
  enqueue([this, key, shared] {
    const auto found = records_.find(key);
    if (found == records_.end()) return;
    Record& record = *found->second;
    record.command.stop_signal = shared->stop_signal;
    record.command.log_bytes_max = shared->log_bytes_max;
    ProgramOptions& options = record.command.options;
    options.log_size = shared->options.log_size;
    options.log_files = shared->options.log_files;
    options.log_timestamps = shared->options.log_timestamps;
    if (!record.shim.control) return;
    const ShimMessage message{.kind = ShimMessageKind::log,
                              .code = static_cast<std::int32_t>(log_files_of(record.command)),
                              .detail = options.log_timestamps ? 1 : 0,
                              .log_bytes = log_size_of(record.command, log_bytes_max_)};
    send(record.shim.control.get(), &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT);
  });
}

void Engine::abandon(std::uint64_t key) {
  enqueue([this, key] {
    const auto found = records_.find(key);
    if (found == records_.end()) return;
    if (found->second->phase == Phase::waiting) return drop_waiting(*found->second);
    hang_up(found->second->shim);
  });
}

void Engine::beat() noexcept {
  heartbeat_.beat();
  if (asleep_.load() == 0) return;
  try {
    enqueue([this] { spawn_after_sleep(); });
  } catch (const std::bad_alloc&) {
    return;  // the next beat does it
  }
}

void Engine::limit_changed() {
  {
    const std::lock_guard lock(mutex_);
    if (!thread_.joinable()) return;  // nothing runs
  }
  enqueue([this] {
    const ShimMessage look{.kind = ShimMessageKind::look};
    for (auto& [key, record] : records_) {
      // A shim with no room for it has more to read, and looks at the page after that.
      if (record->shim.control)
        send(record->shim.control.get(), &look, sizeof look, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  });
}

// --- The engine's thread --------------------------------------------------------------------------------

void Engine::run() {
  while (true) {
    run_jobs();
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
    }
    wait_events(sweep_all() ? sweep_period : no_limit);
  }
  close_all();
}

void Engine::run_jobs() {
  std::vector<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  for (auto& job : jobs) job();
}

void Engine::wait_events(milliseconds limit) {
  static constexpr int events_max = 64;
  epoll_event events[events_max];
  const int count = epoll_wait(epoll_.get(), events, events_max, static_cast<int>(limit.count()));
  for (int i = 0; i < count; ++i) on_event(events[i].data.u64);
}

void Engine::on_event(std::uint64_t tag) {
  if (tag == wake_tag) {
    eventfd_t value = 0;
    eventfd_read(wake_.get(), &value);
    return;
  }
  const auto found = records_.find(tag & ~ready_bit);
  if (found == records_.end()) return;
  (tag & ready_bit) != 0 ? on_ready_socket(*found->second) : on_control(*found->second);
}

/// It was stopped before its turn came.
void Engine::drop_waiting(Record& record) {
  report_started(record, stopped_before_start());
  retire(record);
}

/// Whoever waits for that name has its turn.
void Engine::leave_name(Record& record) {
  const auto found = names_.find(record.log_name);
  if (found == names_.end() || found->second.erase(record.key) == 0) return;
  if (found->second.empty()) {
    names_.erase(found);
    return;
  }
  // As a job of its own: this one is in the middle of something.
  enqueue([this, next = *found->second.begin()] {
    const auto waiting = records_.find(next);
    if (waiting != records_.end() && waiting->second->phase == Phase::waiting) spawn(*waiting->second);
  });
}

void Engine::on_ready_socket(Record& record) {
  if (!record.ready.is_said() || !record.on_ready) return;
  auto call = [callback = std::exchange(record.on_ready, {}), abandoned = record.abandoned,
               closed = closed_] {
    if (!abandoned->load() && !closed->load()) callback();
  };
  asio::post(record.strand, std::move(call));
}

void Engine::on_control(Record& record) {
  while (true) {
    ShimMessage message;
    const ssize_t n = recv(record.shim.control.get(), &message, sizeof message, MSG_DONTWAIT);
    if (n == sizeof message) {
      on_message(record, message);
      continue;
    }
    if (n < 0 && errno == EAGAIN) return;
    // A reset (the shim ended with a stop unread) is told before its last words, once.
    if (n < 0 && (errno == EINTR || errno == ECONNRESET)) continue;
    return on_shim_end(record);
  }
}

void Engine::on_message(Record& record, const ShimMessage& message) {
  switch (message.kind) {
    case ShimMessageKind::started:
      record.started = true;
      record.phase = Phase::running;
      record.pid->store(message.pid);
      return report_started(record, pid_t{message.pid});
    case ShimMessageKind::start_failed:
      return report_started(record, start_error(record.command, message.step, message.code, message.detail));
    case ShimMessageKind::ended:
      if (!record.started) return report_started(record, stopped_before_start());
      return report_ended(record, {.code = message.code,
                                   .signal = message.signal,
                                   .cause = static_cast<EndCause>(message.cause),
                                   .log_bytes_lost = message.lost,
                                   .left_behind = static_cast<std::uint32_t>(message.left)});
    case ShimMessageKind::stop:
    case ShimMessageKind::signal:
    case ShimMessageKind::look:
    case ShimMessageKind::log:
      return;
  }
}

void Engine::on_shim_end(Record& record) {
  // Its socket closes as it ends, so this is no wait to speak of. Fails in a program that reaps all its
  // children itself, or ignores SIGCHLD: then it is gone all the same.
  while (waitpid(record.shim.pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  orphans_.release(record.shim.pid);
  record.shim.control.reset();
  if (record.phase == Phase::reported) return retire(record);
  record.phase = Phase::sweeping;
}

void Engine::send_stop(Record& record, milliseconds shutdown) {
  if (!record.shim.control) return;
  const bool for_ever = shutdown == milliseconds::max();
  const ShimMessage message{.kind = ShimMessageKind::stop,
                            .signal = record.command.stop_signal,
                            .wait_ms = for_ever ? -1 : std::max<std::int64_t>(shutdown.count(), 0)};
  kill(record.shim.pid, SIGCONT);
  if (send(record.shim.control.get(), &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
      errno == EAGAIN) {
    // It has not read the many stops before this one: it does not live. Its end kills the program.
    kill(record.shim.pid, SIGKILL);
  }
}

/// Shims that ended without a word leave processes that only their environment tells. True while there are
/// some left to look for.
bool Engine::sweep_all() {
  bool left = false;
  for (auto next = records_.begin(); next != records_.end();) {
    Record& record = *(next++)->second;
    if (record.phase != Phase::sweeping) continue;
    if (sweep_instance(record.instance) > 0) {
      left = true;
      continue;
    }
    if (record.started) {
      const ExitStatus status{.signal = SIGKILL, .cause = EndCause::shim_lost};
      write_end(record, status);
      report_ended(record, status);
    } else {
      report_started(record, Error{Errc::start_failed, "its shim ended before the program ran"});
    }
    retire(record);
  }
  return left;
}

// --- Reports --------------------------------------------------------------------------------------------

void Engine::report_started(Record& record, Result<pid_t> result) {
  if (!result) {
    record.phase = Phase::reported;
    --running_;
  }
  // Both callbacks are destroyed on the io_context too, never on the engine's thread.
  auto call = [callback = std::move(record.on_started), abandoned = record.abandoned, closed = closed_,
               result = std::move(result)]() mutable {
    if (callback && !abandoned->load() && !closed->load()) callback(std::move(result));
  };
  asio::post(record.strand, std::move(call));
}

/// What the shim would have written.
void Engine::write_end(const Record& record, const ExitStatus& status) const {
  const std::string folder = log_folder(record.log_name);
  std::error_code ignored;
  std::filesystem::create_directory(folder, ignored);
  write_last_end(folder, {.status = status, .started_ms = record.started_ms, .ended_ms = wall_clock_ms()});
}

void Engine::report_ended(Record& record, ExitStatus status) {
  keeper_.note_end();
  record.phase = Phase::reported;
  --running_;
  leave_name(record);
  auto call = [callback = std::move(record.on_exit), abandoned = record.abandoned, closed = closed_, status] {
    if (callback && !abandoned->load() && !closed->load()) callback(status);
  };
  asio::post(record.strand, std::move(call));
  record.work.reset();
}

void Engine::retire(Record& record) {
  if (!record.cgroup.empty()) remove_cgroup(record.cgroup);  // its shim has, unless it was killed
  leave_name(record);
  auto rest = [started = std::move(record.on_started), exit = std::move(record.on_exit),
               ready = std::move(record.on_ready)] {};
  asio::post(record.strand, std::move(rest));
  records_.erase(record.key);
}

// --- The end --------------------------------------------------------------------------------------------

/// Hangs up on every shim and waits, boundedly, for them to have done their work.
void Engine::close_all() {
  names_.clear();  // who waits for a name has no turn any more
  for (auto next = records_.begin(); next != records_.end();) {
    Record& record = *(next++)->second;
    record.phase == Phase::waiting ? drop_waiting(record) : hang_up(record.shim);
  }
  const auto deadline = std::chrono::steady_clock::now() + shutdown_max;
  while (!records_.empty() && std::chrono::steady_clock::now() < deadline) {
    wait_events(sweep_period);
    sweep_all();
  }
}

void Engine::shutdown() {
  closed_->store(true);
  std::thread thread;
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    thread.swap(thread_);
  }
  eventfd_write(wake_.get(), 1);
  if (thread.joinable()) thread.join();
  // Callbacks may own handles, whose destructors come back here: leave the lists before destroying them.
  std::vector<Job> jobs;
  {
    const std::lock_guard lock(mutex_);
    jobs.swap(jobs_);
  }
  auto records = std::exchange(records_, {});
  if (!records.empty()) own_log_dir_.leave();
  jobs.clear();
  records.clear();
  running_ = 0;
  own_log_dir_.remove();
}

}  // namespace brood::exec
