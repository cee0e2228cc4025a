// brood call, cast.
#include <fmt/format.h>

#include <optional>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

// {error, {Code, <<"words">>}} with one of our codes is how a child says that it could not handle the
// message: it fits none of its handlers, or the handler returned a failed Result. Any other term is the
// child's own.
std::optional<Trouble> refusal_of(const Term& reply) {
  if (!reply.is_record("error", 2)) return std::nullopt;
  const auto& reason = (*reply.as_tuple())[1];
  const auto* pair = reason.as_tuple();
  if (pair == nullptr || pair->size() != 2 || (*pair)[1].as_binary() == nullptr) return std::nullopt;
  const auto* code = (*pair)[0].as_atom();
  if (code == nullptr || !errc_from_string(code->name)) return std::nullopt;
  return trouble_of(reason);
}

}  // namespace

Outcome<void> call(Session& session) {
  const auto& arguments = session.arguments;
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto patience = session.timeout(std::chrono::milliseconds(5000));
  const auto request = request_of("call", {*supervisor, *parse_id(arguments.id), *parse_term(arguments.term),
                                           Term(static_cast<std::int64_t>(patience.count()))});
  const auto reply = ask(session.api, request, patience);
  if (!reply) return tl::unexpected(about(arguments.id, reply.error()));
  if (auto refusal = refusal_of(*reply)) return tl::unexpected(about(arguments.id, std::move(*refusal)));
  const auto text = to_string(*reply);
  session.out.line(session.out.json() ? json_line(Json{{"reply", text}, {"value", term_json(*reply)}})
                                      : text);
  return {};
}

Outcome<void> cast(Session& session) {
  const auto& arguments = session.arguments;
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto answer = ask(
      session.api, request_of("cast", {*supervisor, *parse_id(arguments.id), *parse_term(arguments.term)}),
      session.timeout(question_timeout));
  if (!answer) return tl::unexpected(about(arguments.id, answer.error()));
  if (session.out.json()) session.out.line(json_line(Json{{"sent", arguments.id}}));
  return {};
}

}  // namespace brood::app
