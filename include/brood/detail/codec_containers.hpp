// Codecs of optional, lists, maps, tuples and variants. Included by detail/codec.hpp only.
#pragma once

#include <algorithm>
#include <array>
#include <brood/codec.hpp>
#include <map>
#include <optional>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

/// Calls `use(reader)` for each item of a proper list, where each must be read wholly, and `begin(length)`
/// before. A list that came as octets is offered item by item too.
template <typename Begin, typename Use>
Result<void> each_item(TermReader& reader, Begin begin, Use use) {
  if (auto octets = reader.string_octets()) {
    if (auto ok = begin(octets->size()); !ok) return ok;
    for (const char octet : *octets) {
      const char encoded[2] = {97, octet};
      TermReader one(BytesView(encoded, 2));
      if (auto ok = use(one); !ok) return ok;
    }
    return {};
  }
  const Nest nest(reader);
  if (!nest) return Nest::too_deep();
  auto length = reader.list();
  if (!length) return std::move(length).error();
  if (auto ok = begin(*length); !ok) return ok;
  for (std::size_t index = 0; index < *length; ++index)
    if (auto ok = use(reader); !ok) return ok;
  return reader.list_end();
}

/// As many items as a claimed length may reserve memory for at once; more grows as they are really read.
template <typename T>
constexpr std::size_t reserved(std::size_t claimed) {
  return std::min<std::size_t>(claimed, 4096 / sizeof(T) + 1);
}

/// Reads the items of a tuple or list into `values`, one after the other.
template <typename Tuple, std::size_t... Index>
Result<void> read_fields(TermReader& reader, Tuple& values, std::index_sequence<Index...>) {
  Result<void> out;
  const auto one = [&](auto& field) {
    auto value = read_term<std::remove_reference_t<decltype(field)>>(reader);
    if (!value) {
      out = std::move(value).error();
      return false;
    }
    field = std::move(*value);
    return true;
  };
  static_cast<void>(one);
  static_cast<void>((one(std::get<Index>(values)) && ...));
  return out;
}

template <typename Map>
Result<Map> read_map(TermReader& reader) {
  const Nest nest(reader);
  if (!nest) return Nest::too_deep();
  auto size = reader.map();
  if (!size) return std::move(size).error();
  Map out;
  for (std::size_t index = 0; index < *size; ++index) {
    auto key = read_term<typename Map::key_type>(reader);
    if (!key) return std::move(key).error();
    auto value = read_term<typename Map::mapped_type>(reader);
    if (!value) return std::move(value).error();
    if (!out.emplace(std::move(*key), std::move(*value)).second)
      return Error{Errc::malformed, "a map has a key twice"};
  }
  return out;
}

/// False when a T cannot come next, as far as that is told cheaply.
template <typename T>
bool may_fit(TermReader& reader) {
  if constexpr (requires { Codec<T>::may_fit(reader); }) {
    return Codec<T>::may_fit(reader);
  } else {
    return true;
  }
}

template <typename Tuple>
Result<Tuple> read_tuple(TermReader& reader) {
  constexpr std::size_t size = std::tuple_size_v<Tuple>;
  const Nest nest(reader);
  if (!nest) return Nest::too_deep();
  if (auto ok = reader.tuple(size); !ok) return std::move(ok).error();
  Tuple out;
  if (auto ok = read_fields(reader, out, std::make_index_sequence<size>()); !ok) return std::move(ok).error();
  return out;
}

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

template <typename T>
struct Codec<std::optional<T>> {
  static void write(TermWriter& writer, const std::optional<T>& value) {
    if (value) {
      write_term(writer, *value);
    } else {
      writer.atom("undefined");
    }
  }
  static Result<std::optional<T>> read(TermReader& reader) {
    const std::size_t start = reader.position();
    if (reader.peek() == TermReader::Kind::atom)
      if (auto name = reader.atom_view(); name && (*name == "undefined" || *name == "nil"))
        return std::optional<T>();
    reader.seek(start);
    auto value = read_term<T>(reader);
    if (!value) return std::move(value).error();
    return std::optional<T>(std::move(*value));
  }
};

template <typename T>
struct Codec<std::vector<T>> {
  static void write(TermWriter& writer, const std::vector<T>& values) {
    writer.list(values.size());
    for (const auto& value : values) write_term<T>(writer, value);
    writer.nil();
  }
  static Result<std::vector<T>> read(TermReader& reader) {
    std::vector<T> out;
    const auto begin = [&out](std::size_t length) -> Result<void> {
      out.reserve(detail::reserved<T>(length));
      return {};
    };
    const auto use = [&out](TermReader& from) -> Result<void> {
      auto value = read_term<T>(from);
      if (!value) return std::move(value).error();
      out.push_back(std::move(*value));
      return {};
    };
    if (auto ok = detail::each_item(reader, begin, use); !ok) return std::move(ok).error();
    return out;
  }
};

template <typename T, std::size_t N>
struct Codec<std::array<T, N>> {
  static void write(TermWriter& writer, const std::array<T, N>& values) {
    writer.list(N);
    for (const auto& value : values) write_term(writer, value);
    writer.nil();
  }
  static Result<std::array<T, N>> read(TermReader& reader) {
    std::array<T, N> out{};
    std::size_t index = 0;
    const auto begin = [](std::size_t length) -> Result<void> {
      if (length == N) return {};
      return Error{Errc::type_mismatch,
                   "expected a list of " + std::to_string(N) + " items, found " + std::to_string(length)};
    };
    const auto use = [&](TermReader& from) -> Result<void> {
      auto value = read_term<T>(from);
      if (!value) return std::move(value).error();
      out[index++] = std::move(*value);
      return {};
    };
    if (auto ok = detail::each_item(reader, begin, use); !ok) return std::move(ok).error();
    return out;
  }
};

template <typename Key, typename T, typename Less, typename Allocator>
struct Codec<std::map<Key, T, Less, Allocator>> {
  using Map = std::map<Key, T, Less, Allocator>;
  static void write(TermWriter& writer, const Map& values) {
    writer.map(values.size());
    for (const auto& [key, value] : values) {
      write_term(writer, key);
      write_term(writer, value);
    }
  }
  static Result<Map> read(TermReader& reader) { return detail::read_map<Map>(reader); }
};

template <typename Key, typename T, typename Hash, typename Equal, typename Allocator>
struct Codec<std::unordered_map<Key, T, Hash, Equal, Allocator>> {
  using Map = std::unordered_map<Key, T, Hash, Equal, Allocator>;
  static void write(TermWriter& writer, const Map& values) {
    std::vector<const typename Map::value_type*> entries;
    entries.reserve(values.size());
    for (const auto& entry : values) entries.push_back(&entry);
    // So that equal maps have equal bytes.
    if constexpr (requires(const Key& a, const Key& b) { a < b; })
      std::sort(entries.begin(), entries.end(),
                [](const auto* a, const auto* b) { return a->first < b->first; });
    writer.map(values.size());
    for (const auto* entry : entries) {
      write_term(writer, entry->first);
      write_term(writer, entry->second);
    }
  }
  static Result<Map> read(TermReader& reader) { return detail::read_map<Map>(reader); }
};

template <typename A, typename B>
struct Codec<std::pair<A, B>> {
  static void write(TermWriter& writer, const std::pair<A, B>& value) {
    writer.tuple(2);
    write_term(writer, value.first);
    write_term(writer, value.second);
  }
  static Result<std::pair<A, B>> read(TermReader& reader) {
    return detail::read_tuple<std::pair<A, B>>(reader);
  }
};

template <typename... Ts>
struct Codec<std::tuple<Ts...>> {
  static void write(TermWriter& writer, const std::tuple<Ts...>& values) {
    writer.tuple(sizeof...(Ts));
    std::apply([&writer](const auto&... items) { (write_term(writer, items), ...); }, values);
  }
  static Result<std::tuple<Ts...>> read(TermReader& reader) {
    return detail::read_tuple<std::tuple<Ts...>>(reader);
  }
};

template <typename... Ts>
struct Codec<std::variant<Ts...>> {
  using Variant = std::variant<Ts...>;
  static void write(TermWriter& writer, const Variant& value) {
    std::visit([&writer](const auto& item) { write_term(writer, item); }, value);
  }
  static Result<Variant> read(TermReader& reader) { return attempt<0>(reader); }

 private:
  template <std::size_t Index>
  static Result<Variant> attempt(TermReader& reader) {
    if constexpr (Index == sizeof...(Ts)) {
      return detail::mismatch(reader, "one of the alternatives");
    } else {
      using T = std::variant_alternative_t<Index, Variant>;
      if (detail::may_fit<T>(reader)) {
        const std::size_t start = reader.position();
        if (auto value = read_term<T>(reader)) return Variant(std::in_place_index<Index>, std::move(*value));
        reader.seek(start);
      }
      return attempt<Index + 1>(reader);
    }
  }
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
