// brood logs [-f]: what a program wrote, from whichever node it runs on.
#include <fmt/format.h>

#include <map>

#include "apps/brood/cli/commands.hpp"
#include "apps/brood/cli/json.hpp"
#include "apps/brood/cli/rows.hpp"
#include "apps/brood/fleet/names.hpp"

namespace brood::app {
namespace {

constexpr std::int64_t chunk_bytes = 256 * 1024;
constexpr std::int64_t tail_bytes = 1024 * 1024;
constexpr int poll_ms = 250;

struct Chunk {
  std::string text;
  std::string node;     ///< Whose log this is.
  std::string runs_on;  ///< Where the child is; empty: nowhere, as far as is known.
  std::int64_t next = 0;
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

  /// All that is kept from `offset` on, to the end as it is now.
  Outcome<Chunk> read_all(std::int64_t offset) {
    Chunk all;
    all.next = offset;
    while (true) {
      auto chunk = read_from(all.next);
      if (!chunk) return chunk;
      const bool moved = !all.node.empty() && chunk->node != all.node;
      if (moved || chunk->text.empty()) {
        if (!moved) all.node = chunk->node, all.next = chunk->next;
        return all;
      }
      all.text += chunk->text;
      all.node = chunk->node;
      if (chunk->next <= all.next) return all;
      all.next = chunk->next;
    }
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
  if (!lines) return reader.read_all(0);
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
    while (session_.out.flush() && session_.out.wait(poll_ms)) {
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
      session_.out.write(chunk->text);
      next_[node_] = chunk->next;
      if (!chunk->text.empty() || chunk->runs_on == node_) continue;
      if (!chunk->runs_on.empty())
        moved_to(chunk->runs_on);
      else if (!reader_.still_wanted())
        break;
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
    return Chunk{"", node_, node, next_[node_]};
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
    session.out.line(json_line(Json{{"id", arguments.id}, {"node", first->node}, {"text", first->text}}));
    return {};
  }
  session.out.write(first->text);
  return arguments.follow ? Follower(session, reader, *first).run() : Outcome<void>{};
}

}  // namespace brood::app
