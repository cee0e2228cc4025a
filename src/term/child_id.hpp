// ChildId: the name of a child in the whole cluster: any Erlang term of at most 255 bytes but an empty one
// and a fun (which has more than one encoding). A binary counts by its bytes and an atom by its name,
// anything else by its external term format, of which there is one: maps in the order of their keys, integers
// in their shortest form. `<<"a">>`, `a` and `"a"` are three ids, as they are three terms in Erlang. The
// empty default one names nothing.
//
// Thread rule: plain data.
#pragma once

#include <brood/codec.hpp>
#include <brood/id.hpp>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace brood::inline v0 {

class ChildId : public detail::IdKey {
 public:
  ChildId() = default;

  /// `invalid_argument` when empty or longer than bytes_max; for an atom also when it is not UTF-8.
  [[nodiscard]] static Result<ChildId> binary(std::string_view bytes);
  [[nodiscard]] static Result<ChildId> atom(std::string_view name);
  /// The id that is that term. `invalid_argument` of one that is empty ('', <<>>, [], {} or #{}), too long,
  /// or has a fun in it.
  [[nodiscard]] static Result<ChildId> from_term(const Term& term);
  /// `invalid_argument` of what is no id.
  [[nodiscard]] static Result<ChildId> of(const Id& id);

  // bytes(): those of the binary, the name of the atom, or the term encoded.
  /// The very term.
  [[nodiscard]] Term to_term() const;
  /// For showing: the text itself where all of it can be seen, else as Erlang would write it.
  [[nodiscard]] std::string text() const;

 private:
  ChildId(IdKind kind, std::string_view bytes) : IdKey(kind, bytes) {}
  explicit ChildId(const IdKey& key) : IdKey(key) {}
};

template <>
struct Codec<ChildId> {
  static void write(TermWriter& writer, const ChildId& id);
  static Result<ChildId> read(TermReader& reader);
};

}  // namespace brood::inline v0

template <>
struct std::hash<brood::ChildId> {
  using is_avalanching = void;
  std::size_t operator()(const brood::ChildId& id) const noexcept {
    return static_cast<std::size_t>(id.hash());
  }
};
