// The codec of plain structs: {name, field...}, or the atom alone for an empty one. Included by
// detail/codec.hpp only.
#pragma once

#include <boost/pfr/core.hpp>
#include <brood/codec.hpp>
#include <type_traits>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

/// A struct with names for its fields; see brood_map_keys in codec.hpp.
template <typename T>
concept TravelsAsMap = requires {
  brood_map_keys(static_cast<const T*>(nullptr));
};

/// The name of a struct on the wire; see brood_name in codec.hpp.
template <typename T>
constexpr std::string_view wire_name() {
  if constexpr (requires { brood_name(static_cast<const T*>(nullptr)); }) {
    return brood_name(static_cast<const T*>(nullptr));
  } else {
    return type_name<T>();
  }
}

template <typename T>
constexpr std::size_t field_count() {
  if constexpr (std::is_empty_v<T>) {
    return 0;
  } else {
    return boost::pfr::tuple_size_v<T>;
  }
}

/// Reads the head of a record: a tuple of that many fields and the tag before them. On failure the position
/// is where it was.
[[nodiscard]] Result<void> read_record_head(TermReader& reader, std::string_view name, std::size_t fields);
/// Whether a record (or atom, where it has no fields) of that name comes next. Moves nothing.
[[nodiscard]] bool is_record_next(TermReader& reader, std::string_view name);
/// The error of field number `index` (from 1) of the struct.
[[nodiscard]] Error in_field(Error error, std::string_view name, std::size_t index);

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

template <typename T>
requires(std::is_aggregate_v<T>&& std::is_class_v<T> && !detail::TravelsAsMap<T>) struct Codec<T> {
  static constexpr std::string_view name = detail::wire_name<T>();
  static constexpr std::size_t fields = detail::field_count<T>();

  static void write(TermWriter& writer, const T& value) {
    if constexpr (fields == 0) {
      static_cast<void>(value);
      writer.atom(name);
    } else {
      writer.tuple(fields + 1);
      writer.atom(name);
      boost::pfr::for_each_field(value, [&writer](const auto& field) { write_term(writer, field); });
    }
  }

  static Result<T> read(TermReader& reader) {
    const detail::Nest nest(reader);
    if (!nest) return detail::Nest::too_deep();
    if (auto ok = detail::read_record_head(reader, name, fields); !ok) return std::move(ok).error();
    T out{};
    if constexpr (fields > 0) {
      Result<void> failed;
      std::size_t index = 0;
      boost::pfr::for_each_field(out, [&](auto& field) {
        if (!failed) return;
        ++index;
        auto value = read_term<std::remove_reference_t<decltype(field)>>(reader);
        if (value) {
          field = std::move(*value);
        } else {
          failed = detail::in_field(std::move(value).error(), name, index);
        }
      });
      if (!failed) return std::move(failed).error();
    }
    return out;
  }

  /// Cheap test of the tag alone, so that a variant of many structs makes no error message for each.
  static bool may_fit(TermReader& reader) { return detail::is_record_next(reader, name); }
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
