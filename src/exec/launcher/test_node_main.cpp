// A small node for tests that kill or stop one: runs the program given, beats, and prints the program's
// process id once it runs.
//
//   brood-exec-test-node HEARTBEAT_LIMIT_MS PROGRAM ARGUMENT...
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdio>
#include <cstdlib>

#include "exec/launcher/launcher.hpp"

namespace {

void beat_for_ever(boost::asio::steady_timer& timer, brood::exec::Launcher& launcher) {
  launcher.beat();
  timer.expires_after(std::chrono::milliseconds(20));
  timer.async_wait([&](auto error) {
    if (!error) beat_for_ever(timer, launcher);
  });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 64;
  boost::asio::io_context io;
  brood::exec::LauncherOptions options;
  options.heartbeat_limit = std::chrono::milliseconds(std::atoi(argv[1]));
  brood::exec::Launcher launcher(io, options);
  boost::asio::steady_timer timer(io);
  beat_for_ever(timer, launcher);
  const auto program = launcher.start(
      "test", {.argv = std::vector<std::string>(argv + 2, argv + argc)},
      [](brood::Result<pid_t> pid) {
        std::printf("%d\n", pid ? *pid : -1);
        std::fflush(stdout);
      },
      [&](const brood::exec::ExitStatus& status) {
        std::printf("%s\n", status.text().c_str());
        std::fflush(stdout);
        io.stop();
      });
  io.run();
}
