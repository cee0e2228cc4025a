// The codecs of everything that codec.hpp promises: single values here, containers and structs in their own
// files. Included by codec.hpp only.
#pragma once

#include <brood/codec.hpp>
#include <brood/detail/inline_codec.hpp>
#include <brood/detail/type_name.hpp>
#include <brood/id.hpp>
#include <chrono>
#include <concepts>
#include <limits>
#include <ratio>
#include <string>
#include <variant>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

/// A term that is well formed but does not fit the type asked for.
[[nodiscard]] Error mismatch(const TermReader& reader, std::string_view expected);
/// As mismatch(), for a number that the type cannot hold.
[[nodiscard]] Error out_of_range(const TermReader& reader, std::size_t bits, bool is_signed);
/// The text of a binary, atom or Erlang string.
[[nodiscard]] Result<std::string> read_text(TermReader& reader);
[[nodiscard]] Result<double> read_double(TermReader& reader);
/// What decode<T> answers: `error` with the whole term and the type's name.
[[nodiscard]] Error decode_failed(const Error& error, BytesView bytes, std::string_view type);
/// Refuses bytes that are too many, and reads the version byte.
[[nodiscard]] Result<TermReader> start_decode(BytesView bytes);
[[nodiscard]] Error left_over(const TermReader& reader);

[[nodiscard]] Result<void> check_argument_count(std::size_t found, std::size_t expected);
/// The error of argument number `index` (from 1).
[[nodiscard]] Error in_argument(Error error, std::size_t index);

/// Holds a place in the nesting of terms for as long as it lives.
class Nest {
 public:
  explicit Nest(TermReader& reader) : reader_(reader), entered_(reader.enter()) {}
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;
  ~Nest() {
    if (entered_) reader_.leave();
  }
  explicit operator bool() const { return entered_; }
  [[nodiscard]] static Error too_deep() { return {Errc::malformed, "terms are nested too deep"}; }

 private:
  TermReader& reader_;
  bool entered_;
};

/// A codec for a kind that a Term holds as a T.
template <typename T, const T* (Term::*As)() const>
Result<T> read_through_term(TermReader& reader, std::string_view expected) {
  const std::size_t start = reader.position();
  auto term = reader.term();
  if (!term) return std::move(term).error();
  if (const T* value = ((*term).*As)()) return *value;
  reader.seek(start);
  return mismatch(reader, expected);
}

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

template <>
struct Codec<bool> {
  static void write(TermWriter& writer, bool value) { writer.boolean(value); }
  static Result<bool> read(TermReader& reader) { return reader.boolean(); }
};

template <std::integral T>
struct Codec<T> {
  static void write(TermWriter& writer, T value) {
    if constexpr (std::is_signed_v<T>) {
      writer.integer(static_cast<std::int64_t>(value));
    } else {
      writer.unsigned_integer(static_cast<std::uint64_t>(value));
    }
  }
  static Result<T> read(TermReader& reader) {
    const std::size_t start = reader.position();
    if constexpr (std::is_signed_v<T>) {
      auto value = reader.integer();
      if (!value) return std::move(value).error();
      if (std::in_range<T>(*value)) return static_cast<T>(*value);
    } else {
      auto value = reader.unsigned_integer();
      if (!value) return std::move(value).error();
      if (*value <= std::numeric_limits<T>::max()) return static_cast<T>(*value);
    }
    reader.seek(start);
    return detail::out_of_range(reader, sizeof(T) * 8, std::is_signed_v<T>);
  }
};

template <std::floating_point T>
struct Codec<T> {
  static void write(TermWriter& writer, T value) { writer.real(static_cast<double>(value)); }
  static Result<T> read(TermReader& reader) {
    auto value = detail::read_double(reader);
    if (!value) return std::move(value).error();
    return static_cast<T>(*value);
  }
};

template <>
struct Codec<std::string> {
  static void write(TermWriter& writer, const std::string& value) { writer.binary(value); }
  static Result<std::string> read(TermReader& reader) { return detail::read_text(reader); }
};

/// Texts that own nothing can be written only.
template <>
struct Codec<std::string_view> {
  static void write(TermWriter& writer, std::string_view value) { writer.binary(value); }
};
template <>
struct Codec<const char*> {
  static void write(TermWriter& writer, const char* value) { writer.binary(value); }
};
template <std::size_t N>
struct Codec<char[N]> {
  static void write(TermWriter& writer, const char* value) { writer.binary(value); }
};

template <>
struct Codec<Atom> {
  static void write(TermWriter& writer, const Atom& value) { writer.atom(value.name); }
  static Result<Atom> read(TermReader& reader) {
    auto name = reader.atom();
    if (!name) return std::move(name).error();
    return Atom(std::move(*name));
  }
};

template <>
struct Codec<NodeName> {
  static void write(TermWriter& writer, const NodeName& value) { writer.atom(value.text()); }
  static Result<NodeName> read(TermReader& reader) { return reader.node_name(); }
};

template <>
struct Codec<Pid> {
  static void write(TermWriter& writer, const Pid& value) { writer.pid(value); }
  static Result<Pid> read(TermReader& reader) { return reader.pid(); }
};

template <>
struct Codec<Port> {
  static void write(TermWriter& writer, const Port& value) { writer.port(value); }
  static Result<Port> read(TermReader& reader) { return reader.port(); }
};

template <>
struct Codec<Ref> {
  static void write(TermWriter& writer, const Ref& value) { writer.ref(value); }
  static Result<Ref> read(TermReader& reader) { return reader.ref(); }
};

template <>
struct Codec<Binary> {
  static void write(TermWriter& writer, const Binary& value) { writer.binary(value.bytes); }
  static Result<Binary> read(TermReader& reader) {
    auto bytes = reader.binary();
    if (!bytes) return std::move(bytes).error();
    return Binary{Bytes(*bytes)};
  }
};

template <>
struct Codec<EncodedTerm> {
  static void write(TermWriter& writer, const EncodedTerm& value) {
    value.empty() ? writer.atom("undefined") : writer.encoded(value);
  }
  static Result<EncodedTerm> read(TermReader& reader) {
    auto bytes = reader.skip();
    if (!bytes) return std::move(bytes).error();
    return EncodedTerm(Bytes(1, static_cast<char>(131)).append(*bytes));
  }
};

template <>
struct Codec<Bitstring> {
  static void write(TermWriter& writer, const Bitstring& value) { writer.bitstring(value); }
  static Result<Bitstring> read(TermReader& reader) {
    return detail::read_through_term<Bitstring, &Term::as_bitstring>(reader, "a bit string");
  }
};

template <>
struct Codec<BigInt> {
  static void write(TermWriter& writer, const BigInt& value) { writer.big(value); }
  static Result<BigInt> read(TermReader& reader);
};

template <>
struct Codec<OpaqueFun> {
  static void write(TermWriter& writer, const OpaqueFun& value) { writer.encoded(value.encoded); }
  static Result<OpaqueFun> read(TermReader& reader) {
    return detail::read_through_term<OpaqueFun, &Term::as_fun>(reader, "a fun");
  }
};

template <>
struct Codec<Term> {
  static void write(TermWriter& writer, const Term& value) { writer.term(value); }
  static Result<Term> read(TermReader& reader) { return reader.term(); }
};

template <>
struct Codec<Id> {
  static void write(TermWriter& writer, const Id& value) { writer.term(value.term()); }
  static Result<Id> read(TermReader& reader) {
    auto term = reader.term();
    if (!term) return term.error();
    return Id(*term);
  }
};

template <>
struct Codec<std::monostate> {
  static void write(TermWriter& writer, std::monostate) { writer.atom("ok"); }
  static Result<std::monostate> read(TermReader& reader) {
    const std::size_t start = reader.position();
    auto name = reader.atom_view();
    if (name && *name == "ok") return std::monostate();
    reader.seek(start);
    return detail::mismatch(reader, "the atom ok");
  }
};

template <typename Rep, typename Period>
struct Codec<std::chrono::duration<Rep, Period>> {
  using Duration = std::chrono::duration<Rep, Period>;
  static void write(TermWriter& writer, Duration value) {
    writer.integer(
        std::chrono::duration_cast<std::chrono::duration<std::int64_t, std::milli>>(value).count());
  }
  static Result<Duration> read(TermReader& reader) {
    const std::size_t start = reader.position();
    auto count = reader.integer();
    if (!count) return std::move(count).error();
    using Scale = std::ratio_divide<std::milli, Period>;
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / Scale::num;
    const bool fits = *count <= most && *count >= -most &&
                      (std::is_floating_point_v<Rep> || in_range(*count * Scale::num / Scale::den));
    if (fits) return std::chrono::duration_cast<Duration>(std::chrono::milliseconds(*count));
    reader.seek(start);
    return detail::mismatch(reader, "a time in milliseconds that fits the type");
  }

 private:
  static bool in_range(std::int64_t count) {
    if constexpr (std::integral<Rep>) {
      return std::in_range<Rep>(count);
    } else {
      return true;
    }
  }
};

template <typename E>
requires std::is_enum_v<E>
struct Codec<E> {
  static void write(TermWriter& writer, E value) {
    for (const auto& [item, name] : names)
      if (item == value && !name.empty()) return writer.atom(name);
    // Outside the enumerators there is no name; the reader will refuse the number.
    write_term(writer, static_cast<std::underlying_type_t<E>>(value));
  }
  static Result<E> read(TermReader& reader) {
    const std::size_t start = reader.position();
    if (auto found = reader.atom_view())
      for (const auto& [item, name] : names)
        if (!name.empty() && *found == name) return item;
    reader.seek(start);
    return detail::mismatch(reader, std::string("a name of ").append(type_name<E>()));
  }

 private:
  static constexpr auto names = detail::enum_names<E>();
};

}  // namespace brood::inline v0

#include <brood/detail/codec_containers.hpp>
#include <brood/detail/codec_maps.hpp>
#include <brood/detail/codec_structs.hpp>

namespace brood::inline v0 {

template <typename T>
Result<T> decode(BytesView bytes) {
  auto reader = detail::start_decode(bytes);
  if (!reader) return std::move(reader).error();
  auto value = read_term<T>(*reader);
  if (!value) return detail::decode_failed(value.error(), bytes, detail::shown_type<T>());
  if (!reader->at_end()) return detail::left_over(*reader);
  return value;
}

template <typename... Ts>
EncodedTerm args(const Ts&... values) {
  EncodedTerm out;
  TermWriter writer(out);
  writer.version();
  writer.list(sizeof...(Ts));
  (write_term(writer, values), ...);
  writer.nil();
  return out;
}

template <typename... Ts>
Result<std::tuple<Ts...>> decode_args(BytesView bytes) {
  auto reader = detail::start_decode(bytes);
  if (!reader) return std::move(reader).error();
  // Each item is looked at on its own, so that an argument's error can show it.
  std::vector<EncodedTerm> items;
  const auto begin = [](std::size_t length) { return detail::check_argument_count(length, sizeof...(Ts)); };
  const auto use = [&items](TermReader& from) -> Result<void> {
    auto item = from.skip();
    if (!item) return std::move(item).error();
    items.push_back(EncodedTerm(Bytes(1, static_cast<char>(131)).append(*item)));
    return {};
  };
  if (auto ok = detail::each_item(*reader, begin, use); !ok) return std::move(ok).error();
  if (!reader->at_end()) return detail::left_over(*reader);
  std::tuple<Ts...> out;
  Result<void> failed;
  std::size_t index = 0;
  const auto one = [&](auto& field) {
    auto value = decode<std::remove_reference_t<decltype(field)>>(items[index++]);
    if (!value) return failed = detail::in_argument(std::move(value).error(), index), false;
    return field = std::move(*value), true;
  };
  static_cast<void>(one);
  std::apply([&one](auto&... fields) { static_cast<void>((one(fields) && ...)); }, out);
  if (!failed) return std::move(failed).error();
  return out;
}

}  // namespace brood::inline v0

#pragma GCC visibility pop
