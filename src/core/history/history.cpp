#include "core/history/history.hpp"

#include <algorithm>

namespace brood::core {
namespace {

/// So many of members and locks are kept: some 200 bytes each.
constexpr std::size_t members_kept = 1000;

std::size_t weight_of(const Happening& one) {
  const auto heap = [](std::size_t size) { return size > 15 ? size + 1 : 0; };
  return sizeof(Happening) + heap(one.id.bytes().size()) + heap(one.node.text().size()) +
         heap(one.other.text().size()) + heap(one.words.size());
}

bool begins_with(const ChildId& id, const std::string& prefix) {
  return id.kind() == IdKind::term ? id.text().starts_with(prefix) : id.bytes().starts_with(prefix);
}

Happening of_instance(const Step& s, What what, const Child& child, const SessionId& host,
                      const Instance& instance) {
  Happening one;
  one.wall = s.now.wall;
  one.what = what;
  one.id = child.id;
  one.node = host.node;
  one.creation = host.creation;
  one.epoch = instance.epoch.clock;
  one.pid = instance.pid;
  return one;
}

/// Of a move two nodes tell, and which is heard first is chance: of one child, its end stands before its
/// start.
void put_moves_in_order(std::vector<Happening>& all) {
  for (std::size_t at = 0; at < all.size(); ++at) {
    const Happening& end = all[at];
    if (end.what != What::ended || !is_move(end.why)) continue;
    for (std::size_t before = at; before-- > 0 && all[before].what != What::ended;) {
      const Happening& start = all[before];
      if (start.what != What::started || start.why != end.why || start.node != end.other) continue;
      const auto first = all.begin() + static_cast<std::ptrdiff_t>(before);
      const auto last = all.begin() + static_cast<std::ptrdiff_t>(at);
      std::rotate(first, last, last + 1);
      break;
    }
  }
}

/// Where one ran before it came is known from its end there.
void name_former_nodes(std::vector<Happening>& all) {
  std::map<std::pair<ChildId, NodeName>, NodeName> moved;
  for (const Happening& one : all)
    if (one.what == What::ended && is_move(one.why)) moved[{one.id, one.other}] = one.node;
  std::map<ChildId, NodeName> ended;
  for (Happening& one : all) {
    if (one.what == What::ended) ended[one.id] = one.node;
    if (one.what != What::started || !one.other.text().empty()) continue;
    const bool after_a_loss =
        one.why == Why::node_lost || one.why == Why::node_left || one.why == Why::gave_up;
    if (const auto known = ended.find(one.id); known != ended.end() && (after_a_loss || is_move(one.why))) {
      one.other = known->second;
      ended.erase(known);
    } else if (const auto from = moved.find({one.id, one.node}); from != moved.end() && is_move(one.why)) {
      one.other = from->second;
    }
  }
}

bool runs(const Instance& instance) {
  return instance.phase == Phase::running || instance.phase == Phase::stuck;
}

}  // namespace

History::History(const Settings& settings)
    : children_{settings.history_events, settings.history_bytes, {}, 0, 0},
      members_{settings.history_events == 0 ? 0 : members_kept, settings.history_bytes, {}, 0, 0} {}

void History::Room::add(Happening happening) {
  bytes += weight_of(happening);
  all.push_back(std::move(happening));
  while (!all.empty() && (all.size() > count_max || bytes > bytes_max)) {
    bytes -= weight_of(all.front());
    dropped = all.front().number;
    all.pop_front();
  }
}

void History::add(Step& s, Happening happening) {
  take_members(s);
  happening.number = ++last_;
  (happening.is_of_child() ? children_ : members_).add(happening);
  s.effects.happened.push_back(std::move(happening));
}

// They are told by words alone (Step::member), in order with all else that happens in the step.
void History::take_members(Step& s) {
  while (members_taken_ < s.effects.members.size()) {
    const MemberEvent& event = s.effects.members[members_taken_++];
    Happening one;
    one.wall = s.now.wall;
    one.node = event.session.node;
    one.creation = event.session.creation;
    one.words = event.words;
    switch (event.state) {
      case MemberState::joining:
        one.what = What::member_joins;
        break;
      case MemberState::up:
        one.what = What::member_up;
        break;
      case MemberState::draining:
        one.what = What::member_drains;
        break;
      case MemberState::left:
        one.what = What::member_left;
        break;
      case MemberState::down:
        one.what = What::member_lost;
        break;
    }
    add(s, std::move(one));
  }
}

void History::flush(Step& s) {
  take_members(s);
  members_taken_ = 0;
}

void History::lock_changed(Step& s, bool is_locked, const std::string& words) {
  Happening one;
  one.wall = s.now.wall;
  one.what = is_locked ? What::locked : What::unlocked;
  one.node = s.settings.self;
  if (is_locked) one.words = words;
  add(s, std::move(one));
}

void History::told(Step& s, Child& child, const InstanceNews& news) {
  if (!news.now) {
    Instance was;
    was.epoch = child.floor();
    if (news.was) was.pid = news.was->pid;
    Happening one = of_instance(s, What::ended, child, news.host, was);
    if (news.gone) {
      one.why = news.gone->why;
      one.other = news.gone->to;
      one.words = news.gone->words;
    }
    child.ended_.value_ = one.why;
    return add(s, std::move(one));
  }
  const Instance& now = *news.now;
  if (now.phase == Phase::restarting && (!news.was || news.was->phase != Phase::restarting)) {
    Happening one = of_instance(s, What::crashed, child, news.host, now);
    one.why = now.why;
    one.words = *now.reason;
    return add(s, std::move(one));
  }
  if (!runs(now)) return;
  if (news.was && news.was->pid == now.pid) {
    if (news.was->role == now.role || now.role == Role::claiming) return;
    const bool is_active = now.role == Role::active;
    if (!is_active && news.was->role == Role::claiming) return;
    return add(s,
               of_instance(s, is_active ? What::became_active : What::became_passive, child, news.host, now));
  }
  Happening one = of_instance(s, What::started, child, news.host, now);
  one.wall = wall_of(now.epoch.clock);
  one.why = now.why;
  one.restart = now.why == Why::crashed || now.why == Why::start_failed || now.why == Why::role;
  if (one.restart) one.words = *now.reason;
  if (const SpecRow* row = child.row()) {
    if (now.why == Why::asked) one.other = row->request.node;
    if (now.why == Why::moved && row->assigned) one.words = row->assigned->decider.text();
  }
  child.ended_.value_ = Why::unknown;
  add(s, std::move(one));
}

void History::lost(Step& s, Child& child, const Instance& instance, const Loss& loss, bool is_mine) {
  Happening one = of_instance(s, What::ended, child, loss.session, instance);
  one.why = loss.how == Ending::left ? Why::node_left : Why::node_lost;
  one.is_mine = is_mine;
  if (loss.obituary && loss.obituary->id == child.id) one.words = "the node crashed in a handler of it";
  child.ended_.value_ = one.why;
  add(s, std::move(one));
}

void History::row_changed(Step& s, const Child& child, const SpecChange& change) {
  Happening one;
  one.wall = s.now.wall;
  one.id = child.id;
  const bool is_ended_by_request =
      !change.row || (!change.row->wanted && change.row->birth == change.row->dot);
  if (is_ended_by_request) {
    const RequestKey& request = change.row ? change.row->request : change.request;
    if (request.number == 0) return;
    one.what = What::stop_asked;
    one.node = request.node;
    return add(s, std::move(one));
  }
  if (!change.row->trouble->failed && change.row->trouble->not_before == Hlc{}) return;
  one.what = What::given_up;
  one.node = change.dot.node;
  one.why = change.row->trouble->failed ? Why::failed : Why::gave_up;
  one.words = change.row->trouble->failure;
  add(s, std::move(one));
}

// Two rooms, each in the order of the numbers.
HistoryPage History::read(const HistoryQuery& query) const {
  const auto fits = [&](const Happening& one) {
    if (one.number <= query.after) return false;
    if (query.id) return one.id == *query.id;
    return !query.prefix || (one.is_of_child() && begins_with(one.id, *query.prefix));
  };
  std::vector<const Happening*> found;
  std::ptrdiff_t of_children = 0;
  for (const Room* room : {&children_, &members_}) {
    of_children = static_cast<std::ptrdiff_t>(found.size());
    for (const Happening& one : room->all)
      if (fits(one)) found.push_back(&one);
  }
  std::inplace_merge(found.begin(), found.begin() + of_children, found.end(),
                     [](const Happening* a, const Happening* b) { return a->number < b->number; });
  HistoryPage page;
  page.next = std::max(last_, query.after);
  if (found.size() > query.limit) {
    if (query.after == 0) {
      found.erase(found.begin(), found.end() - static_cast<std::ptrdiff_t>(query.limit));
    } else {
      found.resize(query.limit);
      page.next = found.empty() ? query.after : found.back()->number;
    }
  }
  const std::uint64_t dropped = children_.dropped;
  if (query.after > 0 && dropped > query.after) page.lost = dropped - query.after;
  page.happenings.reserve(found.size());
  for (const Happening* one : found) page.happenings.push_back(*one);
  if (query.id) put_moves_in_order(page.happenings);
  name_former_nodes(page.happenings);
  return page;
}

}  // namespace brood::core
