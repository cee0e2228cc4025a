#include "exec/shim/shim_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace brood::exec {
namespace {

std::string read_all(const std::string& path) {
  std::string text;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<size_t>(n));
  close(fd);
  return text;
}

void append_pids(const std::string& text, std::vector<pid_t>& pids) {
  const char* at = text.c_str();
  while (*at != '\0') {
    char* end = nullptr;
    const long pid = std::strtol(at, &end, 10);
    if (end == at) return;
    if (pid > 0) pids.push_back(static_cast<pid_t>(pid));
    at = *end == '\0' ? end : end + 1;
  }
}

struct ProcessState {
  char letter = 0;
  int group = 0;
};

/// Of /proc/PID/stat; the name in it may hold anything but its end.
std::optional<ProcessState> state_of(pid_t pid) {
  const std::string text = read_all("/proc/" + std::to_string(pid) + "/stat");
  const auto close_paren = text.rfind(')');
  if (close_paren == std::string::npos) return std::nullopt;
  ProcessState state;
  int parent = 0;
  const int read =
      std::sscanf(text.c_str() + close_paren + 1, " %c %d %d", &state.letter, &parent, &state.group);
  return read == 3 ? std::optional(state) : std::nullopt;
}

std::vector<pid_t> descendants() {
  std::vector<pid_t> all = children_of(getpid());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto more = children_of(all[i]);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

/// A process that is held: its number may come to mean another one, the signal goes to nobody then.
class HeldProcess {
 public:
  explicit HeldProcess(pid_t pid) : pid_(pid), fd_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))) {}
  ~HeldProcess() {
    if (fd_ >= 0) close(fd_);
  }
  HeldProcess(HeldProcess&& other) noexcept : pid_(other.pid_), fd_(other.fd_) { other.fd_ = -1; }
  HeldProcess& operator=(HeldProcess&&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int signal) const {
    if (fd_ >= 0) {
      syscall(SYS_pidfd_send_signal, fd_, signal, nullptr, 0);
    } else {
      kill(pid_, signal);  // a kernel older than 5.3, or no descriptor left
    }
  }

 private:
  pid_t pid_;
  int fd_;
};

/// To each descendant but `group`. One that is listed again while it is held is a descendant for sure.
void signal_descendants(int signal, int group) {
  std::vector<HeldProcess> held;
  for (const pid_t pid : descendants()) {
    const auto state = state_of(pid);
    if (state && state->group != group) held.emplace_back(pid);
  }
  if (held.empty()) return;
  const auto again = descendants();
  for (const auto& process : held) {
    if (std::find(again.begin(), again.end(), process.pid()) != again.end()) process.signal(signal);
  }
}

}  // namespace

std::vector<pid_t> children_of(pid_t parent) {
  std::vector<pid_t> pids;
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  DIR* folder = opendir(tasks.c_str());
  if (folder == nullptr) return pids;
  while (const dirent* entry = readdir(folder)) {
    if (entry->d_name[0] == '.') continue;
    append_pids(read_all(tasks + '/' + entry->d_name + "/children"), pids);
  }
  closedir(folder);
  return pids;
}

void ProcessTree::reap_others() const {
  for (const pid_t child : children_of(getpid())) {
    if (child != program_ || program_reaped_) waitpid(child, nullptr, WNOHANG);
  }
}

std::optional<ProgramEnd> ProcessTree::poll() {
  reap_others();
  if (end_) return end_;
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(program_), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return end_;
  if (info.si_pid != program_) return end_;
  end_ = info.si_code == CLD_EXITED ? ProgramEnd{info.si_status, 0} : ProgramEnd{0, info.si_status};
  return end_;
}

void ProcessTree::signal_group(int signal) const {
  if (!program_reaped_) kill(-program_, signal);
}

void ProcessTree::signal_all(int signal) const {
  signal_group(signal);
  signal_descendants(signal, program_reaped_ ? -1 : program_);
}

std::size_t ProcessTree::others() const {
  std::size_t count = 0;
  for (const pid_t pid : descendants()) {
    const auto state = pid == program_ && !program_reaped_ ? std::nullopt : state_of(pid);
    if (state && state->letter != 'Z' && state->letter != 'X') ++count;
  }
  return count;
}

bool ProcessTree::kill_all() {
  signal_all(SIGKILL);
  if (!poll()) return false;
  for (const pid_t child : children_of(getpid())) {
    if (child != program_ || program_reaped_) return false;
  }
  if (!program_reaped_) {
    waitpid(program_, nullptr, 0);
    program_reaped_ = true;
  }
  // The listing may have missed a child; the kernel's own answer decides.
  pid_t reaped = 0;
  while ((reaped = waitpid(-1, nullptr, WNOHANG)) > 0) {
  }
  return reaped < 0 && errno == ECHILD;
}

}  // namespace brood::exec
