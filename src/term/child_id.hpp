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

namespace brood {

class ChildId {
 public:
  static constexpr std::size_t bytes_max = 255;

  ChildId() = default;

  /// `invalid_argument` when empty or longer than bytes_max; for an atom also when it is not UTF-8.
  [[nodiscard]] static Result<ChildId> binary(std::string_view bytes);
  [[nodiscard]] static Result<ChildId> atom(std::string_view name);
  /// The id that is that term. `invalid_argument` of one that is empty ('', <<>>, [], {} or #{}), too long,
  /// or has a fun in it.
  [[nodiscard]] static Result<ChildId> from_term(const Term& term);

  [[nodiscard]] IdKind kind() const { return kind_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  /// The bytes of the binary, the name of the atom, or the term encoded; valid while the id lives.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  /// The very term.
  [[nodiscard]] Term to_term() const;
  /// For showing: the text itself where all of it can be seen, else as Erlang would write it.
  [[nodiscard]] std::string text() const;
  /// The same on every node, compiler and release: FNV-1a over a tag byte ('a', 'b' or 't') and the bytes,
  /// then the finaliser (base/hash.hpp). Placement is built on it.
  [[nodiscard]] std::uint64_t hash64() const noexcept;

  friend bool operator==(const ChildId&, const ChildId&) = default;
  /// Atoms before binaries, as in Erlang, and then other terms; each by bytes.
  friend std::strong_ordering operator<=>(const ChildId& a, const ChildId& b) {
    if (a.kind_ != b.kind_) return a.kind_ <=> b.kind_;
    return a.bytes_.compare(b.bytes_) <=> 0;
  }

 private:
  ChildId(IdKind kind, std::string_view bytes) : bytes_(bytes), kind_(kind) {}

  std::string bytes_;
  IdKind kind_ = IdKind::binary;
};

template <>
struct Codec<ChildId> {
  static void write(TermWriter& writer, const ChildId& id);
  static Result<ChildId> read(TermReader& reader);
};

}  // namespace brood

template <>
struct std::hash<brood::ChildId> {
  // Not noexcept, though it never throws: so libstdc++ keeps the hash in each node of a table, instead of
  // computing that of every id which a search passes.
  std::size_t operator()(const brood::ChildId& id) const { return static_cast<std::size_t>(id.hash64()); }
};
