#include "apps/brood/cli/describe.hpp"

namespace brood::app {
namespace {

// Of 100,000 children the answer is some tens of megabytes.
constexpr std::chrono::milliseconds list_timeout{30000};

std::vector<ChildRow> rows_of(const Term& answer, const Term& supervisor) {
  auto rows = child_rows(answer);
  for (auto& row : rows) row.supervisor = supervisor.as_atom()->name;
  return rows;
}

}  // namespace

Outcome<std::vector<ChildRow>> describe(Session& session, const Term& supervisor, Term what) {
  const auto answer =
      ask(session.api, request_of("describe", {supervisor, std::move(what)}), session.timeout(list_timeout));
  if (!answer) return tl::unexpected(answer.error());
  return rows_of(*answer, supervisor);
}

Outcome<ChildPage> describe_page(Session& session, const Term& supervisor, Term what, std::size_t limit,
                                 const std::optional<Term>& after) {
  std::vector<std::pair<Term, Term>> options{{Term::atom("limit"), Term(static_cast<std::int64_t>(limit))}};
  if (after) options.emplace_back(Term::atom("after"), *after);
  const auto answer =
      ask(session.api, request_of("describe", {supervisor, std::move(what), Term::map(std::move(options))}),
          session.timeout(list_timeout));
  if (!answer) return tl::unexpected(answer.error());
  ChildPage page;
  if (const Term* items = answer->get("items")) page.rows = rows_of(*items, supervisor);
  if (const Term* next = answer->get("next"); next && !next->is_atom("undefined")) page.next = *next;
  return page;
}

}  // namespace brood::app
