// The names of the error codes.
#include <array>
#include <brood/result.hpp>

namespace brood::inline v0 {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 27> names{"invalid_argument",
                                                 "timeout",
                                                 "no_such_child",
                                                 "already_started",
                                                 "conflict",
                                                 "no_such_worker",
                                                 "no_such_supervisor",
                                                 "already_exists",
                                                 "start_failed",
                                                 "stopped",
                                                 "died",
                                                 "node_lost",
                                                 "unreachable",
                                                 "refused",
                                                 "name_taken",
                                                 "not_member",
                                                 "no_target",
                                                 "mailbox_full",
                                                 "limit_exceeded",
                                                 "malformed",
                                                 "type_mismatch",
                                                 "not_allowed",
                                                 "partitioned",
                                                 "busy",
                                                 "deadlock",
                                                 "io",
                                                 "cancelled"};
static_assert(names.size() == static_cast<std::size_t>(Errc::cancelled) + 1);

}  // namespace

std::string_view to_string(Errc code) noexcept {
  const auto index = static_cast<std::size_t>(code);
  return index < names.size() ? names[index] : std::string_view("unknown");
}

std::optional<Errc> errc_from_string(std::string_view name) noexcept {
  for (std::size_t index = 0; index < names.size(); ++index)
    if (names[index] == name) return static_cast<Errc>(index);
  return std::nullopt;
}

}  // namespace brood::inline v0
