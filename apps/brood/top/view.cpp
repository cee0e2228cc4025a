#include "apps/brood/top/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "apps/brood/cli/display.hpp"

namespace brood::app::live {
namespace {

constexpr const char* keys_line =
    "q quit  space pause  sort: i id  n node  p phase  r restarts  u up  R reverse  arrows, page, home, end "
    "scroll";
/// Where there is no room for all of it.
constexpr const char* short_keys_line = "q quit  space pause  sort i n p r u  R reverse  arrows scroll";

std::string node_of(const ChildRow& row) {
  return row.instances.empty() ? std::string() : row.instances.front().node;
}
std::string phase_of(const ChildRow& row) {
  return row.instances.empty() ? (row.failed   ? "failed"
                                  : row.wanted ? "waiting"
                                               : "stopped")
                               : row.instances.front().phase;
}
std::int64_t restarts_of(const ChildRow& row) {
  std::int64_t all = 0;
  for (const auto& instance : row.instances) all += instance.restarts;
  return all;
}
std::int64_t up_of(const ChildRow& row) {
  return row.instances.empty() ? -1 : row.instances.front().uptime_ms;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    out.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

}  // namespace

void View::take(std::vector<NodeRow> nodes, std::vector<ChildRow> children, bool several, Time now) {
  lost_.clear();
  const bool first = seen_at_ == Time{};
  const double seconds = std::max(std::chrono::duration<double>(now - seen_at_).count(), 0.001);
  std::map<std::string, Seen> seen;
  std::size_t started = 0;
  std::size_t moved = 0;
  std::int64_t restarted = 0;
  for (const auto& row : children) {
    const auto key = row.supervisor + '\0' + row.id;
    Seen now_seen{node_of(row), restarts_of(row)};
    if (const auto before = seen_.find(key); before == seen_.end()) {
      ++started;
    } else {
      const bool elsewhere =
          !before->second.node.empty() && !now_seen.node.empty() && before->second.node != now_seen.node;
      moved += elsewhere ? 1 : 0;
      if (!elsewhere) restarted += std::max<std::int64_t>(0, now_seen.restarts - before->second.restarts);
      // While it is nowhere, where it was is remembered.
      if (now_seen.node.empty()) now_seen.node = before->second.node;
      seen_.erase(before);
    }
    seen.emplace(key, std::move(now_seen));
  }
  if (!first) {
    started_ = static_cast<double>(started) / seconds;
    ended_ = static_cast<double>(seen_.size()) / seconds;
    moved_ = static_cast<double>(moved) / seconds;
    restarted_ = static_cast<double>(restarted) / seconds;
  }
  seen_ = std::move(seen);
  seen_at_ = now;
  nodes_ = std::move(nodes);
  children_ = std::move(children);
  several_ = several;
  sort();
}

void View::sort() {
  std::stable_sort(children_.begin(), children_.end(), [this](const ChildRow& a, const ChildRow& b) {
    const auto by = [this](const ChildRow& row) {
      return std::make_tuple(sort_ == Sort::node    ? node_of(row)
                             : sort_ == Sort::phase ? phase_of(row)
                                                    : std::string(),
                             // What restarts most, and what is youngest, is looked for.
                             sort_ == Sort::restarts ? -restarts_of(row)
                             : sort_ == Sort::up     ? up_of(row)
                                                     : std::int64_t{0},
                             row.supervisor, row.id);
    };
    return reverse_ ? by(b) < by(a) : by(a) < by(b);
  });
}

bool View::press(const Press& press, const Size& size) {
  const auto page = std::max<std::size_t>(room(size), 1);
  switch (press.key) {
    case Key::none:
      return true;
    case Key::up:
      scroll_to(first_ - std::min<std::size_t>(first_, 1), size);
      return true;
    case Key::down:
      scroll_to(first_ + 1, size);
      return true;
    case Key::page_up:
      scroll_to(first_ - std::min(first_, page), size);
      return true;
    case Key::page_down:
      scroll_to(first_ + page, size);
      return true;
    case Key::home:
      scroll_to(0, size);
      return true;
    case Key::end:
      scroll_to(children_.size(), size);
      return true;
    case Key::letter:
      break;
  }
  switch (press.letter) {
    case 'q':
    case '\x03':
      return false;
    case ' ':
      paused_ = !paused_;
      return true;
    case 'i':
      sort_ = Sort::id;
      break;
    case 'n':
      sort_ = Sort::node;
      break;
    case 'p':
      sort_ = Sort::phase;
      break;
    case 'r':
      sort_ = Sort::restarts;
      break;
    case 'u':
      sort_ = Sort::up;
      break;
    case 'R':
      reverse_ = !reverse_;
      break;
    default:
      return true;
  }
  first_ = 0;
  sort();
  return true;
}

void View::scroll_to(std::size_t first, const Size& size) {
  const auto page = room(size);
  first_ = std::min(first, children_.size() - std::min(children_.size(), page));
}

std::vector<std::string> View::head(const Size& size, bool color) const {
  std::size_t running = 0;
  std::size_t failed = 0;
  for (const auto& row : children_) {
    failed += row.failed ? 1 : 0;
    running += phase_of(row) == "running" ? 1 : 0;
  }
  const auto up = std::count_if(nodes_.begin(), nodes_.end(), [](const NodeRow& node) { return node.up; });
  std::vector<std::string> out;
  if (!lost_.empty())
    out.push_back(styled(cut_to("as it was; trying again: " + lost_, size.columns), Style::bad, color));
  out.push_back(styled(
      cut_to(fmt::format("{} of {} nodes up; {} children, {} running{}{}", up, nodes_.size(),
                         children_.size(), running, failed == 0 ? "" : fmt::format(", {} failed", failed),
                         paused_ ? "  (paused)" : ""),
             size.columns),
      Style::bold, color));
  out.push_back(
      cut_to(fmt::format("each second: {:.1f} started, {:.1f} ended, {:.1f} moved, {:.1f} restarted",
                         started_, ended_, moved_, restarted_),
             size.columns));
  // Not more than a third of the screen: of many nodes those that are not up come first.
  auto nodes = nodes_;
  std::stable_sort(nodes.begin(), nodes.end(),
                   [](const NodeRow& a, const NodeRow& b) { return a.up < b.up; });
  const auto most = std::max<std::size_t>(size.lines / 3, 2);
  const auto left_out = nodes.size() > most ? nodes.size() - most : 0;
  if (left_out > 0) nodes.resize(most);
  for (auto& line : lines_of(render(nodes_table(nodes), size.columns, color))) out.push_back(std::move(line));
  if (left_out > 0) out.push_back(cut_to(fmt::format("... and {} nodes more", left_out), size.columns));
  out.emplace_back();
  return out;
}

std::size_t View::room(const Size& size) const {
  const auto taken = head(size, false).size() + 2;  // the titles, the keys
  return size.lines > taken ? size.lines - taken : 0;
}

std::string View::frame(const Size& size, bool color) const {
  auto lines = head(size, color);
  const auto page = room(size);
  const auto begin = std::min(first_, children_.size());
  const auto end = std::min(begin + page, children_.size());
  const std::vector<ChildRow> shown(children_.begin() + static_cast<std::ptrdiff_t>(begin),
                                    children_.begin() + static_cast<std::ptrdiff_t>(end));
  auto table = lines_of(render(children_table(shown, several_), size.columns, color));
  table.resize(std::min(table.size(), page + 1));  // a child with several instances takes several lines
  for (auto& line : table) lines.push_back(std::move(line));
  lines.resize(std::max<std::size_t>(size.lines, 1) - 1);
  const auto place = children_.size() > page ? fmt::format("{}-{} of {}  ", begin + 1, end, children_.size())
                                             : std::string();
  const bool fits = display_width(place + keys_line) <= size.columns;
  lines.push_back(
      styled(cut_to(place + (fits ? keys_line : short_keys_line), size.columns), Style::faint, color));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

}  // namespace brood::app::live
