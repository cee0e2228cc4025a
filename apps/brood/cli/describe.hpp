// The request `describe`: all children, some of them, one, or a page.
#pragma once

#include <optional>
#include <vector>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/rows.hpp"

namespace brood::app {

/// `what`: all, local, {id, Id} or {tag, Tag}.
[[nodiscard]] Outcome<std::vector<ChildRow>> describe(Session& session, const Term& supervisor, Term what);

struct ChildPage {
  std::vector<ChildRow> rows;
  std::optional<Term> next;  ///< Of the last of them, where more may follow.
};
/// So many of them, in the order that all nodes have for them, behind the child of that id.
[[nodiscard]] Outcome<ChildPage> describe_page(Session& session, const Term& supervisor, Term what,
                                               std::size_t limit, const std::optional<Term>& after);

}  // namespace brood::app
