// Engine: what is behind a Launcher. One thread that starts shims, hears from them and reaps them; callers
// of any thread leave it jobs. Records are touched by that thread only (and by shutdown() once it ended).
//
// A record's life:
//   start job ──> waiting, while another runs under its name
//                    v
//                 starting ──started──> running ──ended──> reported ──socket ends, shim reaped──> gone
//                    │ start_failed ──────────────────────────^
//                    └── shim gone without a word ──> sweeping ── nothing left ──> gone (reported)
#pragma once

#include <sys/types.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "exec/launcher/heartbeat.hpp"
#include "exec/launcher/launcher.hpp"
#include "exec/launcher/orphans.hpp"
#include "exec/launcher/spawn.hpp"
#include "exec/logs/log_keeper.hpp"
#include "exec/logs/private_folder.hpp"

namespace brood::exec {

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  Engine(boost::asio::io_context& io, LauncherOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  [[nodiscard]] Result<void> check() const;
  std::shared_ptr<Program> start(std::string log_name, Command command, Launcher::OnStarted on_started,
                                 Launcher::OnExit on_exit, Launcher::OnReady on_ready);
  void stop(std::uint64_t key, std::chrono::milliseconds shutdown);
  void signal(std::uint64_t key, int signal);
  void follow(std::uint64_t key, Command command);
  void abandon(std::uint64_t key);
  /// Ends the thread, killing what runs. Nothing may be started after it.
  void shutdown();

  [[nodiscard]] Heartbeat& heartbeat() { return heartbeat_; }
  /// The node lives; what was to be started while it had not said so is started now. On any thread.
  void beat() noexcept;
  /// Tells the shims that the page has another limit.
  void limit_changed();
  [[nodiscard]] const std::string& log_dir() const { return log_dir_; }
  [[nodiscard]] std::string log_folder(std::string_view log_name) const;
  [[nodiscard]] std::size_t running() const { return running_.load(); }

 private:
  enum class Phase { waiting, starting, running, sweeping, reported };
  struct Record;
  using Job = std::function<void()>;

  bool enqueue(Job job);
  void run();
  void run_jobs();
  void wait_events(std::chrono::milliseconds limit);
  void on_event(std::uint64_t tag);
  bool watch(int fd, std::uint64_t tag);

  void spawn(Record& record);
  void spawn_after_sleep();
  [[nodiscard]] Result<Environment> environment_of(const Command& command, const Identity& identity) const;
  Result<ShimProcess> run_shim(Record& record);
  bool open_ready_socket(Record& record);
  void on_ready_socket(Record& record);
  void drop_waiting(Record& record);
  void leave_name(Record& record);
  void on_control(Record& record);
  void on_message(Record& record, const ShimMessage& message);
  void on_shim_end(Record& record);
  void send_stop(Record& record, std::chrono::milliseconds shutdown);
  bool sweep_all();
  void write_end(const Record& record, const ExitStatus& status) const;
  void close_all();

  void report_started(Record& record, Result<pid_t> result);
  void report_ended(Record& record, ExitStatus status);
  void retire(Record& record);

  boost::asio::io_context& io_;
  Heartbeat heartbeat_;
  Result<std::string> shim_path_;
  Environment environment_;
  PrivateFolder own_log_dir_;  ///< Made only if no other is given.
  std::string log_dir_;
  Result<void> log_dir_ready_;
  std::size_t log_bytes_max_;
  std::string journal_socket_;
  std::string syslog_socket_;
  CgroupRoot cgroups_;
  LogKeeper keeper_;
  OrphanReaper orphans_;
  std::string instance_prefix_;
  std::atomic<std::size_t> running_{0};
  /// No callback may begin any more; outlives the engine in what was posted.
  std::shared_ptr<std::atomic<bool>> closed_ = std::make_shared<std::atomic<bool>>(false);

  Fd wake_;
  Fd epoll_;
  std::map<std::uint64_t, std::unique_ptr<Record>> records_;
  /// Who runs under a log's name, and after it who waits for that.
  std::unordered_map<std::string, std::set<std::uint64_t>> names_;
  std::vector<std::uint64_t> sleepers_;  ///< They wait for the next beat.
  std::atomic<std::size_t> asleep_{0};   ///< Their number, for whoever beats.

  std::mutex mutex_;  // the following
  std::vector<Job> jobs_;
  std::uint64_t next_key_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace brood::exec
