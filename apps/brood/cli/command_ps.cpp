// brood ps.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/describe.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

Term selection(const Arguments& arguments) {
  if (arguments.local) return Term::atom("local");
  if (!arguments.tag.empty()) return Term::tuple({Term::atom("tag"), Term::binary(arguments.tag)});
  return Term::atom("all");
}

// What `ps` shows as a child's phase, of any of its instances.
bool is_in(const ChildRow& row, const std::string& phase) {
  if (row.instances.empty()) return phase == (row.failed ? "failed" : row.wanted ? "waiting" : "stopped");
  return std::any_of(row.instances.begin(), row.instances.end(), [&](const InstanceRow& one) {
    return one.phase == phase || (!one.health.empty() && one.health == phase);
  });
}

bool is_on(const ChildRow& row, const std::string& node) {
  return std::any_of(row.instances.begin(), row.instances.end(),
                     [&](const InstanceRow& one) { return one.node == node; });
}

bool is_wanted(const ChildRow& row, const Arguments& arguments) {
  const auto& tag = arguments.tag;
  return (tag.empty() || std::find(row.tags.begin(), row.tags.end(), tag) != row.tags.end()) &&
         row.id.starts_with(arguments.prefix) && (arguments.phase.empty() || is_in(row, arguments.phase)) &&
         (arguments.on.empty() || is_on(row, arguments.on));
}

// By what --sort names, the most first where it is a number; equal ones by id.
void sort_rows(std::vector<ChildRow>& rows, const std::string& by) {
  const auto most = [&](const ChildRow& row, auto InstanceRow::*what) {
    std::int64_t out = -1;
    for (const auto& one : row.instances) out = std::max<std::int64_t>(out, one.*what);
    return out;
  };
  const auto first = [&](const ChildRow& row, std::string InstanceRow::*what) {
    return row.instances.empty() ? std::string() : row.instances.front().*what;
  };
  std::sort(rows.begin(), rows.end(), [&](const ChildRow& a, const ChildRow& b) {
    int order = 0;
    if (by == "node") order = first(a, &InstanceRow::node).compare(first(b, &InstanceRow::node));
    if (by == "phase") order = first(a, &InstanceRow::phase).compare(first(b, &InstanceRow::phase));
    if (by == "restarts" || by == "up") {
      const auto what = by == "up" ? &InstanceRow::uptime_ms : &InstanceRow::restarts;
      const auto x = most(a, what);
      const auto y = most(b, what);
      order = x > y ? -1 : x < y ? 1 : 0;
    }
    return order != 0 ? order < 0 : a.id < b.id;
  });
}

// Only so many: asked for in pages, as many as it takes to find them.
Outcome<ChildPage> first_of(Session& session, const Term& supervisor) {
  const auto& arguments = session.arguments;
  // Few at first, as most may be what is looked for; ever more where they are not.
  std::size_t at_once = 64;
  constexpr std::size_t at_once_max = 4096;
  const bool filters = !arguments.prefix.empty() || !arguments.phase.empty() || !arguments.on.empty() ||
                       (arguments.local && !arguments.tag.empty());
  ChildPage out;
  if (!arguments.after.empty()) out.next = *parse_id(arguments.after);
  do {
    const std::size_t left = *arguments.limit - out.rows.size();
    auto page = describe_page(session, supervisor, selection(arguments),
                              filters ? std::max(left, at_once) : left, out.next);
    at_once = std::min(at_once * 4, at_once_max);
    if (!page) return page;
    out.next = page->next;
    for (auto& row : page->rows) {
      if (!is_wanted(row, arguments)) continue;
      if (out.rows.size() == *arguments.limit) {
        out.next = *parse_id(out.rows.back().id);
        return out;
      }
      out.rows.push_back(std::move(row));
    }
  } while (out.next && out.rows.size() < *arguments.limit);
  return out;
}

Outcome<std::vector<ChildRow>> all_of(Session& session, const std::vector<Term>& supervisors) {
  std::vector<ChildRow> rows;
  for (const auto& supervisor : supervisors) {
    auto some = describe(session, supervisor, selection(session.arguments));
    if (!some) return some;
    std::move(some->begin(), some->end(), std::back_inserter(rows));
    if (!session.arguments.all) continue;
    auto stopped = describe(session, supervisor, Term::atom("stopped"));
    if (!stopped) return stopped;
    std::move(stopped->begin(), stopped->end(), std::back_inserter(rows));
  }
  std::erase_if(rows, [&](const ChildRow& row) { return !is_wanted(row, session.arguments); });
  return rows;
}

std::string total_line(const std::vector<ChildRow>& rows) {
  std::size_t running = 0;
  std::size_t failed = 0;
  for (const auto& row : rows) {
    failed += row.failed ? 1 : 0;
    running += std::any_of(row.instances.begin(), row.instances.end(),
                           [](const InstanceRow& instance) { return instance.phase == "running"; });
  }
  return fmt::format("{} {}, {} running{}", rows.size(), rows.size() == 1 ? "child" : "children", running,
                     failed == 0 ? "" : fmt::format(", {} failed", failed));
}

// Why a child waits is told of one child only, as that asks more of the node; of the first few it is asked.
constexpr int whys_asked = 20;

void ask_why_waiting(Session& session, std::vector<ChildRow>& rows) {
  int left = whys_asked;
  for (auto& row : rows) {
    const bool waits = row.wanted && !row.failed && row.instances.empty() && row.waiting.empty();
    if (!waits || left-- <= 0) continue;
    const auto id = Term::tuple({Term::atom("id"), *parse_id(row.id)});
    const auto one = describe(session, Term::atom(row.supervisor), id);
    if (one && !one->empty()) row.waiting = one->front().waiting;
  }
}

void remark_next(Output& out, const Term& next) {
  (void)out.flush();  // it stands below the table
  out.remark(fmt::format("--- more: brood ps ... --after {} ---", command_line({id_text(next)})));
}

}  // namespace

Outcome<void> ps(Session& session) {
  const auto& arguments = session.arguments;
  auto& out = session.out;
  const bool pages = arguments.limit && arguments.sort.empty();
  ChildPage page;
  std::vector<Term> supervisors;
  if (pages) {
    const auto supervisor = session.supervisor();
    if (!supervisor) return tl::unexpected(supervisor.error());
    auto first = first_of(session, *supervisor);
    if (!first) return tl::unexpected(first.error());
    page = std::move(*first);
    supervisors = {*supervisor};
  } else {
    const auto found = session.supervisors();
    if (!found) return tl::unexpected(found.error());
    auto all = all_of(session, *found);
    if (!all) return tl::unexpected(all.error());
    page.rows = std::move(*all);
    supervisors = *found;
    if (!arguments.sort.empty() || arguments.all) sort_rows(page.rows, arguments.sort);
    if (arguments.limit && page.rows.size() > *arguments.limit) page.rows.resize(*arguments.limit);
  }
  auto& rows = page.rows;
  if (rows.empty() && !arguments.on.empty())
    if (auto there = check_is_there(session, "--on", arguments.on); !there) return there;
  if (arguments.quiet && !out.json()) {
    for (const auto& row : rows) out.line(row.id);
    if (page.next) remark_next(out, *page.next);
    return {};
  }
  ask_why_waiting(session, rows);
  if (out.json()) {
    auto list = children_json(rows);
    out.line(json_line(!pages ? std::move(list)
                              : Json{{"children", std::move(list)},
                                     {"next", page.next ? Json(id_text(*page.next)) : Json(nullptr)}}));
    return {};
  }
  out.write(render(children_table(rows, supervisors.size() > 1), out.width(), out.color()));
  const bool none_runs = std::none_of(rows.begin(), rows.end(), [](const ChildRow& row) {
    return std::any_of(row.instances.begin(), row.instances.end(),
                       [](const auto& one) { return !one.pid.empty(); });
  });
  if (none_runs)
    for (const auto& supervisor : supervisors) remark_partition(session, supervisor);
  if (out.width()) out.line(styled(total_line(rows), Style::faint, out.color()));
  if (page.next) remark_next(out, *page.next);
  return {};
}

}  // namespace brood::app
