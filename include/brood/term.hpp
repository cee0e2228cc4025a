// Term: an Erlang term as a C++ value. Plain data, no sharing: a Term may be used from any thread as long
// as nobody changes it meanwhile. Equality is Erlang's exact equality (=:=), order is Erlang's term order
// (with 1 before 1.0), so a Term can be a key.
//
// Source: "External Term Format", ERTS user's guide.
#pragma once

#include <algorithm>
#include <array>
#include <brood/encoded_term.hpp>
#include <brood/node_name.hpp>
#include <brood/result.hpp>
#include <compare>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// An atom: at most 255 characters of UTF-8. Not interned: a peer cannot fill memory with atoms.
struct Atom {
  std::string name;
  Atom() = default;
  explicit Atom(std::string text) : name(std::move(text)) {}
  explicit Atom(const char* text) : name(text) {}
  explicit Atom(std::string_view text) : name(text) {}
  friend auto operator<=>(const Atom&, const Atom&) = default;
};

/// A process of the cluster. `creation` tells two starts of one node apart.
struct Pid {
  NodeName node;
  std::uint32_t id = 0;
  std::uint32_t serial = 0;
  std::uint32_t creation = 0;
  friend auto operator<=>(const Pid&, const Pid&) = default;
};

struct Port {
  NodeName node;
  std::uint64_t id = 0;
  std::uint32_t creation = 0;
  friend auto operator<=>(const Port&, const Port&) = default;
};

/// The words of a reference: at most 5, held in place, so that a reference costs no memory of its own. What
/// is pushed beyond them is left out.
class RefWords {
 public:
  static constexpr std::size_t max = 5;

  RefWords() = default;
  RefWords(std::initializer_list<std::uint32_t> words) {
    for (const std::uint32_t word : words) push_back(word);
  }
  void push_back(std::uint32_t word) {
    if (size_ < max) words_[size_++] = word;
  }
  void clear() { size_ = 0; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::uint32_t operator[](std::size_t index) const { return words_[index]; }
  [[nodiscard]] const std::uint32_t* begin() const { return words_.data(); }
  [[nodiscard]] const std::uint32_t* end() const { return words_.data() + size_; }

  friend bool operator==(const RefWords& a, const RefWords& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }
  friend auto operator<=>(const RefWords& a, const RefWords& b) {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<std::uint32_t, max> words_{};
  std::size_t size_ = 0;
};

/// A reference; 1 to 5 words, most significant last, as on the wire.
struct Ref {
  NodeName node;
  std::uint32_t creation = 0;
  RefWords words;
  friend auto operator<=>(const Ref&, const Ref&) = default;
};

/// An integer that does not fit 64 bits: sign and little-endian magnitude without leading zeros.
struct BigInt {
  bool negative = false;
  std::string magnitude;
  friend bool operator==(const BigInt&, const BigInt&) = default;
};

struct Binary {
  Bytes bytes;
  friend auto operator<=>(const Binary&, const Binary&) = default;
};

/// A binary whose last byte has only `last_bits` (1 to 7) bits in use, the high ones.
struct Bitstring {
  Bytes bytes;
  std::uint8_t last_bits = 0;
  friend auto operator<=>(const Bitstring&, const Bitstring&) = default;
};

/// A fun or an external fun: kept as it came (its encoding without version byte) and sent on unchanged.
struct OpaqueFun {
  Bytes encoded;
  friend auto operator<=>(const OpaqueFun&, const OpaqueFun&) = default;
};

class Term {
 public:
  struct Tuple;
  struct List;
  struct Map;

  Term();  ///< The empty list.
  Term(const Term&);
  Term(Term&&) noexcept;
  Term& operator=(const Term&);
  Term& operator=(Term&&) noexcept;
  ~Term();

  // Implicit on purpose: terms are written as literals, Term::tuple({atom("ok"), pid, 3}).
  Term(Atom value);       // NOLINT
  Term(Binary value);     // NOLINT
  Term(Bitstring value);  // NOLINT
  Term(Pid value);        // NOLINT
  Term(Port value);       // NOLINT
  Term(Ref value);        // NOLINT
  Term(BigInt value);     // NOLINT
  Term(OpaqueFun value);  // NOLINT
  template <std::same_as<NodeName> Name>
  Term(const Name& value) : Term(Atom(value.text())) {}  // NOLINT: as an atom; text alone makes none
  Term(bool value);                                      // NOLINT: the atom true or false
  Term(double value);        // NOLINT: not a number and the infinities, unknown to Erlang, as an atom
  Term(std::int64_t value);  // NOLINT
  Term(int value) : Term(std::int64_t{value}) {}            // NOLINT
  Term(std::uint32_t value) : Term(std::int64_t{value}) {}  // NOLINT
  Term(std::uint64_t value);                                // NOLINT: BigInt above 2^63-1
  template <typename T>
  Term(T*) = delete;  // else a text would silently be the atom true; say atom() or binary()

  [[nodiscard]] static Term atom(std::string_view name) { return Term(Atom(name)); }
  [[nodiscard]] static Term binary(std::string_view bytes) { return Term(Binary{Bytes(bytes)}); }
  [[nodiscard]] static Term tuple(std::vector<Term> items);
  [[nodiscard]] static Term list(std::vector<Term> items);
  [[nodiscard]] static Term improper_list(std::vector<Term> items, Term tail);
  /// Later entries win over earlier ones of an equal key; kept in key order.
  [[nodiscard]] static Term map(std::vector<std::pair<Term, Term>> entries);
  /// An Erlang string: the list of the text's bytes.
  [[nodiscard]] static Term string(std::string_view text);

  // Each returns nullptr where the term is of another kind; valid until the term changes.
  [[nodiscard]] const Atom* as_atom() const;
  [[nodiscard]] const std::int64_t* as_integer() const;
  [[nodiscard]] const BigInt* as_big() const;
  [[nodiscard]] const double* as_float() const;
  [[nodiscard]] const Binary* as_binary() const;
  [[nodiscard]] const Bitstring* as_bitstring() const;
  [[nodiscard]] const Pid* as_pid() const;
  [[nodiscard]] const Port* as_port() const;
  [[nodiscard]] const Ref* as_ref() const;
  [[nodiscard]] const OpaqueFun* as_fun() const;
  [[nodiscard]] const std::vector<Term>* as_tuple() const;
  /// The items of a proper list (nullptr for an improper one).
  [[nodiscard]] const std::vector<Term>* as_list() const;
  [[nodiscard]] const std::vector<std::pair<Term, Term>>* as_map() const;

  [[nodiscard]] bool is_atom(std::string_view name) const;
  /// A tuple of `size` items whose first is the atom `tag` (size counts the tag).
  [[nodiscard]] bool is_record(std::string_view tag, std::size_t size) const;
  /// The value under an atom key of a map; nullptr where there is none or this is no map.
  [[nodiscard]] const Term* get(std::string_view atom_key) const;
  /// Text of an atom, a binary, or a list of bytes (Erlang string); nullopt for anything else.
  [[nodiscard]] std::optional<std::string> text() const;

  [[nodiscard]] bool operator==(const Term& other) const;
  [[nodiscard]] std::strong_ordering operator<=>(const Term& other) const;

  using Value = std::variant<std::int64_t, double, Atom, Binary, Pid, Ref, Port, BigInt, Bitstring, OpaqueFun,
                             Tuple, List, Map>;
  [[nodiscard]] const Value& value() const;

 private:
  // A pointer for the boxed kinds keeps a Term small; see term.cpp.
  friend struct TermAccess;
  struct Box;
  Box* box_ = nullptr;
};

struct Term::Tuple {
  std::vector<Term> items;
};
/// A list; `tail` is empty for a proper list and has one item for an improper one.
struct Term::List {
  std::vector<Term> items;
  std::vector<Term> tail;
};
struct Term::Map {
  std::vector<std::pair<Term, Term>> entries;
};

/// Limits for reading terms that come from elsewhere.
struct TermLimits {
  std::uint32_t depth_max = 256;              ///< Nesting; deeper is `malformed`. It bounds the stack.
  std::size_t bytes_max = 256 * 1024 * 1024;  ///< Encoded size; larger is `limit_exceeded`.
};

/// Never fails: a Term is always encodable.
[[nodiscard]] EncodedTerm encode_term(const Term& term);
/// Reads exactly one term, with version byte; bytes left over are `malformed`. Takes no memory on a claimed
/// length.
[[nodiscard]] Result<Term> decode_term(BytesView bytes, const TermLimits& limits = {});

/// Erlang syntax, one line, as `io:format("~w")` writes it, but binaries that are printable UTF-8 as
/// <<"text">> and lists of printable characters as "text". `bytes_max` cuts long terms with "...".
[[nodiscard]] std::string to_string(const Term& term, std::size_t bytes_max = SIZE_MAX);
/// As above for an encoded term; what cannot be decoded is shown as its size in bytes.
[[nodiscard]] std::string encoded_to_string(BytesView encoded, std::size_t bytes_max = SIZE_MAX);
/// Parses Erlang syntax: integers (also 16#FF, $a), floats, atoms ('quoted' too), "strings", <<"binaries">>,
/// <<1,2,3>>, tuples, lists ([a|b] too), maps. A final full stop is allowed. Errors give the column.
[[nodiscard]] Result<Term> parse_term(std::string_view text);

[[nodiscard]] std::string to_string(const Pid& pid);  ///< "<n1@127.0.0.1.12.0>", readable and unique.

}  // namespace brood::inline v0

#pragma GCC visibility pop
