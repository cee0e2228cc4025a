#include "bench/caf/other.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <caf/io/all.hpp>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "bench/caf/calls.hpp"

namespace brood::bench {

namespace {

/// Hands out the children by number: an actor that is published has a port for itself, and these need none.
caf::behavior directory(Actors children) {
  return {[children = std::move(children)](caf::get_atom, std::int64_t number) {
    return children.at(static_cast<std::size_t>(number));
  }};
}

caf::behavior sink(Slot& slot) {
  return {[&slot](const std::string&) { slot.handled.fetch_add(1, std::memory_order_release); }};
}

}  // namespace

Other::Other(const std::string& role, std::int64_t children) : slot_(Board::make(board_fd_).slots[0]) {
  int from[2];
  if (::pipe2(from, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  std::vector<std::string> words{"/proc/self/exe", "member", role, std::to_string(children),
                                 std::to_string(board_fd_)};
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  const pid_t first = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("no second program");
  if (pid_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != first) ::_exit(1);
    ::dup2(from[1], STDOUT_FILENO);
    ::execv(argv[0], argv.data());
    ::_exit(127);
  }
  ::close(from[1]);
  std::FILE* said = ::fdopen(from[0], "r");
  const bool up = std::fscanf(said, "%hu", &port_) == 1;
  std::fclose(said);
  if (!up) throw std::runtime_error("the second program has ended");
}

Other::~Other() {
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Other::serve(const std::string& role, std::int64_t children, int board_fd) {
  caf::actor_system_config config;
  config.load<caf::io::middleman>();
  caf::actor_system system{config};
  caf::actor published;
  if (role == "sink") {
    published = system.spawn([&slot = Board::open(board_fd).slots[0]] { return sink(slot); });
  } else {
    Actors all;
    for (std::int64_t i = 0; i < children; ++i) all.push_back(system.spawn(counter));
    published = system.spawn(directory, std::move(all));
  }
  const auto port = system.middleman().publish(published, 0, "127.0.0.1");
  if (!port) throw std::runtime_error(caf::to_string(port.error()));
  std::printf("%hu\n", *port);
  std::fflush(stdout);
  for (;;) ::pause();  // until it is killed
}

}  // namespace brood::bench
