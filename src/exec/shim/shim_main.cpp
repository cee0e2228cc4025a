// brood-shim: stands between a node and one program that it runs; see launcher.hpp and shim.hpp. Kept to
// plain C++ and POSIX and linked statically: it is there once for each program, and neither the program's
// environment (LD_PRELOAD, LD_LIBRARY_PATH) nor an upgrade of the machine's libraries can break it.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "exec/shim/shim.hpp"

namespace {

using namespace brood::exec;  // NOLINT(google-build-using-namespace): a program

bool started_by_node() {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(shim_control_fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

int refuse(StartStep step, int code) {
  const ShimMessage message{.kind = ShimMessageKind::start_failed, .step = step, .code = code};
  send(shim_control_fd, &message, sizeof message, MSG_NOSIGNAL);
  return 1;
}

/// The program's environment is the shim's too.
std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

const HeartbeatPage* map_page() {
  void* page = mmap(nullptr, heartbeat_page_bytes, PROT_READ, MAP_SHARED, shim_heartbeat_fd, 0);
  close(shim_heartbeat_fd);
  return page == MAP_FAILED ? nullptr : static_cast<const HeartbeatPage*>(page);
}

/// Only the end of a child is of interest, and arrives by poll. What service managers and terminals send to
/// all processes of a node is for the node to answer, which then tells each shim what to do with its program.
/// That of a failing write becomes the write's error.
int take_signals() {
  sigset_t set;
  sigfillset(&set);
  // As they come from a fault of our own, they are not for later.
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS})
    sigdelset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  return signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

int main(int argc, char** argv) {
  static constexpr int fixed_arguments = 9;
  if (!started_by_node()) {
    std::fputs("brood-shim is started by a brood node for each program it runs; it is no use by hand.\n",
               stderr);
    return 64;
  }
  if (argc <= fixed_arguments || std::atoi(argv[1]) != shim_version) return refuse(StartStep::version, 0);
  fcntl(shim_control_fd, F_SETFD, FD_CLOEXEC);
  const HeartbeatPage* page = map_page();
  const int signals = take_signals();
  if (page == nullptr || signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
    return refuse(StartStep::resources, errno);
  }
  char** words = argv + fixed_arguments;
  const auto setup = from_words(words);
  if (!setup || *words == nullptr) return refuse(StartStep::version, 0);
  Shim shim({.log = {.folder = argv[2],
                     .keep = {.bytes_max = std::strtoull(argv[3], nullptr, 10),
                              .files = static_cast<unsigned>(std::atoi(argv[4])),
                              .timestamps = std::atoi(argv[5]) != 0},
                     .journal = argv[6],
                     .syslog = argv[7],
                     .source = {.child = variable("BROOD_CHILD"),
                                .supervisor = variable("BROOD_SUPERVISOR"),
                                .node = variable("BROOD_NODE")}},
             .program = {.argv = words, .cwd = argv[8], .setup = *setup}},
            *page, signals);
  shim.run();
  _exit(0);  // not through destructors: the log thread may hang on a disk
}
