#include "node/net/secret_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace brood::node {
namespace {

bool is_own_group(gid_t group) {
  if (group == 0 || group == ::getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(0, ::getgroups(0, nullptr))));
  const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
  return count > 0 && std::find(groups.begin(), groups.begin() + count, group) != groups.begin() + count;
}

bool is_changeable(const std::string& path, uid_t owner) {
  struct statvfs mount {};
  const bool read_only = ::statvfs(path.c_str(), &mount) == 0 && (mount.f_flag & ST_RDONLY) != 0;
  return !read_only && (owner == ::geteuid() || ::geteuid() == 0);
}

}  // namespace

Result<void> may_hold_secret(const std::string& what, const std::string& path, const SecretFile& file) {
  const mode_t others = file.mode & 077U;
  if (others == 0) return {};
  if (others == 040 && !file.changeable && file.own_group) return {};
  const auto cure =
      file.changeable
          ? fmt::format("run `chmod 400 {}`", path)
          : fmt::format(
                "its mode is not ours to change (a mounted secret, or another user's file): give it 0400, "
                "or 0440 with our group, where it is made (Kubernetes: defaultMode: 0400; Docker: mode: "
                "0400; systemd: LoadCredential)");
  return Error{Errc::invalid_argument,
               fmt::format("{} can be accessed by others (mode {:o}); {}", what, file.mode & 0777U, cure)};
}

Result<void> may_hold_secret(const std::string& what, const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return {};
  if (S_ISDIR(info.st_mode))
    return Error{Errc::invalid_argument, fmt::format("{} is a folder; name a file", what)};
  if ((info.st_mode & 077U) == 0) return {};
  return may_hold_secret(what, path,
                         {info.st_mode, is_changeable(path, info.st_uid), is_own_group(info.st_gid)});
}

}  // namespace brood::node
