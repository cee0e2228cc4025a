#include "exec/shim/program_setup.hpp"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace brood::exec {
namespace {

/// Numbers behind a letter, parted by ':'.
std::vector<unsigned long long> numbers(const char* text) {
  std::vector<unsigned long long> out;
  while (*text != '\0') {
    char* end = nullptr;
    out.push_back(std::strtoull(text, &end, 10));
    if (end == text) return {};
    text = *end == ':' ? end + 1 : end;
  }
  return out;
}

std::string word(char letter, unsigned long long number) {
  return letter + std::to_string(number);
}

/// The writing process is the one that moves.
bool enter_cgroup(const std::string& folder) {
  const int fd = open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool done = write(fd, "0", 1) == 1;
  const int code = errno;
  close(fd);
  errno = code;
  return done;
}

bool set_limit(const SetupLimit& limit) {
  if (setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &limit.value) == 0) return true;
  if (!limit.if_allowed) return false;
  rlimit now{};
  getrlimit(static_cast<__rlimit_resource_t>(limit.resource), &now);
  now.rlim_cur = std::min(limit.value.rlim_cur, now.rlim_max);
  setrlimit(static_cast<__rlimit_resource_t>(limit.resource), &now);
  return true;
}

bool read_word(const char* text, ProgramSetup& setup) {
  const char letter = text[0];
  const char* rest = text + 1;
  if (letter == 'i') {
    setup.stdin_file = rest;
    return true;
  }
  if (letter == 'c') {
    setup.cgroup = rest;
    return true;
  }
  if (letter == 'n') {
    setup.nice = std::atoi(rest);
    return true;
  }
  const auto read = numbers(rest);
  if (letter == 't') {
    if (read.size() != 2) return false;
    setup.terminal = SetupTerminal{static_cast<unsigned>(read[0]), static_cast<unsigned>(read[1])};
    return true;
  }
  if (letter == 'G') {
    setup.groups.emplace(read.begin(), read.end());
    return true;
  }
  if (letter == 'l' || letter == 'L') {
    if (read.size() != 3) return false;
    setup.limits.push_back({static_cast<int>(read[0]), {read[1], read[2]}, letter == 'L'});
    return true;
  }
  if (read.size() != 1) return false;
  if (letter == 'u') setup.uid = static_cast<uid_t>(read[0]);
  if (letter == 'g') setup.gid = static_cast<gid_t>(read[0]);
  if (letter == 'm') setup.umask = static_cast<mode_t>(read[0]);
  return letter == 'u' || letter == 'g' || letter == 'm';
}

}  // namespace

std::vector<std::string> to_words(const ProgramSetup& setup) {
  std::vector<std::string> words;
  if (setup.uid) words.push_back(word('u', *setup.uid));
  if (setup.gid) words.push_back(word('g', *setup.gid));
  if (setup.groups) {
    std::string groups = "G";
    for (const gid_t group : *setup.groups) groups += (groups.size() > 1 ? ":" : "") + std::to_string(group);
    words.push_back(std::move(groups));
  }
  if (setup.umask) words.push_back(word('m', *setup.umask));
  if (setup.nice) words.push_back('n' + std::to_string(*setup.nice));
  for (const auto& limit : setup.limits)
    words.push_back((limit.if_allowed ? 'L' : 'l') + std::to_string(limit.resource) + ':' +
                    std::to_string(limit.value.rlim_cur) + ':' + std::to_string(limit.value.rlim_max));
  if (!setup.stdin_file.empty()) words.push_back('i' + setup.stdin_file);
  if (setup.terminal)
    words.push_back('t' + std::to_string(setup.terminal->columns) + ':' +
                    std::to_string(setup.terminal->rows));
  if (!setup.cgroup.empty()) words.push_back('c' + setup.cgroup);
  words.emplace_back("--");
  return words;
}

std::optional<ProgramSetup> from_words(char**& words) {
  ProgramSetup setup;
  for (; *words != nullptr; ++words) {
    if (std::strcmp(*words, "--") == 0) {
      ++words;
      return setup;
    }
    if (!read_word(*words, setup)) return std::nullopt;
  }
  return std::nullopt;
}

// Limits and niceness first: what is above the node's own takes root, which the program is not afterwards.
SetupFault apply_before_chdir(const ProgramSetup& setup, int& resource) {
  if (!setup.cgroup.empty() && !enter_cgroup(setup.cgroup)) return SetupFault::cgroup;
  for (const auto& limit : setup.limits) {
    resource = limit.resource;
    if (!set_limit(limit)) return SetupFault::limit;
  }
  if (setup.nice && setpriority(PRIO_PROCESS, 0, *setup.nice) != 0) return SetupFault::nice;
  if (setup.groups && setgroups(setup.groups->size(), setup.groups->data()) != 0) return SetupFault::group;
  if (setup.gid && setresgid(*setup.gid, *setup.gid, *setup.gid) != 0) return SetupFault::group;
  if (setup.uid && setresuid(*setup.uid, *setup.uid, *setup.uid) != 0) return SetupFault::user;
  if (setup.umask) umask(*setup.umask);
  return SetupFault::none;
}

SetupFault apply_after_chdir(const ProgramSetup& setup) {
  if (setup.stdin_file.empty()) return SetupFault::none;
  // A pipe that nobody writes to yet must not hold up the start.
  const int fd = open(setup.stdin_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0) return SetupFault::stdin_file;
  const int flags = fcntl(fd, F_GETFL);
  const bool done = flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 && dup2(fd, 0) == 0;
  return done ? SetupFault::none : SetupFault::stdin_file;
}

}  // namespace brood::exec
