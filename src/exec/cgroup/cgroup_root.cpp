#include "exec/cgroup/cgroup_root.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <optional>
#include <sstream>
#include <system_error>
#include <vector>

namespace brood::exec {
namespace {

constexpr std::string_view node_group = "/brood-node";
constexpr double cpu_period_us = 100'000;
constexpr double cpu_quota_least_us = 1'000;
/// Processes that come while others are moved are seen in the next round.
constexpr int move_rounds = 20;

Error no_cgroup(std::string words) {
  return {Errc::start_failed, "cgroup: " + std::move(words)};
}

std::string words_of_errno(int code) {
  return std::generic_category().message(code);
}

std::string cgroup_file(const std::string& path) {
  std::string text;
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  char buffer[4096];
  for (ssize_t n = 0; (n = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  close(fd);
  return text;
}

/// 0, or the errno.
int set_cgroup_file(const std::string& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t n = write(fd, text.data(), text.size());
  const int code = n == static_cast<ssize_t>(text.size()) ? 0 : n < 0 ? errno : EIO;
  close(fd);
  return code;
}

std::set<std::string, std::less<>> cgroup_words(const std::string& path) {
  std::istringstream words(cgroup_file(path));
  std::set<std::string, std::less<>> out;
  for (std::string word; words >> word;) out.insert(word);
  return out;
}

/// Of a file system of type cgroup2: where it is mounted, and what of the tree it shows.
struct Mount {
  std::string folder;
  std::string root;
};

std::optional<Mount> cgroup2_mount(const std::string& mounts) {
  std::istringstream lines(cgroup_file(mounts));
  for (std::string line; std::getline(lines, line);) {
    const auto mark = line.find(" - ");
    if (mark == std::string::npos || line.compare(mark + 3, 8, "cgroup2 ") != 0) continue;
    std::istringstream words(line);
    std::string skipped;
    Mount mount;
    words >> skipped >> skipped >> skipped >> mount.root >> mount.folder;
    return mount;
  }
  return std::nullopt;
}

/// As the line "0::/system.slice/x.service" says.
std::optional<std::string> own_path(const std::string& file) {
  std::istringstream lines(cgroup_file(file));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return std::nullopt;
}

/// systemd marks what it gives away. What a container or a machine without systemd shows as the whole tree is
/// all there is.
bool is_given(const std::string& folder, const std::string& path) {
  char mark = 0;
  const bool marked = getxattr(folder.c_str(), "user.delegate", &mark, 1) == 1 ||
                      getxattr(folder.c_str(), "trusted.delegate", &mark, 1) == 1;
  return (marked && mark == '1') || path == "/";
}

std::string in_a_row(const std::set<std::string, std::less<>>& words) {
  std::string out;
  for (const auto& word : words) (out += out.empty() ? "" : ", ") += word;
  return out.empty() ? "none" : out;
}

/// What was read as a path below `root` is below `folder` here.
std::string cgroup_folder(const Mount& mount, const std::string& path) {
  std::string below = path;
  if (mount.root != "/" && below.starts_with(mount.root)) below.erase(0, mount.root.size());
  if (below == "/") below.clear();
  return mount.folder + below;
}

}  // namespace

Result<void> CgroupRoot::find() {
  if (!base_.empty()) return {};
  const auto mount = cgroup2_mount(files_.mounts);
  auto path = own_path(files_.own);
  if (!mount || !path)
    return no_cgroup(
        "this machine has no cgroups of version 2: leave cgroup out, or let the child run only on nodes "
        "that have them (nodes = [...])");
  // Moved by an earlier launcher of this process, or started by one that was.
  if (path->ends_with(node_group)) path->erase(path->size() - node_group.size());
  if (path->empty()) *path = "/";
  const std::string folder = cgroup_folder(*mount, *path);
  if (!is_given(folder, *path))
    return no_cgroup(
        fmt::format("the cgroup that this node runs in ({}) is not its own to part: set Delegate=yes in its "
                    "systemd unit, or start it by systemd-run --scope -p Delegate=yes",
                    folder));
  base_ = folder;
  return {};
}

Result<void> CgroupRoot::give_controllers() {
  // The root of all has no limits, and may hold processes beside other cgroups.
  const bool is_root = access((base_ + "/cgroup.type").c_str(), F_OK) != 0;
  const std::string own = base_ + std::string(node_group);
  const auto cannot = [&](const std::string& what, int code) {
    return no_cgroup(fmt::format("cannot {}: {}; the user of this node needs the right to write there", what,
                                 words_of_errno(code)));
  };
  if (!is_root) {
    if (mkdir(own.c_str(), 0755) != 0 && errno != EEXIST) return cannot("make " + own, errno);
    for (int round = 0; round < move_rounds; ++round) {
      const auto pids = cgroup_words(base_ + "/cgroup.procs");
      if (pids.empty()) break;
      for (const auto& pid : pids)
        if (const int code = set_cgroup_file(own + "/cgroup.procs", pid); code != 0 && code != ESRCH)
          return cannot(fmt::format("move process {} to {}", pid, own), code);
    }
  }
  for (const std::string_view controller : {"memory", "cpu", "pids"}) {
    if (given_.contains(controller) || !cgroup_words(base_ + "/cgroup.controllers").contains(controller))
      continue;
    if (const int code = set_cgroup_file(base_ + "/cgroup.subtree_control", fmt::format("+{}", controller));
        code != 0)
      return cannot(fmt::format("give {} to what is below {}", controller, base_), code);
    given_.emplace(controller);
  }
  return {};
}

Result<std::string> CgroupRoot::make(const std::string& name, const CgroupLimits& limits) {
  if (auto found = find(); !found) return found.error();
  std::vector<std::string_view> needed;
  if (limits.memory) needed.emplace_back("memory");
  if (limits.cpu) needed.emplace_back("cpu");
  if (limits.pids) needed.emplace_back("pids");
  const auto has = cgroup_words(base_ + "/cgroup.controllers");
  for (const auto controller : needed)
    if (!has.contains(controller))
      return no_cgroup(
          fmt::format("{} cannot be limited here: {}/cgroup.controllers has {}. Delegate=yes in the node's "
                      "unit gives it, unless the machine uses that controller in version 1 (then boot with "
                      "systemd.unified_cgroup_hierarchy=1)",
                      controller, base_, in_a_row(has)));
  for (const auto controller : needed)
    if (!given_.contains(controller)) {
      if (auto given = give_controllers(); !given) return given.error();
      break;
    }

  const std::string folder = base_ + "/child-" + name;
  if (mkdir(folder.c_str(), 0755) != 0)
    return no_cgroup(fmt::format("cannot make {}: {}", folder, words_of_errno(errno)));
  const auto set = [&](const char* file, const std::string& value) -> Result<void> {
    const int code = set_cgroup_file(folder + file, value);
    if (code == 0) return {};
    remove_cgroup(folder);
    return no_cgroup(fmt::format("cannot write {} to {}{}: {}", value, folder, file, words_of_errno(code)));
  };
  if (limits.memory) {
    if (auto done = set("/memory.max", std::to_string(*limits.memory)); !done) return done.error();
    // A program that lost one of its processes is none that runs.
    if (auto done = set("/memory.oom.group", "1"); !done) return done.error();
  }
  if (limits.cpu) {
    const double quota = std::max(cpu_quota_least_us, std::round(*limits.cpu * cpu_period_us));
    if (auto done = set("/cpu.max", fmt::format("{:.0f} {:.0f}", quota, cpu_period_us)); !done)
      return done.error();
  }
  if (limits.pids)
    if (auto done = set("/pids.max", std::to_string(*limits.pids)); !done) return done.error();
  return folder;
}

bool remove_cgroup(const std::string& folder) {
  return rmdir(folder.c_str()) == 0 || errno == ENOENT;
}

}  // namespace brood::exec
