// brood partition: whether the node's part of the cluster may run children, and why not.
#include <fmt/format.h>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

struct Standing {
  bool partitioned = false;
  bool locked = false;
  std::string why, strategy, count;
  std::int64_t size = 0, here = 0, takeover_delay_ms = 0, overlap_bound_ms = 0;
  std::vector<std::string> members, missing;
};

std::vector<std::string> names_of(const Term* list) {
  std::vector<std::string> names;
  if (list == nullptr || list->as_list() == nullptr) return names;
  for (const Term& name : *list->as_list()) names.push_back(name.text().value_or(to_string(name)));
  return names;
}

Standing standing_of(const Term& answer) {
  Standing standing;
  const auto flag = [&](const char* key) {
    const Term* value = answer.get(key);
    return value != nullptr && value->is_atom("true");
  };
  const auto words = [&](const char* key) {
    const Term* value = answer.get(key);
    return value != nullptr ? value->text().value_or("") : "";
  };
  const auto number = [&](const char* key) {
    const Term* value = answer.get(key);
    return value != nullptr && value->as_integer() != nullptr ? *value->as_integer() : 0;
  };
  standing.partitioned = flag("partitioned");
  standing.locked = flag("locked");
  standing.why = words("why");
  standing.strategy = words("strategy");
  standing.count = words("count");
  standing.size = number("size");
  standing.here = number("here");
  standing.takeover_delay_ms = number("takeover_delay_ms");
  standing.overlap_bound_ms = number("overlap_bound_ms");
  standing.members = names_of(answer.get("members"));
  standing.missing = names_of(answer.get("missing"));
  return standing;
}

Outcome<Standing> ask_standing(Session& session, const Term& supervisor) {
  const auto answer =
      ask(session.api, request_of("partition_status", {supervisor}), session.timeout(question_timeout));
  if (!answer) return tl::unexpected(answer.error());
  return standing_of(*answer);
}

Json standing_json(const std::string& supervisor, const Standing& standing) {
  return Json{{"supervisor", supervisor},
              {"partitioned", standing.partitioned},
              {"locked", standing.locked},
              {"why", standing.why},
              {"strategy", standing.strategy},
              {"count", standing.count},
              {"members", standing.members},
              {"size", standing.size},
              {"here", standing.here},
              {"missing", standing.missing},
              {"takeover_delay_ms", standing.takeover_delay_ms},
              {"overlap_bound_ms", standing.overlap_bound_ms}};
}

std::string standing_text(const std::string& supervisor, const Standing& standing) {
  const auto what = standing.partitioned ? "partitioned, its children have ended: "
                    : standing.locked    ? "locked for the moment: "
                                         : "goes on: ";
  return fmt::format("{}: {}{} ({})", harmless(supervisor), what,
                     harmless(standing.locked && !standing.why.empty() ? standing.why : standing.count),
                     harmless(standing.strategy));
}

}  // namespace

void remark_partition(Session& session, const Term& supervisor) {
  const auto standing = ask_standing(session, supervisor);
  if (!standing || !standing->locked) return;
  const char* what = standing->partitioned ? "this part of the cluster may not run children"
                                           : "no child is started at the moment";
  session.out.remark(
      fmt::format("{}: {}: {}", harmless(supervisor.as_atom()->name), what, harmless(standing->why)));
}

Outcome<void> partition(Session& session) {
  if (session.arguments.cluster_size) {
    const auto one = session.supervisor();
    if (!one) return tl::unexpected(one.error());
    const auto size = static_cast<std::int64_t>(*session.arguments.cluster_size);
    std::vector<Term> items{*one, Term(size)};
    session.add_timeout(items);
    const auto done = ask(session.api, request_of("reset_cluster_size", std::move(items)),
                          session.timeout(std::chrono::milliseconds(10000)));
    if (!done) return tl::unexpected(done.error());
  }
  const auto supervisors = session.supervisors();
  if (!supervisors) return tl::unexpected(supervisors.error());
  Json all = Json::array();
  for (const auto& supervisor : *supervisors) {
    const auto standing = ask_standing(session, supervisor);
    if (!standing) return tl::unexpected(standing.error());
    const std::string& name = supervisor.as_atom()->name;
    if (session.out.json())
      all.push_back(standing_json(name, *standing));
    else
      session.out.line(standing_text(name, *standing));
  }
  if (session.out.json()) session.out.line(json_line(all));
  return {};
}

}  // namespace brood::app
