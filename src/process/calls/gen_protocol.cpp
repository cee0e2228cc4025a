#include "process/calls/gen_protocol.hpp"

#include <brood/codec.hpp>

#include "process/calls/system_messages.hpp"

namespace brood::process {

namespace {

EncodedTerm with_version(BytesView term) {
  EncodedTerm out;
  out.reserve(term.size() + 1);
  TermWriter writer(out);
  writer.version();
  writer.encoded(term);
  return out;
}

/// The reference of a tag: Ref, [alias | Ref] or [[alias | Ref] | _].
struct TagRef {
  Ref ref;
  bool by_alias = false;
  bool watched = false;
};

constexpr std::string_view watch_mark = "watch";

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
  const auto length = nested.list();
  const bool is_nested = length && *length == 1 && nested.peek() == TermReader::Kind::list;
  if (is_nested) reader = nested;
  auto ref = read_alias(reader);
  if (!ref) return std::nullopt;
  TagRef out{std::move(*ref), true};
  if (is_nested && reader.peek() == TermReader::Kind::atom) {
    const auto mark = reader.atom_view();
    out.watched = mark && *mark == watch_mark;
  }
  return out;
}

/// Whether a message is of the protocol, and where its parts lie; they need the version byte still.
struct GenParts {
  GenMessage::Kind kind = GenMessage::Kind::info;
  BytesView payload;
  BytesView from;
  bool is_system = false;  ///< {system, From, Request}: the payload is the request.
};

/// A message like any other where no caller stands in it.
GenParts read_system_parts(TermReader& reader) {
  GenParts out;
  const auto caller = reader.skip();
  const auto request = caller ? reader.skip() : caller;
  if (!request || !reader.at_end()) {
    out.kind = GenMessage::Kind::malformed;
    return out;
  }
  if (!read_from(with_version(*caller))) return out;
  out.kind = GenMessage::Kind::call;
  out.from = *caller;
  out.payload = *request;
  out.is_system = true;
  return out;
}

GenParts read_gen_parts(BytesView term) {
  GenParts out;
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
  if (*arity == 3 && *tag == "system") return read_system_parts(reader);
  if (!is_cast && !is_call) return out;
  out.kind = GenMessage::Kind::malformed;
  if (is_call) {
    const auto caller = reader.skip();
    if (!caller) return out;
    out.from = *caller;
  }
  const auto payload = reader.skip();
  if (!payload || !reader.at_end()) return out;
  out.kind = is_call ? GenMessage::Kind::call : GenMessage::Kind::cast;
  out.payload = *payload;
  return out;
}

/// The last `bytes` of a term as a term that stands alone, in the same memory.
void keep_last(EncodedTerm& term, std::size_t bytes) {
  Bytes octets = std::move(term).octets();
  const std::size_t start = octets.size() - bytes - 1;
  octets[start] = static_cast<char>(131);
  octets.erase(0, start);
  term = EncodedTerm(std::move(octets));
}

}  // namespace

GenMessage read_gen_message(BytesView term) {
  const GenParts parts = read_gen_parts(term);
  GenMessage out;
  out.kind = parts.kind;
  if (!parts.payload.empty())
    out.payload = parts.is_system ? make_system_call(parts.payload) : with_version(parts.payload);
  if (!parts.from.empty()) out.from = with_version(parts.from);
  return out;
}

GenMessage take_gen_message(EncodedTerm& term) {
  const GenParts parts = read_gen_parts(term);
  GenMessage out;
  out.kind = parts.kind;
  if (parts.payload.empty()) return out;
  if (!parts.from.empty()) out.from = with_version(parts.from);
  if (parts.is_system) {
    out.payload = make_system_call(parts.payload);
    term.clear();
    return out;
  }
  keep_last(term, parts.payload.size());
  out.payload = std::move(term);
  term.clear();
  return out;
}

EncodedTerm make_gen_cast(BytesView message) {
  EncodedTerm out;
  out.reserve(message.size() + 16);
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.atom("$gen_cast");
  writer.encoded(message);
  return out;
}

EncodedTerm make_from(const Pid& pid, const Ref& alias) {
  EncodedTerm out;
  out.reserve(64 + 2 * pid.node.text().size());
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.pid(pid);
  writer.list(1);
  writer.atom("alias");
  writer.ref(alias);
  return out;
}

EncodedTerm make_gen_call(BytesView from, BytesView message) {
  EncodedTerm out;
  out.reserve(from.size() + message.size() + 16);
  TermWriter writer(out);
  writer.version();
  writer.tuple(3);
  writer.atom("$gen_call");
  writer.encoded(from);
  writer.encoded(message);
  return out;
}

EncodedTerm make_gen_reply(BytesView tag, BytesView answer) {
  EncodedTerm out;
  out.reserve(tag.size() + answer.size() + 4);
  TermWriter writer(out);
  writer.version();
  writer.tuple(2);
  writer.encoded(tag);
  writer.encoded(answer);
  return out;
}

void put_call_head(Bytes& out, const Pid& pid, const Ref& alias, bool watched) {
  TermWriter writer(out);
  writer.tuple(3);
  writer.atom("$gen_call");
  writer.tuple(2);
  writer.pid(pid);
  if (watched) writer.list(1);
  writer.list(1);
  writer.atom("alias");
  writer.ref(alias);
  if (watched) writer.atom(watch_mark);
}

void put_reply_head(Bytes& out, BytesView tag) {
  TermWriter writer(out);
  writer.tuple(2);
  writer.encoded(tag);
}

EncodedTerm make_exit_message(const Pid& from, const Term& reason) {
  EncodedTerm out;
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
  GenFrom out{std::move(*pid), *tag, std::nullopt};
  if (auto ref = read_tag(*tag); ref && ref->by_alias) {
    out.alias = std::move(ref->ref);
    out.watched = ref->watched;
  }
  return out;
}

std::optional<Ref> ref_of_tag(BytesView tag) {
  auto ref = read_tag(tag);
  return ref ? std::optional(std::move(ref->ref)) : std::nullopt;
}

std::optional<EncodedTerm> take_reply_answer(EncodedTerm term) {
  TermReader reader(term);
  const auto version = reader.version();
  const auto arity = reader.tuple();
  if (!version || !arity || *arity != 2 || !reader.skip()) return std::nullopt;
  const auto answer = reader.skip();
  if (!answer || !reader.at_end()) return std::nullopt;
  keep_last(term, answer->size());
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
