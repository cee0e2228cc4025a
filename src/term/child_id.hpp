// ChildId: the name of a child in the whole cluster. An atom or a binary of 1 to 255 bytes; the two kinds
// differ even with equal text, as they do in Erlang. The empty default one names nothing.
//
// Thread rule: plain data.
#pragma once

#include <brood/codec.hpp>
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
  /// Of a binary, an atom or an Erlang string (which becomes a binary). `invalid_argument` otherwise.
  [[nodiscard]] static Result<ChildId> from_term(const Term& term);

  [[nodiscard]] bool is_atom() const { return atom_; }
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  /// The bytes of the binary or the name of the atom; valid while the id lives.
  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  [[nodiscard]] Term to_term() const;
  /// For showing: the text itself where all of it can be seen, else as Erlang would write it.
  [[nodiscard]] std::string text() const;
  /// The same on every node, compiler and release: FNV-1a over a tag byte ('a' or 'b') and the bytes, then
  /// the finaliser (base/hash.hpp). Placement is built on it.
  [[nodiscard]] std::uint64_t hash64() const noexcept;

  friend bool operator==(const ChildId&, const ChildId&) = default;
  /// Atoms before binaries, as in Erlang; then by bytes.
  friend std::strong_ordering operator<=>(const ChildId& a, const ChildId& b) {
    if (a.atom_ != b.atom_) return a.atom_ ? std::strong_ordering::less : std::strong_ordering::greater;
    return a.bytes_.compare(b.bytes_) <=> 0;
  }

 private:
  ChildId(bool atom, std::string_view bytes) : bytes_(bytes), atom_(atom) {}

  std::string bytes_;
  bool atom_ = false;
};

template <>
struct Codec<ChildId> {
  static void write(TermWriter& writer, const ChildId& id) {
    if (id.is_atom()) {
      writer.atom(id.bytes());
    } else {
      writer.binary(id.bytes());
    }
  }
  static Result<ChildId> read(TermReader& reader);
};

}  // namespace brood

template <>
struct std::hash<brood::ChildId> {
  // Not noexcept, though it never throws: so libstdc++ keeps the hash in each node of a table, instead of
  // computing that of every id which a search passes.
  std::size_t operator()(const brood::ChildId& id) const { return static_cast<std::size_t>(id.hash64()); }
};
