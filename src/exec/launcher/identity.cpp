#include "exec/launcher/identity.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <system_error>

namespace brood::exec {
namespace {

constexpr std::size_t record_bytes = 64 * 1024;

struct User {
  uid_t uid = 0;
  std::optional<gid_t> gid;  ///< Unknown of a number that has no name.
  std::string name;
  std::string home;
};

Error failed(std::string words) {
  return {Errc::start_failed, std::move(words)};
}

std::optional<unsigned> number_of(const std::string& text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

Result<User> find_user(const std::string& wanted) {
  const auto number = number_of(wanted);
  std::vector<char> room(record_bytes);
  passwd record{};
  passwd* found = nullptr;
  const int error = number ? getpwuid_r(*number, &record, room.data(), room.size(), &found)
                           : getpwnam_r(wanted.c_str(), &record, room.data(), room.size(), &found);
  if (found) return User{found->pw_uid, found->pw_gid, found->pw_name, found->pw_dir};
  if (number) return User{*number, std::nullopt, "", ""};
  return failed(fmt::format(
      "user \"{}\": {}", wanted,
      error == 0 ? "there is none of that name on this machine" : std::generic_category().message(error)));
}

Result<gid_t> find_group(const std::string& wanted) {
  if (const auto number = number_of(wanted)) return gid_t{*number};
  std::vector<char> room(record_bytes);
  group record{};
  group* found = nullptr;
  const int error = getgrnam_r(wanted.c_str(), &record, room.data(), room.size(), &found);
  if (found) return found->gr_gid;
  return failed(fmt::format(
      "group \"{}\": {}", wanted,
      error == 0 ? "there is none of that name on this machine" : std::generic_category().message(error)));
}

std::vector<gid_t> groups_of(const std::string& user, gid_t own) {
  if (user.empty()) return {own};
  int count = 64;
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  if (getgrouplist(user.c_str(), own, groups.data(), &count) < 0) {
    groups.resize(static_cast<std::size_t>(count));
    if (getgrouplist(user.c_str(), own, groups.data(), &count) < 0) return {own};
  }
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

Error not_root(std::string_view what, const std::string& wanted) {
  return failed(
      fmt::format("{} \"{}\": this node runs as user {}, and only root may run programs as others; leave {} "
                  "out, or run the node as root",
                  what, wanted, geteuid(), what));
}

}  // namespace

Result<Identity> find_identity(const ProgramOptions& options) {
  Identity out;
  const bool is_root = geteuid() == 0;
  std::string user_name;
  std::optional<gid_t> gid;
  if (!options.user.empty()) {
    const auto user = find_user(options.user);
    if (!user) return user.error();
    if (!is_root && user->uid != geteuid()) return not_root("user", options.user);
    if (!user->gid && options.group.empty())
      return failed(
          fmt::format("user \"{}\" has no name on this machine, so its group is not known: give group too",
                      options.user));
    out.uid = user->uid;
    gid = user->gid;
    user_name = user->name;
    if (!user->name.empty()) out.env = {{"HOME", user->home}, {"USER", user->name}, {"LOGNAME", user->name}};
  }
  if (!options.group.empty()) {
    const auto group = find_group(options.group);
    if (!group) return group.error();
    if (!is_root && *group != getegid()) return not_root("group", options.group);
    gid = *group;
  }
  if (!is_root) {
    // Nothing to take on: it is who the node is.
    out.uid.reset();
    return out;
  }
  out.gid = gid;
  if (gid) out.groups = groups_of(user_name, *gid);
  return out;
}

}  // namespace brood::exec
