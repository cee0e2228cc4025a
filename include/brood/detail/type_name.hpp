// The names of types and enumerators, taken from the compiler's own name of a function. Compile time only.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

template <typename T>
constexpr std::string_view pretty_type() {
  return __PRETTY_FUNCTION__;
}

template <auto V>
constexpr std::string_view pretty_value() {
  return __PRETTY_FUNCTION__;
}

/// What stands after "T = " or "V = " in the name of one of the functions above.
constexpr std::string_view pretty_argument(std::string_view text, std::string_view key) {
  const std::size_t start = text.find(key) + key.size();
  int depth = 0;
  std::size_t end = start;
  for (; end < text.size(); ++end) {
    const char letter = text[end];
    if (letter == '<' || letter == '(' || letter == '{' || letter == '[') ++depth;
    if (depth == 0 && (letter == ';' || letter == ']')) break;
    if (letter == '>' || letter == ')' || letter == '}' || letter == ']') --depth;
  }
  return text.substr(start, end - start);
}

/// The last part of a qualified name, without template arguments: "a::box<int>" is "box".
constexpr std::string_view unqualified(std::string_view name) {
  std::size_t start = 0;
  int depth = 0;
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char letter = name[at];
    if (letter == '<' || letter == '(' || letter == '{') ++depth;
    if (letter == '>' || letter == ')' || letter == '}') --depth;
    if (depth == 0 && letter == ':' && at > 0 && name[at - 1] == ':') start = at + 1;
  }
  name.remove_prefix(start);
  return name.substr(0, name.find('<'));
}

/// The enumerator's name; empty when no enumerator has that value.
template <auto V>
constexpr std::string_view enumerator_name() {
  const auto name = unqualified(pretty_argument(pretty_value<V>(), "V = "));
  const bool named = !name.empty() && ((name[0] >= 'a' && name[0] <= 'z') ||
                                       (name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_');
  return named ? name : std::string_view();
}

inline constexpr std::size_t enum_values_searched = 64;

template <typename E, std::size_t... Index>
constexpr auto search_enum_names(std::index_sequence<Index...>) {
  return std::array<std::pair<E, std::string_view>, sizeof...(Index)>{
      {{static_cast<E>(Index), enumerator_name<static_cast<E>(Index)>()}...}};
}

/// Pairs of value and name; entries without a name are no enumerators.
template <typename E>
constexpr auto enum_names() {
  if constexpr (requires { brood_enum_names(E{}); }) {
    return brood_enum_names(E{});
  } else {
    static_assert(!std::is_convertible_v<E, int>, "a plain enum needs a function brood_enum_names");
    constexpr std::size_t count = std::is_same_v<std::underlying_type_t<E>, bool> ? 2 : enum_values_searched;
    return search_enum_names<E>(std::make_index_sequence<count>());
  }
}

}  // namespace brood::inline v0::detail

namespace brood::inline v0 {

template <typename T>
constexpr std::string_view type_name() {
  constexpr std::string_view name =  // computed by the compiler, in every build
      detail::unqualified(detail::pretty_argument(detail::pretty_type<T>(), "T = "));
  return name;
}

namespace detail {

/// What a message calls T: a struct by its name, of the usual types what they are on the wire, as a
/// "basic_string" and a "long int" are nothing to an Erlang program.
template <typename T>
constexpr std::string_view shown_type() {
  if constexpr (std::is_same_v<T, bool>) {
    return "a boolean";
  } else if constexpr (std::is_integral_v<T>) {
    return "an integer";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "a number";
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return "a text";
  } else {
    return type_name<T>();
  }
}

}  // namespace detail

}  // namespace brood::inline v0

#pragma GCC visibility pop
