#include "supervisor/driver/history.hpp"

#include <fmt/format.h>

#include "core/base/hlc.hpp"
#include "supervisor/driver/eligibility.hpp"

namespace brood::supervisor {
namespace {

using core::What;
using core::Why;

std::string with(std::string_view before, const std::string& what) {
  return what.empty() ? std::string() : fmt::format("{}{}", before, what);
}

std::string why_started(const core::Happening& one) {
  const std::string came_from = with("; it ran on ", one.other.text());
  switch (one.why) {
    case Why::asked:
      return one.other.text().empty() ? "a client asked for it" : one.other.text() + " was asked to start it";
    case Why::from_file:
      return "it stands in the file of a node";
    case Why::one_more:
      return "one more instance belongs there";
    case Why::crashed:
      return "again, after it ended" + with(": ", one.words);
    case Why::start_failed:
      return "again, after a start that failed" + with(": ", one.words);
    case Why::gave_up:
      return "it failed too often on the node before" + came_from;
    case Why::node_lost:
      return "the node that ran it was lost" + came_from;
    case Why::node_left:
      return "the node that ran it left" + came_from;
    case Why::joined:
      return "it belongs there since that node came" + came_from;
    case Why::drained:
      return "the node that ran it drains" + came_from;
    case Why::rebalanced:
      return "it belongs there by the distribution" + came_from;
    case Why::moved:
      return "moved by hand" + with(", as was asked of ", one.words) + came_from;
    case Why::load_shared:
      return "the load balancer gave it there" + came_from;
    case Why::replaced:
      return "it has another spec, or was to begin anew";
    case Why::stopped:
      return "it was asked for again";
    case Why::conflict:
      return "two instances of it ran";
    case Why::role:
      return "again, in its new role";
    case Why::locked:
      return "this part of the cluster may run children again";
    case Why::failed:
      return "it was given up, and is tried again";
    case Why::finished:
    case Why::unknown:
      break;
  }
  return {};
}

std::string why_ended(const core::Happening& one) {
  const std::string reason = with(": ", one.words);
  const std::string& to = one.other.text();
  const std::string goes = to.empty() ? "others run it" : "it goes to " + to;
  switch (one.why) {
    case Why::stopped:
      return "it was stopped" + with(" (", one.words) + (one.words.empty() ? "" : ")");
    case Why::crashed:
      return "it ended" + reason;
    case Why::start_failed:
      return "its start failed" + reason;
    case Why::gave_up:
      return "it failed too often there" + reason;
    case Why::node_lost:
      return "the node was lost" + with("; ", one.words);
    case Why::node_left:
      return "the node left";
    case Why::joined:
      return goes + ", which came";
    case Why::drained:
      return goes + ", for " + one.node.text() + " drains";
    case Why::rebalanced:
      return goes + ", where it belongs by the distribution";
    case Why::moved:
      return goes + ", moved by hand";
    case Why::load_shared:
      return goes + ", which has more to spare";
    case Why::replaced:
      return "it has another spec, or was to begin anew";
    case Why::conflict:
      return "another instance of it stays";
    case Why::role:
      return "it is told its new role by a restart";
    case Why::locked:
      return "this part of the cluster may not run children";
    case Why::failed:
      return "it was given up";
    case Why::finished:
      return "by itself, for good" + reason;
    case Why::asked:
    case Why::from_file:
    case Why::one_more:
    case Why::unknown:
      break;
  }
  return {};
}

std::string phrase(const core::Happening& one) {
  const std::string id = one.id.text();
  const std::string& node = one.node.text();
  switch (one.what) {
    case What::started:
      return fmt::format("{} started on {}", id, node);
    case What::crashed:
      return fmt::format("{} waits on {} to be started again", id, node);
    case What::ended:
      return fmt::format("{} is gone from {}", id, node);
    case What::became_active:
      return fmt::format("{} is active on {}", id, node);
    case What::became_passive:
      return fmt::format("{} is passive on {}", id, node);
    case What::stop_asked:
      return fmt::format("{} was asked to stop {}", node, id);
    case What::given_up:
      return fmt::format("{} {}", id,
                         one.why == Why::failed ? "is given up" : "waits before it is started again");
    case What::member_joins:
      return node + " joins";
    case What::member_up:
      return node + " is up";
    case What::member_drains:
      return node + " drains";
    case What::member_left:
      return node + " has left";
    case What::member_lost:
      return node + " is lost";
    case What::locked:
      return "this part of the cluster may not run children";
    case What::unlocked:
      return "this part of the cluster may run children again";
  }
  return {};
}

std::string cause_name(Why why) {
  return why == Why::unknown ? std::string() : std::string(core::to_string(why));
}

Term text_term(const std::string& text) {
  return Term::binary(text);
}
/// An atom, or `undefined` for nothing.
Term atom_or_undefined(const std::string& name) {
  return Term::atom(name.empty() ? "undefined" : name);
}

std::string state_of(const core::SpecRow* row, const std::vector<core::Located>& instances) {
  if (!row) return instances.empty() ? "it is gone" : "it was stopped, and is on its way out";
  if (!row->wanted) return instances.empty() ? "it was stopped" : "it was stopped, and is on its way out";
  if (row->trouble->failed) return "it is failed, until retry: " + row->trouble->failure;
  if (row->held)
    return std::string(instances.empty() ? held_words
                                         : "it begins anew once nothing of the former one is left");
  for (const core::Located& one : instances)
    if (one.instance.phase == core::Phase::running || one.instance.phase == core::Phase::stuck)
      return "it runs";
  if (!instances.empty()) return fmt::format("it is {}", core::to_string(instances.front().instance.phase));
  return row->trouble->failure.empty() ? "it runs nowhere" : "it waits: " + row->trouble->failure;
}

ChildHistory::Here here_of(const core::Located& one, const core::SpecRow* row,
                           const std::vector<core::Happening>& events) {
  ChildHistory::Here here;
  here.node = one.host.node;
  here.phase = core::to_string(one.instance.phase);
  here.cause = cause_name(one.instance.here);
  here.last_cause = cause_name(one.instance.why);
  // The row says why; from where it came only the history does, as long as that is kept.
  core::Happening start;
  start.what = What::started;
  start.why = one.instance.here;
  if (row && start.why == Why::asked) start.other = row->request.node;
  if (row && start.why == Why::moved && row->assigned) start.words = row->assigned->decider.text();
  for (const core::Happening& event : events)
    if (event.what == What::started && !event.restart && event.node == one.host.node)
      start.other = event.other;
  const bool runs = one.instance.phase == core::Phase::running;
  const std::string state = runs ? "" : fmt::format(" ({})", here.phase);
  here.text = fmt::format("on {}{}{}", here.node.text(), state, with(": ", why_started(start)));
  if (one.instance.restarts > 0)
    here.text += fmt::format(" (restarted {} times there{})", one.instance.restarts,
                             with("; the last end: ", *one.instance.reason));
  return here;
}

}  // namespace

std::string_view name_of(What what) {
  switch (what) {
    case What::started:
      return "started";
    case What::crashed:
      return "crashed";
    case What::ended:
      return "ended";
    case What::became_active:
      return "active";
    case What::became_passive:
      return "passive";
    case What::stop_asked:
      return "stop_asked";
    case What::given_up:
      return "given_up";
    case What::member_joins:
      return "member_joins";
    case What::member_up:
      return "member_up";
    case What::member_drains:
      return "member_drains";
    case What::member_left:
      return "member_left";
    case What::member_lost:
      return "member_lost";
    case What::locked:
      return "locked";
    case What::unlocked:
      return "unlocked";
  }
  return "unknown";
}

std::string words_of(const core::Happening& one) {
  switch (one.what) {
    case What::started:
      return why_started(one);
    case What::ended:
      return why_ended(one);
    case What::crashed:
      return one.why == Why::start_failed ? "its start failed" + with(": ", one.words)
                                          : "it ended" + with(": ", one.words);
    default:
      return one.words;
  }
}

HistoryEvent event_of(const core::Happening& one) {
  HistoryEvent event;
  event.number = one.number;
  event.time = std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(one.wall));
  if (one.is_of_child()) event.id = Id(one.id);
  event.event = name_of(one.what);
  event.cause = cause_name(one.why);
  event.node = one.node;
  event.other = one.other;
  event.epoch = one.epoch.value;
  event.reason = one.words;
  event.text = phrase(one) + with(": ", words_of(one));
  return event;
}

EventPage events_of(const core::Core& core, const EventQuery& query) {
  core::HistoryQuery asked;
  asked.after = query.after;
  asked.limit = query.limit;
  asked.prefix = query.prefix;
  const core::HistoryPage found = core.history(asked);
  EventPage page;
  page.next = found.next;
  page.lost = found.lost;
  page.events.reserve(found.happenings.size());
  for (const core::Happening& one : found.happenings) page.events.push_back(event_of(one));
  return page;
}

Result<ChildHistory> history_of(const core::Core& core, const ChildId& id) {
  core::HistoryQuery asked;
  asked.id = id;
  const core::HistoryPage found = core.history(asked);
  const core::SpecRow* row = core.spec(id);
  const auto instances = core.instances(id);
  if (!row && instances.empty() && found.happenings.empty())
    return Error{Errc::no_such_child,
                 fmt::format("no child '{}', and this node remembers nothing of one", id.text())};
  ChildHistory history;
  history.id = Id(id);
  history.state = state_of(row, instances);
  for (const core::Located& one : instances) history.here.push_back(here_of(one, row, found.happenings));
  for (const core::Happening& one : found.happenings) history.events.push_back(event_of(one));
  return history;
}

Term event_term(const HistoryEvent& event) {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(event.time.time_since_epoch()).count();
  return Term::map({{Term::atom("number"), Term(static_cast<std::int64_t>(event.number))},
                    {Term::atom("time_ms"), Term(static_cast<std::int64_t>(ms))},
                    {Term::atom("id"), event.id ? event.id->term() : Term::atom("undefined")},
                    {Term::atom("event"), Term::atom(event.event)},
                    {Term::atom("cause"), atom_or_undefined(event.cause)},
                    {Term::atom("node"), atom_or_undefined(event.node.text())},
                    {Term::atom("other"), atom_or_undefined(event.other.text())},
                    {Term::atom("epoch"), Term(static_cast<std::int64_t>(event.epoch))},
                    {Term::atom("reason"), text_term(event.reason)},
                    {Term::atom("text"), text_term(event.text)}});
}

namespace {
Term events_term(const std::vector<HistoryEvent>& events) {
  std::vector<Term> items;
  items.reserve(events.size());
  for (const HistoryEvent& event : events) items.push_back(event_term(event));
  return Term::list(std::move(items));
}
}  // namespace

Term page_term(const EventPage& page) {
  return Term::map({{Term::atom("events"), events_term(page.events)},
                    {Term::atom("next"), Term(static_cast<std::int64_t>(page.next))},
                    {Term::atom("lost"), Term(static_cast<std::int64_t>(page.lost))}});
}

Term history_term(const ChildHistory& history) {
  std::vector<Term> here;
  for (const ChildHistory::Here& one : history.here)
    here.push_back(Term::map({{Term::atom("node"), atom_or_undefined(one.node.text())},
                              {Term::atom("phase"), Term::atom(one.phase)},
                              {Term::atom("cause"), atom_or_undefined(one.cause)},
                              {Term::atom("last_cause"), atom_or_undefined(one.last_cause)},
                              {Term::atom("text"), text_term(one.text)}}));
  return Term::map({{Term::atom("id"), history.id.term()},
                    {Term::atom("state"), text_term(history.state)},
                    {Term::atom("here"), Term::list(std::move(here))},
                    {Term::atom("events"), events_term(history.events)}});
}

}  // namespace brood::supervisor
