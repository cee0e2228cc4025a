#include "process/gen_protocol.hpp"

#include <brood/codec.hpp>

namespace brood::process {

namespace {

Bytes with_version(BytesView term) {
  Bytes out;
  out.reserve(term.size() + 1);
  TermWriter(out).version();
  out.append(term);
  return out;
}

/// The reference of a tag: Ref, [alias | Ref] or [[alias | Ref] | _].
struct TagRef {
  Ref ref;
  bool by_alias = false;
};

std::optional<Ref> read_alias(TermReader& reader) {
  const auto length = reader.list();
  if (!length || *length != 1) return std::nullopt;
  const auto word = reader.atom_view();
  if (!word || *word != "alias") return std::nullopt;
  auto ref = reader.ref();  // in the place of the tail
  if (!ref) return std::nullopt;
  return std::move(*ref);
}

std::optional<TagRef> read_tag(BytesView tag) {
  TermReader reader(tag);
  if (reader.peek() == TermReader::Kind::ref) {
    auto ref = reader.ref();
    if (!ref) return std::nullopt;
    return TagRef{std::move(*ref), false};
  }
  TermReader nested(tag);
  if (const auto length = nested.list(); length && *length == 1 && nested.peek() == TermReader::Kind::list)
    reader = nested;
  auto ref = read_alias(reader);
  if (!ref) return std::nullopt;
  return TagRef{std::move(*ref), true};
}

}  // namespace

GenMessage read_gen_message(BytesView term) {
  GenMessage out;
  TermReader reader(term);
  if (!reader.version()) {
    out.kind = GenMessage::Kind::malformed;
    return out;
  }
  if (reader.peek() != TermReader::Kind::tuple) return out;
  const auto arity = reader.tuple();
  if (!arity || (*arity != 2 && *arity != 3) || reader.peek() != TermReader::Kind::atom) return out;
  const auto tag = reader.atom_view();
  if (!tag) return out;
  const bool is_cast = *arity == 2 && *tag == "$gen_cast";
  const bool is_call = *arity == 3 && *tag == "$gen_call";
  if (!is_cast && !is_call) return out;
  out.kind = GenMessage::Kind::malformed;
  BytesView from;
  if (is_call) {
    const auto caller = reader.skip();
    if (!caller) return out;
    from = *caller;
  }
  const auto payload = reader.skip();
  if (!payload || !reader.at_end()) return out;
  out.kind = is_call ? GenMessage::Kind::call : GenMessage::Kind::cast;
  out.payload = with_version(*payload);
  if (is_call) out.from = with_version(from);
  return out;
}

Bytes make_gen_cast(BytesView message) {
  Bytes out;
  out.reserve(message.size() + 16);
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.atom("$gen_cast");
  writer.encoded(message);
  return out;
}

Bytes make_from(const Pid& pid, const Ref& alias) {
  Bytes out;
  out.reserve(64 + 2 * pid.node.value.size());
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.pid(pid);
  writer.list(1);
  writer.atom("alias");
  writer.ref(alias);
  return out;
}

Bytes make_gen_call(BytesView from, BytesView message) {
  Bytes out;
  out.reserve(from.size() + message.size() + 16);
  TermWriter writer(out);
  writer.version();
  writer.tuple(3);
  writer.atom("$gen_call");
  writer.encoded(from);
  writer.encoded(message);
  return out;
}

Bytes make_gen_reply(BytesView tag, BytesView answer) {
  Bytes out;
  out.reserve(tag.size() + answer.size() + 4);
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.encoded(tag);
  writer.encoded(answer);
  return out;
}

Bytes make_exit_message(const Pid& from, const Term& reason) {
  Bytes out;
  TermWriter writer(out);
  writer.version();
  writer.tuple(3);
  writer.atom("EXIT");
  writer.pid(from);
  writer.term(reason);
  return out;
}

std::optional<GenFrom> read_from(BytesView from) {
  TermReader reader(from);
  const auto version = reader.version();
  const auto arity = reader.tuple();
  if (!version || !arity || *arity != 2) return std::nullopt;
  auto pid = reader.pid();
  if (!pid) return std::nullopt;
  const auto tag = reader.skip();
  if (!tag || !reader.at_end()) return std::nullopt;
  GenFrom out{std::move(*pid), with_version(*tag), std::nullopt};
  if (auto ref = read_tag(*tag); ref && ref->by_alias) out.alias = std::move(ref->ref);
  return out;
}

std::optional<Bytes> take_reply_answer(Bytes term) {
  TermReader reader(term);
  const auto version = reader.version();
  const auto arity = reader.tuple();
  if (!version || !arity || *arity != 2 || !reader.skip()) return std::nullopt;
  const std::size_t start = reader.position();
  if (!reader.skip() || !reader.at_end()) return std::nullopt;
  // In place: the version byte takes that of the tag's last.
  term[start - 1] = static_cast<char>(131);
  term.erase(0, start - 1);
  return term;
}

std::optional<GenReply> read_reply(BytesView term) {
  TermReader reader(term);
  const auto version = reader.version();
  const auto arity = reader.tuple();
  if (!version || !arity || *arity != 2) return std::nullopt;
  const auto tag = reader.skip();
  if (!tag) return std::nullopt;
  auto ref = read_tag(*tag);
  if (!ref) return std::nullopt;
  const auto answer = reader.skip();
  if (!answer || !reader.at_end()) return std::nullopt;
  return GenReply{std::move(ref->ref), with_version(*answer)};
}

}  // namespace brood::process
