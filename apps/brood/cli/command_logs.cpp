// brood logs [-f]: what a program wrote, from whichever node it runs on.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/json.hpp"
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
  LogReader(Session& session, Term supervisor)
      : session_(session), supervisor_(std::move(supervisor)), id_(*parse_id(session.arguments.id)) {}

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

  /// All that is kept, to the end as it is now.
  Outcome<Chunk> read_all() {
    auto all = read_from(0);
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
  Term id_;
};

std::string last_lines(const std::string& text, std::size_t lines) {
  if (lines == 0 || text.empty()) return "";
  auto at = text.back() == '\n' ? text.size() - 1 : text.size();
  for (; lines > 0; --lines) {
    if (at == 0) return text;
    at = text.rfind('\n', at - 1);
    if (at == std::string::npos) return text;
  }
  return text.substr(at + 1);
}

Outcome<Chunk> first_chunk(LogReader& reader, const std::optional<std::size_t>& lines) {
  if (!lines) return reader.read_all();
  auto tail = reader.read_tail(*lines);
  if (tail) tail->text = last_lines(tail->text, *lines);
  return tail;
}

// Follows the child from node to node. Each node has a log of its own with offsets of its own; one that has
// become shorter than we have read is a new one. A node's log is read to its end before the next node's.
class Follower {
 public:
  Follower(Session& session, LogReader& reader, const Chunk& first)
      : session_(session), reader_(reader), node_(first.node) {
    next_[first.node] = first.next;
  }

  Outcome<void> run() {
    bool more = false;  // a full piece has more behind it: no pause
    int pause_ms = pause_min_ms;
    while (session_.out.flush() && (more || session_.out.wait(pause_ms))) {
      more = false;
      pause_ms = std::min(2 * pause_ms, pause_max_ms);
      auto chunk = reader_.read_from(next_[node_], node_);
      if (!chunk) chunk = find_anew();
      if (!chunk) {
        if (chunk.error().status == exit_unreachable) return tl::unexpected(chunk.error());
        if (!reader_.still_wanted()) break;
        continue;  // between two nodes
      }
      if (chunk->next < next_[node_]) {
        next_[node_] = 0;  // the node was started anew, with a new log
        continue;
      }
      const bool cut = chunk->offset > next_[node_];
      if (cut) session_.out.flush();
      reader_.say_what_was_lost(next_[node_], *chunk);
      session_.out.write(chunk->text);
      next_[node_] = chunk->next;
      more = cut || static_cast<std::int64_t>(chunk->text.size()) >= chunk_bytes;
      if (!chunk->text.empty()) pause_ms = pause_min_ms;
      if (!chunk->text.empty() || chunk->runs_on == node_) continue;
      if (!chunk->runs_on.empty())
        moved_to(chunk->runs_on);
      else if (!reader_.still_wanted()) {
        reader_.say_how_it_ended(*chunk);
        break;
      }
    }
    return {};
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
    session_.out.remark(fmt::format("--- {} is on {} now ---", session_.arguments.id, node));
    node_ = node;
    next_.emplace(node, 0);
  }

  Session& session_;
  LogReader& reader_;
  std::string node_;
  std::map<std::string, std::int64_t> next_;
};

}  // namespace

Outcome<void> logs(Session& session) {
  const auto supervisor = session.supervisor();
  if (!supervisor) return tl::unexpected(supervisor.error());
  const auto& arguments = session.arguments;
  LogReader reader(session, *supervisor);
  const auto first = first_chunk(reader, arguments.lines);
  if (!first) {
    auto trouble = first.error();
    trouble.message = fmt::format("{}: {}", arguments.id, trouble.message);
    return tl::unexpected(trouble);
  }
  if (session.out.json()) {
    Json document{{"id", arguments.id}, {"node", first->node}, {"text", first->text}};
    if (first->last_end) document["last_end"] = term_json(*first->last_end);
    session.out.line(json_line(document));
    return {};
  }
  session.out.write(first->text);
  if (arguments.follow) return Follower(session, reader, *first).run();
  if (session.out.flush()) reader.say_how_it_ended(*first);
  return {};
}

}  // namespace brood::app
