#include "apps/brood/cli/api.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace brood::app {
namespace {

// The reasons that are bare atoms, as OTP's supervisors give them.
struct Known {
  std::string_view atom;
  std::string_view code;
  std::string_view words;
};
constexpr std::array<Known, 12> known_reasons{{
    {"not_found", "no_such_child", "no such child; `brood ps` shows those there are"},
    {"no_supervisor", "no_such_supervisor", "no supervisor of that name runs there"},
    {"no_target", "no_target", "no other node could take the children; they stay where they are"},
    {"not_alive", "not_member", "the supervisor does not run there"},
    {"timeout", "timeout", "no answer in time; it may still happen"},
    {"not_allowed", "not_allowed", "not allowed there"},
    {"noproc", "no_such_child", "nothing of that name runs"},
    {"missing_child_mapping", "invalid_argument",
     "the distribution is guided: say on which node it runs (--mapping, or `mapping` in the fleet file)"},
    {"invalid_child_mapping", "invalid_argument", "a mapping is a list of nodes, each of them once"},
    {"child_mapping_mismatch", "invalid_argument", "the mapping says nothing of this child"},
    {"child_replication_mismatch", "invalid_argument",
     "the mapping must name as many nodes as the child has instances"},
    {"badrequest", "invalid_argument", "the node does not know this request; is it of the same version?"},
}};

Trouble of_atom(const std::string& name) {
  for (const auto& known : known_reasons) {
    if (known.atom == name) return {exit_refused, std::string(known.code), std::string(known.words), {}};
  }
  return {exit_refused, name, name, {}};
}

}  // namespace

Trouble trouble_of(const Term& reason) {
  if (const auto* atom = reason.as_atom()) return of_atom(atom->name);
  const auto* tuple = reason.as_tuple();
  if (tuple != nullptr && tuple->size() == 2 && tuple->front().as_atom() != nullptr) {
    const auto& code = tuple->front().as_atom()->name;
    const auto& detail = tuple->back();
    if (code == "already_started" && detail.as_pid() != nullptr) {
      return {exit_refused, code, fmt::format("it runs already, as {}", to_string(detail)), {}};
    }
    if (const auto words = detail.text(); words && !words->empty() && detail.as_atom() == nullptr) {
      return {exit_refused, code, *words, {}};
    }
    return {exit_refused, code, fmt::format("{}: {}", code, to_string(detail, 2000)), {}};
  }
  return {exit_refused, "error", to_string(reason, 2000), {}};
}

Outcome<Term> checked(Term answer) {
  if (answer.is_record("error", 2)) return tl::unexpected(trouble_of((*answer.as_tuple())[1]));
  if (answer.is_record("ok", 2)) return (*answer.as_tuple())[1];
  return answer;
}

Outcome<Term> ask(Api& api, const Term& request, std::chrono::milliseconds timeout) {
  auto answer = api.request(request, timeout);
  if (!answer) return answer;
  return checked(std::move(*answer));
}

}  // namespace brood::app
