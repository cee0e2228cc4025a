// How C++ values travel as Erlang terms. `encode(value)` writes straight into bytes, `decode<T>(bytes)`
// reads with bounds checks; neither builds a Term in between unless T is Term.
//
// bool: true/false. Integers: integers, out of range is an error. double: float (an integer is accepted).
// std::string: binary (atoms and Erlang strings are accepted on reading). Atom, Pid, Ref, Binary, Term,
// EncodedTerm (any term, as it came): themselves. std::optional: the value or `undefined` (`nil` too).
// std::vector, std::array: list. std::map, std::unordered_map: map. std::pair, std::tuple: tuple.
// std::variant: the alternative itself, the first that fits on reading. enum class: atom of its enumerator
// (via brood_enum_names, see below). std::monostate, void replies: the atom ok. std::chrono durations:
// integer of milliseconds. A struct (aggregate): {name, field...}, where name is its unqualified C++ name, or
// the one that it says (brood_name below); an empty struct: the atom, with {name} accepted too. A struct that
// names its fields (brood_map_keys below): a map with these atoms as keys, as Elixir's maps and structs are;
// keys that it does not know are passed over, an optional one may be missing.
//
// Thread rule: pure functions.
#pragma once

#include <brood/term.hpp>
#include <tuple>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// Writes terms into a growing buffer. Tuples, lists and maps are written as a header and then their items;
/// a list ends with nil(). The writer does not check that the count matches: BROOD_CHECKs of the callers'
/// tests do.
class TermWriter {
 public:
  explicit TermWriter(Bytes& out) : out_(out) {}
  /// Writes a term: version(), and then what it is.
  explicit TermWriter(EncodedTerm& out) : out_(out.own()) {}
  void version();  ///< The byte 131; once, at the start of a stand-alone term.
  void integer(std::int64_t value);
  void unsigned_integer(std::uint64_t value);
  void big(const BigInt& value);
  void real(double value);           ///< Not a number and the infinities as an atom, as Term does.
  void atom(std::string_view name);  ///< At most 255 characters of UTF-8; else made to fit, as Term does.
  void boolean(bool value) { atom(value ? "true" : "false"); }
  void binary(BytesView bytes);
  void bitstring(const Bitstring& value);
  void pid(const Pid& value);
  void port(const Port& value);
  void ref(const Ref& value);
  void tuple(std::size_t arity);
  void list(std::size_t length);  ///< Nothing for 0: write nil() alone.
  void nil();
  void map(std::size_t size);
  void term(const Term& value);
  /// Splices an encoded term; a leading version byte is dropped.
  void encoded(BytesView bytes);
  [[nodiscard]] Bytes& buffer() { return out_; }

 private:
  void wide_integer(bool negative, std::uint64_t magnitude);
  void atom_slow(std::string_view name);

  Bytes& out_;
};

/// Reads terms from bytes that nobody vouches for. Each reader function returns an error and leaves the
/// position where it was when the next term is of another kind or is cut short.
class TermReader {
 public:
  explicit TermReader(BytesView bytes, const TermLimits& limits = {}) : bytes_(bytes), limits_(limits) {}

  enum class Kind : std::uint8_t {
    integer,
    big,
    real,
    atom,
    binary,
    bitstring,
    pid,
    port,
    ref,
    fun,
    tuple,
    list,
    nil,
    map,
    end,
    invalid
  };
  [[nodiscard]] Kind peek() const;
  Result<void> version();
  Result<std::int64_t> integer();
  Result<std::uint64_t> unsigned_integer();
  Result<double> real();
  Result<std::string> atom();    ///< Latin-1 atoms come out as UTF-8.
  Result<NodeName> node_name();  ///< An atom.
  /// As atom(), without a copy; the view is into the bytes read (Latin-1 with high characters is an error).
  Result<std::string_view> atom_view();
  Result<bool> boolean();
  Result<BytesView> binary();  ///< A view into the bytes read.
  Result<Pid> pid();
  Result<Ref> ref();
  Result<Port> port();
  Result<std::size_t> tuple();            ///< Arity; that many terms follow. Not more than bytes are left.
  Result<void> tuple(std::size_t arity);  ///< Exactly that arity.
  /// Length of a list; that many terms follow and then list_end(). STRING_EXT is not split: use term().
  Result<std::size_t> list();
  Result<void> list_end();
  /// The octets of a list that came as STRING_EXT, as Erlang sends every list of 1 to 65535 bytes; a view.
  Result<BytesView> string_octets();
  Result<std::size_t> map();
  Result<Term> term();
  /// The bytes of the next term, checked and skipped, without version byte. All is checked that term()
  /// checks, but for equal keys in a map.
  Result<BytesView> skip();
  // What most terms are, read without a Result, for codecs of what there is very much of. False where the
  // next term is not that or is encoded otherwise: nothing is read, and the function of that kind says the
  // rest.
  [[nodiscard]] bool try_unsigned(std::uint64_t& value) noexcept;
  [[nodiscard]] bool try_nil() noexcept;
  [[nodiscard]] bool try_tuple(std::size_t arity) noexcept;
  [[nodiscard]] bool try_binary(BytesView& content) noexcept;
  /// The view is into the bytes read, and may be no UTF-8.
  [[nodiscard]] bool try_atom(std::string_view& name) noexcept;

  [[nodiscard]] bool at_end() const { return position_ == bytes_.size(); }
  [[nodiscard]] std::size_t position() const { return position_; }
  void seek(std::size_t position) { position_ = position; }

  /// A codec of a type that holds others calls enter() before reading what is inside and leave() after, so
  /// that a recursive type cannot be made to nest deeper than the limit. False: too deep (not entered).
  [[nodiscard]] bool enter();
  void leave() { --depth_; }

 private:
  [[nodiscard]] std::size_t left() const { return bytes_.size() - position_; }
  [[nodiscard]] std::uint8_t byte_at(std::size_t offset) const {
    return static_cast<std::uint8_t>(bytes_[position_ + offset]);
  }
  Result<std::int64_t> integer_slow();
  Result<std::string_view> atom_view_slow();
  Result<BytesView> binary_failed();
  Result<std::size_t> tuple_slow();
  // What is wrong with the next term, where `expected` was to be read.
  [[nodiscard]] Error unexpected(Kind expected) const;
  [[nodiscard]] Error broken(std::string_view what) const;
  [[nodiscard]] bool claim(std::size_t terms);
  [[nodiscard]] std::uint8_t take_u8() { return static_cast<std::uint8_t>(bytes_[position_++]); }
  [[nodiscard]] std::uint32_t take_u32();
  [[nodiscard]] bool take_atom(std::string* name);
  [[nodiscard]] bool take_node(NodeName& name);
  [[nodiscard]] bool skip_leaf();
  [[nodiscard]] bool skip_value(std::uint32_t depth);
  [[nodiscard]] bool skip_many(std::size_t count, std::uint32_t depth);
  [[nodiscard]] bool skip_fun(std::uint32_t depth);
  Result<Term> read_value(std::uint32_t depth);
  Result<Term> read_leaf();
  Result<Term> read_tuple(std::uint32_t depth);
  Result<Term> read_list(std::uint32_t depth);
  Result<Term> read_map(std::uint32_t depth);

  BytesView bytes_;
  TermLimits limits_;
  std::size_t position_ = 0;
  std::uint32_t depth_ = 0;
  // Terms that lists, tuples and maps around the current position have claimed and that are still to come;
  // each takes a byte at least, so claims together never exceed the bytes that are there.
  std::size_t owed_ = 0;
};

/// Specialise for a type of your own: `static void write(TermWriter&, const T&)` and
/// `static Result<T> read(TermReader&)`.
template <typename T>
struct Codec;

// The names of an enum class: found by themselves for enumerators with values 0 to 63. For other values or
// other names give a function beside the enum:
//   constexpr auto brood_enum_names(Colour) {
//     return std::array{std::pair{Colour::red, std::string_view("red")}, ...};
//   }

// The name of a struct on the wire, where that is not to be its C++ name: a function beside it.
//   constexpr std::string_view brood_name(const deposit*) { return "bank_deposit"; }

// The keys of a struct that is to travel as a map: a function beside it, naming every field in order.
//   struct point { double x, y; };
//   constexpr auto brood_map_keys(const point*) {
//     return std::array{std::string_view("x"), std::string_view("y")};
//   }

template <typename T>
concept HasCodec = requires {
  sizeof(Codec<T>);
};

template <typename T>
void write_term(TermWriter& writer, const T& value) {
  static_assert(HasCodec<T>,
                "brood: this type has no brood::Codec, so it cannot travel; see brood/codec.hpp");
  if constexpr (HasCodec<T>) Codec<T>::write(writer, value);
}
template <typename T>
[[nodiscard]] Result<T> read_term(TermReader& reader) {
  static_assert(HasCodec<T>,
                "brood: this type has no brood::Codec, so it cannot travel; see brood/codec.hpp");
  if constexpr (HasCodec<T>) {
    return Codec<T>::read(reader);
  } else {
    return Error{};
  }
}

/// One value as a stand-alone term.
template <typename T>
[[nodiscard]] EncodedTerm encode(const T& value) {
  EncodedTerm out;
  TermWriter writer(out);
  writer.version();
  write_term(writer, value);
  out.share();
  return out;
}

/// A stand-alone term as a T. `malformed` when it is no term, `type_mismatch` (with the term shown) when it
/// does not fit.
template <typename T>
[[nodiscard]] Result<T> decode(BytesView bytes);

/// The arguments of a worker: a term list, encoded. `args(100, "x")` is [100, <<"x">>].
template <typename... Ts>
[[nodiscard]] EncodedTerm args(const Ts&... values);

/// The arguments of a worker as values, the other way round: each item of the list into one of Ts.
/// `type_mismatch` when their number differs or one does not fit.
template <typename... Ts>
[[nodiscard]] Result<std::tuple<Ts...>> decode_args(BytesView bytes);

/// The unqualified C++ name of T ("deposit"), without macros.
template <typename T>
[[nodiscard]] constexpr std::string_view type_name();

}  // namespace brood::inline v0

#pragma GCC visibility pop

#include <brood/detail/codec.hpp>
