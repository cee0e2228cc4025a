// Engine::Record: one program, for the sources of Engine. The engine's thread only.
#pragma once

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/strand.hpp>

#include "exec/launcher/engine.hpp"
#include "exec/launcher/ready_socket.hpp"

namespace brood::exec {

/// With a record's key: its socket for readiness.
constexpr std::uint64_t ready_bit = std::uint64_t{1} << 63;

struct Engine::Record {
  Record(std::uint64_t k, boost::asio::io_context& io)
      : key(k), strand(io.get_executor()), work(io.get_executor()) {}

  std::uint64_t key;
  std::string log_name;
  Command command;
  Launcher::OnStarted on_started;
  Launcher::OnExit on_exit;
  Launcher::OnReady on_ready;
  std::shared_ptr<std::atomic<pid_t>> pid;
  std::shared_ptr<std::atomic<bool>> abandoned;
  /// Keeps this program's callbacks in order, however many threads the io_context has.
  boost::asio::strand<boost::asio::io_context::executor_type> strand;
  /// io_context::run() goes on while a callback is to come.
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work;

  Phase phase = Phase::waiting;
  bool started = false;
  ShimProcess shim;
  ReadySocket ready;
  std::string instance;
  std::string cgroup;
  std::int64_t started_ms = 0;
};

}  // namespace brood::exec
