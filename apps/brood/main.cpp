// brood: the daemon (`brood node`) and the command line in one program.
#include <csignal>
#include <cstdio>
#include <exception>

#include "apps/brood/cli/program.hpp"

int main(int argc, char** argv) {
  // A reader that closes our pipe, or a peer that closes its socket, must not end us by signal.
  std::signal(SIGPIPE, SIG_IGN);
  try {
    return brood::app::run_program(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "brood: %s\n", error.what());
    return 1;
  }
}
