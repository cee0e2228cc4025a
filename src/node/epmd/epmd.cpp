#include "node/epmd/epmd.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "node/net/wire.hpp"

namespace brood::node::epmd {
namespace {

enum Tag : std::uint8_t {
  alive2_request = 120,
  alive2_answer = 121,
  alive2_x_answer = 118,
  port2_request = 122,
  port2_answer = 119
};

constexpr std::uint8_t normal_node = 77;
constexpr std::uint8_t hidden_node = 72;
constexpr std::uint16_t distribution_version = 6;

Bytes framed(BytesView body) {
  Bytes out;
  wire::put(out, body.size(), 2);
  out += body;
  return out;
}

Error not_epmd() {
  return {Errc::malformed, "what answers there is not EPMD"};
}

}  // namespace

Bytes registration_request(const Registration& registration) {
  Bytes body;
  wire::put(body, alive2_request, 1);
  wire::put(body, registration.port, 2);
  wire::put(body, registration.hidden ? hidden_node : normal_node, 1);
  wire::put(body, 0, 1);  // TCP over IPv4 or IPv6.
  wire::put(body, distribution_version, 2);
  wire::put(body, distribution_version, 2);
  wire::put(body, registration.name.size(), 2);
  body += registration.name;
  wire::put(body, 0, 2);  // No extra data.
  return framed(body);
}

Bytes lookup_request(std::string_view name) {
  Bytes body;
  wire::put(body, port2_request, 1);
  body += name;
  return framed(body);
}

std::optional<Result<std::uint32_t>> registration_answer(BytesView received) {
  if (received.empty()) return std::nullopt;
  wire::Cursor in(received);
  const std::uint8_t tag = in.u8();
  if (tag != alive2_answer && tag != alive2_x_answer) return Result<std::uint32_t>(not_epmd());
  const bool is_long = tag == alive2_x_answer;
  if (received.size() < (is_long ? 6U : 4U)) return std::nullopt;
  if (in.u8() != 0) {
    return Result<std::uint32_t>(
        Error{Errc::name_taken, "EPMD has a live node of that name; choose another name"});
  }
  return Result<std::uint32_t>(is_long ? in.u32() : 0);
}

std::optional<Result<NodeAddress>> lookup_answer(BytesView received) {
  if (received.size() < 2) return std::nullopt;
  wire::Cursor in(received);
  if (in.u8() != port2_answer) return Result<NodeAddress>(not_epmd());
  if (in.u8() != 0) return Result<NodeAddress>(Error{Errc::not_member, "EPMD knows no node of that name"});
  if (received.size() < 10) return std::nullopt;
  NodeAddress address;
  address.port = in.u16();
  in.take(2);  // Node type and protocol: nothing depends on them.
  address.version_high = in.u16();
  address.version_low = in.u16();
  return Result<NodeAddress>(address);
}

Result<void> start_epmd(const std::string& address) {
  // Its own standard streams, so that it does not hold on to ours for as long as it lives.
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  char program[] = "epmd";
  char option[] = "-daemon";
  char address_option[] = "-address";
  std::string where = address;
  const bool given = !where.empty() && std::getenv("ERL_EPMD_ADDRESS") == nullptr;
  char* const argv[] = {program, option, given ? address_option : nullptr, where.data(), nullptr};
  // The signals that a node blocks or ignores are not for it: it must end when somebody tells it to.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&attributes, &signals);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t child = 0;
  const int failed = posix_spawnp(&child, program, &actions, &attributes, argv, environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return Error{Errc::io,
                 fmt::format("epmd could not be started: {}; install it (Debian: erlang-base) or run "
                             "the node without EPMD",
                             std::strerror(failed))};
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {};
}

}  // namespace brood::node::epmd
