#include "process/log/log_queue.hpp"

#include <fmt/format.h>
#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <thread>

namespace brood::log {

using std::chrono::milliseconds;

namespace {

using Time = std::chrono::system_clock::time_point;

struct Entry {
  LogLevel level = LogLevel::info;
  Time time;
  std::string text;
};

/// What a line takes beyond its text.
constexpr std::size_t entry_bytes = 96;
constexpr milliseconds sink_patience{1000};

std::size_t bytes_of(const Entry& entry) {
  return entry_bytes + entry.text.size();
}

}  // namespace

struct LogQueue::State {
  explicit State(std::size_t most) : bytes_max(most) {}

  const std::size_t bytes_max;
  std::mutex mutex;
  std::condition_variable wake;  ///< There is something to write, or the end.
  std::condition_variable done_changed;
  std::deque<Entry> lines;
  std::size_t bytes = 0;
  bool full = false;          ///< Until half of the queue is free.
  std::uint64_t missing = 0;  ///< Dropped after the last line of the queue.
  std::shared_ptr<const LogSink> sink;
  bool running = false;
  bool writing = false;
  std::uint64_t done = 0;  ///< Lines that the sink has had.
  bool closed = false;
  std::thread::id writer;
  std::atomic<std::size_t> waiting{0};
  std::atomic<std::uint64_t> dropped{0};

  void count_waiting() { waiting = lines.size() + (writing ? 1U : 0U) + (missing > 0 ? 1U : 0U); }
  void drop() {
    ++missing;
    ++dropped;
    count_waiting();
  }
  void add(Entry entry) {
    bytes += bytes_of(entry);
    lines.push_back(std::move(entry));
  }
  Entry missing_line() {
    const auto count = std::exchange(missing, 0);
    return {
        LogLevel::warning, std::chrono::system_clock::now(),
        fmt::format("{} dropped: written faster than they were taken",
                    count == 1 ? "1 line of the log was" : fmt::format("{} lines of the log were", count))};
  }
  [[nodiscard]] bool is_writer() const { return writer == std::this_thread::get_id(); }
  bool await_done(std::unique_lock<std::mutex>& lock, std::size_t lines_more, milliseconds bound) {
    const std::uint64_t wanted = done + lines_more;
    return done_changed.wait_for(lock, bound, [&] { return done >= wanted; });
  }
  void write_lines();
  Entry take() {
    if (lines.empty()) return missing_line();
    Entry entry = std::move(lines.front());
    lines.pop_front();
    bytes -= bytes_of(entry);
    if (bytes <= bytes_max / 2) full = false;
    return entry;
  }
};

namespace {

/// A host program's signals are for its own threads.
template <typename Code>
void without_signals(Code code) {
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    code();
  } catch (...) {
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    throw;
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void give(const LogSink& sink, const Entry& entry) noexcept {
  try {
    if (sink) sink(LogLine{entry.level, entry.time, entry.text});
  } catch (...) {
    // Its own trouble; there is nobody left to tell.
  }
}

}  // namespace

void LogQueue::State::write_lines() {
  ::pthread_setname_np(::pthread_self(), "brood-log");
  std::unique_lock lock(mutex);
  writer = std::this_thread::get_id();
  while (true) {
    wake.wait(lock, [&] { return !lines.empty() || missing > 0 || closed; });
    if (lines.empty() && missing == 0) break;
    const Entry next = take();
    const auto to = sink;
    writing = true;
    count_waiting();
    lock.unlock();
    if (to) give(*to, next);
    lock.lock();
    writing = false;
    ++done;
    count_waiting();
    done_changed.notify_all();
  }
  running = false;
  done_changed.notify_all();
}

LogQueue::LogQueue(std::size_t bytes_max) : state_(std::make_shared<State>(bytes_max)) {}

LogQueue::~LogQueue() {
  close(milliseconds(0));
}

void LogQueue::push(LogLevel level, std::string text) noexcept {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  if (state.closed) return;
  try {
    Entry entry{level, std::chrono::system_clock::now(), std::move(text)};
    if (state.full || state.bytes + bytes_of(entry) > state.bytes_max) {
      state.full = true;
      return state.drop();
    }
    if (state.missing > 0) state.add(state.missing_line());
    state.add(std::move(entry));
    state.count_waiting();
  } catch (...) {
    return state.drop();  // no memory
  }
  try {
    if (!state.running) start_writer();
  } catch (...) {
    // No thread to be had now: the next line tries again.
  }
  state.wake.notify_one();
}

void LogQueue::start_writer() {
  without_signals([&] { std::thread([state = state_] { state->write_lines(); }).detach(); });
  state_->running = true;
}

void LogQueue::count_dropped() noexcept {
  const std::lock_guard lock(state_->mutex);
  state_->drop();
}

bool LogQueue::flush(milliseconds bound) {
  std::unique_lock lock(state_->mutex);
  return !state_->is_writer() && state_->await_done(lock, state_->waiting, bound);
}

void LogQueue::set_sink(LogSink sink) {
  auto made = std::make_shared<const LogSink>(std::move(sink));
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const bool may_wait = !state.is_writer();
  if (may_wait) (void)state.await_done(lock, state.waiting, sink_patience);
  state.sink.swap(made);
  // Lines that came meanwhile: one of them may be on its way to the former sink.
  if (may_wait && state.writing) (void)state.await_done(lock, 1, sink_patience);
  lock.unlock();  // the former sink ends outside the lock
}

void LogQueue::close(milliseconds bound) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  state.closed = true;
  state.wake.notify_all();
  const auto ended = [&] { return !state.running; };
  if (state.is_writer() || state.done_changed.wait_for(lock, bound, ended)) return;
  // The sink is stuck with a line: when it returns, it is called no more.
  state.dropped += state.lines.size();
  state.lines.clear();
  state.missing = 0;
  state.sink.reset();
  state.count_waiting();
}

std::size_t LogQueue::waiting() const noexcept {
  return state_->waiting;
}

std::uint64_t LogQueue::dropped() const noexcept {
  return state_->dropped;
}

}  // namespace brood::log
