// The codec of structs that travel as maps with atom keys, because they name their keys. Included by
// detail/codec.hpp only.
#pragma once

#include <array>
#include <boost/pfr/core.hpp>
#include <brood/codec.hpp>
#include <brood/detail/codec_structs.hpp>
#include <optional>
#include <type_traits>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

template <typename T>
inline constexpr bool is_optional = false;
template <typename T>
inline constexpr bool is_optional<std::optional<T>> = true;

/// The name of a key: an atom, or the binary of the same text.
[[nodiscard]] Result<std::string_view> read_key(TermReader& reader);
[[nodiscard]] Error missing_key(std::string_view key, std::string_view type);
[[nodiscard]] Error at_key(Error error, std::string_view key);

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

template <typename T>
requires detail::TravelsAsMap<T>
struct Codec<T> {
  static constexpr auto keys = brood_map_keys(static_cast<const T*>(nullptr));
  static_assert(keys.size() == boost::pfr::tuple_size_v<T>, "brood_map_keys must name every field, in order");

  static void write(TermWriter& writer, const T& value) {
    writer.map(keys.size());
    boost::pfr::for_each_field(value, [&writer](const auto& field, std::size_t index) {
      writer.atom(keys[index]);
      write_term(writer, field);
    });
  }

  static Result<T> read(TermReader& reader) {
    const detail::Nest nest(reader);
    if (!nest) return detail::Nest::too_deep();
    auto size = reader.map();
    if (!size) return std::move(size).error();
    T out{};
    std::array<bool, keys.size()> found{};
    for (std::size_t pair = 0; pair < *size; ++pair) {
      if (auto ok = read_pair(reader, out, found); !ok) return std::move(ok).error();
    }
    Result<void> failed;
    boost::pfr::for_each_field(out, [&](const auto& field, std::size_t index) {
      constexpr bool may_miss = detail::is_optional<std::remove_cvref_t<decltype(field)>>;
      if (!may_miss && !found[index] && failed) failed = detail::missing_key(keys[index], type_name<T>());
    });
    if (!failed) return std::move(failed).error();
    return out;
  }

  static bool may_fit(TermReader& reader) { return reader.peek() == TermReader::Kind::map; }

 private:
  // What it does not know is passed over: a newer sender may have more keys, and an Elixir struct has
  // __struct__.
  static Result<void> read_pair(TermReader& reader, T& out, std::array<bool, keys.size()>& found) {
    const auto key = detail::read_key(reader);
    Result<void> result;
    bool known = false;
    if (!key) {
      if (auto skipped = reader.skip(); !skipped) return std::move(skipped).error();
    } else {
      boost::pfr::for_each_field(out, [&](auto& field, std::size_t index) {
        if (known || keys[index] != *key) return;
        known = found[index] = true;
        auto value = read_term<std::remove_reference_t<decltype(field)>>(reader);
        if (value) {
          field = std::move(*value);
        } else {
          result = detail::at_key(std::move(value).error(), *key);
        }
      });
    }
    if (known) return result;
    if (auto skipped = reader.skip(); !skipped) return std::move(skipped).error();
    return {};
  }
};

}  // namespace brood::inline v0

#pragma GCC visibility pop
