#include "term/child_id.hpp"

#include <algorithm>

#include "base/hash.hpp"
#include "term/utf8.hpp"

namespace brood {
namespace {

Result<void> check_size(std::string_view bytes) {
  if (bytes.empty()) return Error{Errc::invalid_argument, "a child id must not be empty"};
  if (bytes.size() <= ChildId::bytes_max) return {};
  return Error{Errc::invalid_argument,
               "a child id has " + std::to_string(bytes.size()) + " bytes; at most 255 are allowed"};
}

}  // namespace

Result<ChildId> ChildId::binary(std::string_view bytes) {
  if (auto ok = check_size(bytes); !ok) return std::move(ok).error();
  return ChildId(false, bytes);
}

Result<ChildId> ChildId::atom(std::string_view name) {
  if (auto ok = check_size(name); !ok) return std::move(ok).error();
  if (!utf8::length(name)) return Error{Errc::invalid_argument, "an atom as child id must be UTF-8"};
  return ChildId(true, name);
}

Result<ChildId> ChildId::from_term(const Term& term) {
  if (const auto* name = term.as_atom()) return atom(name->name);
  if (const auto text = term.text()) return binary(*text);
  return Error{Errc::invalid_argument,
               "a child id must be a binary, an atom or a string, not " + to_string(term, 100)};
}

Term ChildId::to_term() const {
  return atom_ ? Term::atom(bytes_) : Term::binary(bytes_);
}

std::string ChildId::text() const {
  // Blanks at an end, or nothing but blanks, would not be seen.
  const auto is_blank = [](char c) { return c == ' '; };
  if (!bytes_.empty() && (is_blank(bytes_.front()) || is_blank(bytes_.back()))) return to_string(to_term());
  for (std::size_t at = 0; at < bytes_.size();) {
    const auto character = utf8::next(bytes_, at);
    if (!character || !utf8::is_printable(*character)) return to_string(to_term());
  }
  return bytes_;
}

std::uint64_t ChildId::hash64() const noexcept {
  return mix64(fnv1a64(bytes_, fnv1a64(atom_ ? "a" : "b")));
}

Result<ChildId> Codec<ChildId>::read(TermReader& reader) {
  const std::size_t start = reader.position();
  auto term = reader.term();
  if (!term) return std::move(term).error();
  auto id = ChildId::from_term(*term);
  if (id) return id;
  reader.seek(start);
  return Error{Errc::type_mismatch, id.error().message};
}

}  // namespace brood
