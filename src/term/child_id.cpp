#include "term/child_id.hpp"

#include <algorithm>

#include "term/utf8.hpp"

namespace brood::inline v0 {
namespace {

Error empty_id() {
  return {Errc::invalid_argument, "a child id must not be empty"};
}

Result<void> check_size(std::string_view bytes) {
  if (bytes.empty()) return empty_id();
  if (bytes.size() <= ChildId::bytes_max) return {};
  return Error{Errc::invalid_argument,
               "a child id has " + std::to_string(bytes.size()) + " bytes; at most 255 are allowed"};
}

bool is_empty(const Term& term) {
  const auto has_none = [](const auto* items) { return items != nullptr && items->empty(); };
  return has_none(term.as_list()) || has_none(term.as_tuple()) || has_none(term.as_map());
}

/// Of a term that is not deep: its encoding is short.
bool has_fun(const Term& term) {
  const auto any = [](const std::vector<Term>& items) {
    return std::any_of(items.begin(), items.end(), has_fun);
  };
  if (const auto* tuple = std::get_if<Term::Tuple>(&term.value())) return any(tuple->items);
  if (const auto* list = std::get_if<Term::List>(&term.value())) return any(list->items) || any(list->tail);
  if (const auto* entries = term.as_map())
    return std::any_of(entries->begin(), entries->end(),
                       [](const auto& entry) { return has_fun(entry.first) || has_fun(entry.second); });
  return term.as_fun() != nullptr;
}

}  // namespace

Result<ChildId> ChildId::binary(std::string_view bytes) {
  if (auto ok = check_size(bytes); !ok) return std::move(ok).error();
  return ChildId(IdKind::binary, bytes);
}

Result<ChildId> ChildId::atom(std::string_view name) {
  if (auto ok = check_size(name); !ok) return std::move(ok).error();
  if (!utf8::length(name)) return Error{Errc::invalid_argument, "an atom as child id must be UTF-8"};
  return ChildId(IdKind::atom, name);
}

Result<ChildId> ChildId::from_term(const Term& term) {
  if (const auto* name = term.as_atom()) return atom(name->name);
  if (const auto* octets = term.as_binary()) return binary(octets->bytes);
  if (is_empty(term)) return empty_id();
  const EncodedTerm encoded = encode_term(term);
  if (auto ok = check_size(encoded); !ok) return std::move(ok).error();
  if (has_fun(term)) return Error{Errc::invalid_argument, "a fun is no child id: " + to_string(term, 100)};
  return ChildId(IdKind::term, encoded);
}

Result<ChildId> ChildId::of(const Id& id) {
  return id.key().empty() ? from_term(id.term()) : ChildId(id.key());
}

Term ChildId::to_term() const {
  switch (kind()) {
    case IdKind::atom:
      return Term::atom(bytes());
    case IdKind::binary:
      return Term::binary(bytes());
    case IdKind::term:
      return decode_term(bytes()).value();
  }
  return {};
}

std::string ChildId::text() const {
  if (kind() == IdKind::term) return to_string(to_term());
  // Blanks at an end, or nothing but blanks, would not be seen.
  const auto is_blank = [](char c) { return c == ' '; };
  if (!empty() && (is_blank(bytes().front()) || is_blank(bytes().back()))) return to_string(to_term());
  for (std::size_t at = 0; at < bytes().size();) {
    const auto character = utf8::next(bytes(), at);
    if (!character || !utf8::is_printable(*character)) return to_string(to_term());
  }
  return std::string(bytes());
}

void Codec<ChildId>::write(TermWriter& writer, const ChildId& id) {
  switch (id.kind()) {
    case IdKind::atom:
      return writer.atom(id.bytes());
    case IdKind::binary:
      return writer.binary(id.bytes());
    case IdKind::term:
      return writer.encoded(id.bytes());
  }
}

Result<ChildId> Codec<ChildId>::read(TermReader& reader) {
  const std::size_t start = reader.position();
  if (BytesView bytes; reader.try_binary(bytes)) {  // as most are
    if (auto id = ChildId::binary(bytes)) return id;
    reader.seek(start);
  }
  auto term = reader.term();
  if (!term) return std::move(term).error();
  auto id = ChildId::from_term(*term);
  if (id) return id;
  reader.seek(start);
  return Error{Errc::type_mismatch, id.error().message};
}

}  // namespace brood::inline v0
