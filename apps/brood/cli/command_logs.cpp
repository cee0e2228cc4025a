// brood logs [-f]: what a program wrote, from whichever node it runs on.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/display.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/log_text.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

constexpr std::int64_t chunk_bytes = 256 * 1024;
constexpr std::int64_t tail_bytes = 1024 * 1024;
// A program that writes is asked again soon, before its log can run away; one that is silent ever more
// rarely.
constexpr int pause_min_ms = 20;
constexpr int pause_max_ms = 250;

struct Chunk {
  std::string text;
  std::string node;         ///< Whose log this is.
  std::string runs_on;      ///< Where the child is; empty: nowhere, as far as is known.
  std::int64_t offset = 0;  ///< Of the first byte of the text.
  std::int64_t next = 0;
  std::optional<Term> last_end;  ///< How the last run there ended, where that is known.
};

class LogReader {
 public:
  LogReader(Session& session, Term supervisor, const std::string& id)
      : session_(session), supervisor_(std::move(supervisor)), name_(id), id_(*parse_id(id)) {}

  [[nodiscard]] const std::string& name() const { return name_; }

  Outcome<Chunk> read_from(std::int64_t offset) {
    return read(Term::map({{Term::atom("offset"), Term(offset)}, {Term::atom("bytes"), Term(chunk_bytes)}}));
  }
  Outcome<Chunk> read_from(std::int64_t offset, const std::string& node) {
    return read(Term::map({{Term::atom("offset"), Term(offset)},
                           {Term::atom("bytes"), Term(chunk_bytes)},
                           {Term::atom("node"), Term::atom(node)}}));
  }
  Outcome<Chunk> read_tail(std::size_t lines) {
    return read(Term::map({{Term::atom("offset"), Term::atom("tail")},
                           {Term::atom("bytes"), Term(tail_bytes)},
                           {Term::atom("lines"), Term(static_cast<std::int64_t>(lines))}}));
  }

  Outcome<Chunk> read_since(std::int64_t ms) {
    return read(Term::map({{Term::atom("since_ms"), Term(ms)}, {Term::atom("bytes"), Term(chunk_bytes)}}));
  }

  /// All that is kept, or that came since that time, to the end as it is now.
  Outcome<Chunk> read_all(const std::optional<std::int64_t>& since_ms) {
    auto all = since_ms ? read_since(*since_ms) : read_from(0);
    while (all && !all->text.empty()) {
      auto more = read_from(all->next);
      if (!more) return more;
      if (more->node != all->node) break;
      const auto at = all->next;
      say_what_was_lost(at, *more);
      all->next = more->next;
      all->runs_on = more->runs_on;
      all->last_end = more->last_end;
      all->text += more->text;
      if (more->text.empty() || more->next <= at) break;
    }
    return all;
  }

  /// It wrote faster than we read: what lay between is no longer kept.
  void say_what_was_lost(std::int64_t asked_for, const Chunk& got) {
    if (got.offset > asked_for)
      session_.out.remark(fmt::format("--- {} bytes lost ---", got.offset - asked_for));
  }

  /// Where the child does not run any more, how it ended.
  void say_how_it_ended(const Chunk& last) {
    if (last.runs_on.empty() && last.last_end)
      session_.out.remark(fmt::format("--- {} ---", end_words(*last.last_end)));
  }

  /// False: the child was stopped, there is nothing to wait for.
  bool still_wanted() {
    const auto what = Term::tuple({Term::atom("id"), id_});
    const auto answer =
        ask(session_.api, request_of("describe", {supervisor_, what}), session_.timeout(question_timeout));
    if (!answer) return true;
    const auto rows = child_rows(*answer);
    return !rows.empty() && rows.front().wanted;
  }

 private:
  Outcome<Chunk> read(Term options) {
    const auto answer = ask(session_.api, request_of("logs", {supervisor_, id_, std::move(options)}),
                            session_.timeout(question_timeout));
    if (!answer) return tl::unexpected(answer.error());
    Chunk chunk;
    if (const auto* text = answer->get("text"); text != nullptr && text->as_binary() != nullptr) {
      chunk.text = text->as_binary()->bytes;
    }
    if (const auto* node = answer->get("node")) chunk.node = node->text().value_or("");
    if (const auto* host = answer->get("runs_on"); host != nullptr && !host->is_atom("undefined"))
      chunk.runs_on = host->text().value_or("");
    if (const auto* next = answer->get("next"); next != nullptr && next->as_integer() != nullptr) {
      chunk.next = *next->as_integer();
    }
    chunk.offset = chunk.next - static_cast<std::int64_t>(chunk.text.size());
    if (const auto* end = answer->get("last_end"); end != nullptr && end->as_map() != nullptr)
      chunk.last_end = *end;
    return chunk;
  }

  Session& session_;
  Term supervisor_;
  std::string name_;
  Term id_;
};

// What is to be shown of a log as it is now.
struct Wanted {
  std::optional<std::size_t> lines;
  std::optional<std::int64_t> since_ms;
  bool previous = false;
};

Outcome<Chunk> first_chunk(LogReader& reader, const Wanted& wanted) {
  if (wanted.lines && !wanted.since_ms && !wanted.previous) {
    auto tail = reader.read_tail(*wanted.lines);
    if (tail) tail->text = last_lines(tail->text, *wanted.lines);
    return tail;
  }
  auto all = reader.read_all(wanted.since_ms);
  if (!all) return all;
  if (wanted.previous) {
    auto before = previous_run(all->text);
    if (!before) return refused("no_previous_run", "it has run only once, as far as its log goes back");
    all->text = std::move(*before);
  }
  if (wanted.lines) all->text = last_lines(all->text, *wanted.lines);
  return all;
}

// Follows a child from node to node. Each node has a log of its own with offsets of its own; one that has
// become shorter than we have read is a new one. A node's log is read to its end before the next node's.
class Follower {
 public:
  Follower(Session& session, LogReader& reader, LinePrefix& prefix, const Chunk& first)
      : session_(session), reader_(reader), prefix_(prefix), node_(first.node) {
    next_[first.node] = first.next;
  }

  enum class Step { nothing, some, more, over };
  /// Reads on once. `more`: there is more to read at once.
  Outcome<Step> step() {
    auto chunk = reader_.read_from(next_[node_], node_);
    if (!chunk) chunk = find_anew();
    if (!chunk) {
      if (chunk.error().status == exit_unreachable) return tl::unexpected(chunk.error());
      return reader_.still_wanted() ? Step::nothing : Step::over;  // between two nodes
    }
    if (chunk->next < next_[node_]) {
      next_[node_] = 0;  // the node was started anew, with a new log
      return Step::nothing;
    }
    const bool cut = chunk->offset > next_[node_];
    if (cut) session_.out.flush();
    reader_.say_what_was_lost(next_[node_], *chunk);
    session_.out.write(prefix_.add(chunk->text));
    next_[node_] = chunk->next;
    if (cut || static_cast<std::int64_t>(chunk->text.size()) >= chunk_bytes) return Step::more;
    if (!chunk->text.empty()) return Step::some;
    if (chunk->runs_on == node_) return Step::nothing;
    if (!chunk->runs_on.empty()) {
      moved_to(chunk->runs_on);
    } else if (!reader_.still_wanted()) {
      session_.out.write(prefix_.rest());
      reader_.say_how_it_ended(*chunk);
      return Step::over;
    }
    return Step::nothing;
  }

 private:
  // The node that we read from does not answer: its last words are lost, the child may be elsewhere.
  Outcome<Chunk> find_anew() {
    auto chunk = reader_.read_from(0);
    if (!chunk) return chunk;
    const auto& node = chunk->runs_on;
    if (!node.empty() && node != node_) moved_to(node);
    Chunk nothing;
    nothing.node = node_;
    nothing.runs_on = node;
    nothing.offset = nothing.next = next_[node_];
    return nothing;
  }

  void moved_to(const std::string& node) {
    session_.out.remark(fmt::format("--- {} is on {} now ---", reader_.name(), node));
    node_ = node;
    next_.emplace(node, 0);
  }

  Session& session_;
  LogReader& reader_;
  LinePrefix& prefix_;
  std::string node_;
  std::map<std::string, std::int64_t> next_;
};

// One child's log.
struct Stream {
  Stream(Session& session, const Term& supervisor, const std::string& id, std::string before)
      : reader(session, supervisor, id), prefix(std::move(before)) {}

  LogReader reader;
  LinePrefix prefix;
  Chunk first;
  std::unique_ptr<Follower> follower;  ///< None: it is over.
};
using Streams = std::vector<std::unique_ptr<Stream>>;

// All in turn; whoever writes is asked again soon.
Outcome<void> follow(Session& session, Streams& streams) {
  for (auto& one : streams)
    one->follower = std::make_unique<Follower>(session, one->reader, one->prefix, one->first);
  bool more = false;  // a full piece has more behind it: no pause
  int pause_ms = pause_min_ms;
  std::size_t left = streams.size();
  while (left > 0 && session.out.flush() && (more || session.out.wait(pause_ms))) {
    more = false;
    pause_ms = std::min(2 * pause_ms, pause_max_ms);
    for (auto& one : streams) {
      if (!one->follower) continue;
      const auto step = one->follower->step();
      if (!step) return tl::unexpected(step.error());
      more = more || *step == Follower::Step::more;
      if (*step == Follower::Step::some || *step == Follower::Step::more) pause_ms = pause_min_ms;
      if (*step != Follower::Step::over) continue;
      one->follower.reset();
      --left;
    }
  }
  return {};
}

// Of several: `web-1  | `, each in a colour of its own, all of one width.
std::string prefix_of(const std::vector<std::string>& ids, std::size_t index, bool color) {
  if (ids.size() < 2) return "";
  std::size_t width = 0;
  for (const auto& id : ids) width = std::max(width, display_width(harmless(id)));
  const auto name = harmless(ids[index]);
  const auto words = name + std::string(width - display_width(name), ' ') + " | ";
  static constexpr std::array<int, 6> colors{36, 33, 32, 35, 34, 31};
  return color ? fmt::format("\x1b[{}m{}\x1b[0m", colors[index % colors.size()], words) : words;
}

Json log_json(const std::string& id, const Chunk& chunk) {
  Json document{{"id", id}, {"node", chunk.node}, {"text", chunk.text}};
  if (chunk.last_end) document["last_end"] = term_json(*chunk.last_end);
  return document;
}

std::int64_t wall_ms() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

}  // namespace

Outcome<void> logs(Session& session) {
  const auto& arguments = session.arguments;
  Wanted wanted{arguments.lines, std::nullopt, arguments.previous};
  if (!arguments.since.empty()) {
    wanted.since_ms = time_of(arguments.since, wall_ms());
    if (!wanted.since_ms)
      return usage(
          fmt::format("logs: --since takes 10m, 2h, \"2026-11-28 11:00\" or 11:00, not {}", arguments.since));
  }
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  Streams streams;
  Json documents = Json::array();
  for (std::size_t i = 0; i < arguments.ids.size(); ++i) {
    const auto& id = arguments.ids[i];
    streams.push_back(
        std::make_unique<Stream>(session, *supervisor, id, prefix_of(arguments.ids, i, session.out.color())));
    Stream& one = *streams.back();
    auto first = first_chunk(one.reader, wanted);
    if (!first) return tl::unexpected(about(id, first.error()));
    one.first = std::move(*first);
    if (session.out.json()) {
      documents.push_back(log_json(id, one.first));
      continue;
    }
    session.out.write(one.prefix.add(one.first.text));
    if (arguments.follow) continue;
    session.out.write(one.prefix.rest());
    if (!session.out.flush()) return {};
    if (!wanted.previous) one.reader.say_how_it_ended(one.first);
  }
  if (session.out.json()) session.out.line(json_line(streams.size() == 1 ? documents[0] : documents));
  return arguments.follow ? follow(session, streams) : Outcome<void>{};
}

}  // namespace brood::app
