#include "exec/launcher/sweep.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdlib>
#include <string>

#include "exec/launcher/spawn.hpp"
#include "exec/shim/shim_protocol.hpp"

namespace brood::exec {
namespace {

/// Bounded: the kernel allows an environment of megabytes at most.
std::string environment_of(const std::string& pid) {
  static constexpr std::size_t bytes_max = std::size_t{8} << 20;
  std::string text;
  const Fd file(open(("/proc/" + pid + "/environ").c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return text;
  char buffer[8192];
  for (ssize_t n = 0; text.size() < bytes_max && (n = read(file.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(n));
  }
  return text;
}

bool carries(const std::string& pid, const std::string& wanted) {
  return ('\0' + environment_of(pid)).find(wanted) != std::string::npos;
}

}  // namespace

std::size_t sweep_instance(std::string_view instance) {
  // Entries end with a zero byte, and one that is not the first begins behind one.
  std::string wanted(1, '\0');
  wanted.append(instance_variable).append("=").append(instance).append(1, '\0');
  std::size_t seen = 0;
  DIR* proc = opendir("/proc");
  if (proc == nullptr) return 0;
  while (const dirent* entry = readdir(proc)) {
    const std::string pid = entry->d_name;
    if (!std::all_of(pid.begin(), pid.end(), [](unsigned char c) { return std::isdigit(c) != 0; })) continue;
    if (!carries(pid, wanted)) continue;
    const int number = std::atoi(pid.c_str());
    const Fd process(static_cast<int>(syscall(SYS_pidfd_open, number, 0)));
    // Looked at again while held, so that the signal cannot go to a successor of that number.
    if (process && !carries(pid, wanted)) continue;
    ++seen;
    if (process) {
      syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
    } else {
      kill(number, SIGKILL);  // a kernel older than 5.3
    }
  }
  closedir(proc);
  return seen;
}

}  // namespace brood::exec
