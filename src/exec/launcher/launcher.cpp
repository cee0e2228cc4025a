#include "exec/launcher/launcher.hpp"

#include "exec/launcher/engine.hpp"
#include "exec/logs/log_keeper.hpp"

namespace brood::exec {

Program::Program(std::weak_ptr<Engine> engine, std::uint64_t key)
    : engine_(std::move(engine)),
      key_(key),
      pid_(std::make_shared<std::atomic<pid_t>>(0)),
      abandoned_(std::make_shared<std::atomic<bool>>(false)) {}

Program::~Program() {
  abandoned_->store(true);
  if (const auto engine = engine_.lock()) engine->abandon(key_);
}

void Program::stop(std::chrono::milliseconds shutdown) {
  if (const auto engine = engine_.lock()) engine->stop(key_, shutdown);
}

void Program::signal(int signal) {
  if (const auto engine = engine_.lock()) engine->signal(key_, signal);
}

void Program::follow(Command command) {
  if (const auto engine = engine_.lock()) engine->follow(key_, std::move(command));
}

Launcher::Launcher(boost::asio::io_context& io, LauncherOptions options)
    : engine_(std::make_shared<Engine>(io, std::move(options))) {}

Launcher::~Launcher() {
  engine_->shutdown();
}

Result<void> Launcher::check() const {
  return engine_->check();
}

std::shared_ptr<Program> Launcher::start(std::string log_name, Command command, OnStarted on_started,
                                         OnExit on_exit, OnReady on_ready) {
  return engine_->start(std::move(log_name), std::move(command), std::move(on_started), std::move(on_exit),
                        std::move(on_ready));
}

void Launcher::beat() noexcept {
  engine_->beat();
}

void Launcher::set_heartbeat_limit(std::chrono::milliseconds limit) noexcept {
  engine_->heartbeat().set_limit(limit);
  engine_->limit_changed();
}

LogText Launcher::log(std::string_view log_name, std::uint64_t offset, std::size_t bytes_max) const {
  auto text = read_log(engine_->log_folder(log_name), offset, bytes_max);
  if (text.offset > offset) trim_to_line(text);
  return text;
}

LogText Launcher::log_tail(std::string_view log_name, std::size_t lines, std::size_t bytes_max) const {
  return read_log_tail(engine_->log_folder(log_name), lines, bytes_max);
}

std::uint64_t Launcher::log_since(std::string_view log_name, std::int64_t since_ms) const {
  return log_offset_since(engine_->log_folder(log_name), since_ms);
}

std::optional<LastEnd> Launcher::last_end(std::string_view log_name) const {
  return read_last_end(engine_->log_folder(log_name));
}

std::optional<std::int64_t> Launcher::log_changed_ms(std::string_view log_name) const {
  return exec::log_changed_ms(engine_->log_folder(log_name));
}

bool Launcher::remove_log(std::string_view log_name) {
  return remove_log_folder(engine_->log_folder(log_name));
}

const std::string& Launcher::log_dir() const {
  return engine_->log_dir();
}

std::size_t Launcher::running() const {
  return engine_->running();
}

}  // namespace brood::exec
