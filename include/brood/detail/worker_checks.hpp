// What is wrong with a worker's class, in words, before the compiler says it in its own. Included by
// detail/worker.hpp only.
#pragma once

#include <array>
#include <boost/pfr/core.hpp>
#include <brood/worker.hpp>
#include <string_view>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::detail {

template <typename M>
inline constexpr bool is_record =
    std::is_aggregate_v<M>&& std::is_class_v<M> && !TravelsAsMap<M> && !requires {
  std::tuple_size<M>::value;
};

struct OnProbe {
  int on;
};
template <typename W>
struct WithOnProbe : W, OnProbe {};
/// Whether a class has a member `on`, whatever it takes and whoever may call it: then two are found.
template <typename W>
constexpr bool has_on() {
  if constexpr (std::is_final_v<W>) {
    return false;
  } else {
    return !requires {
      &WithOnProbe<W>::on;
    };
  }
}

template <typename W>
concept SaysHandles = requires {
  typename W::handles;
};

template <typename M, std::size_t... Index>
constexpr bool fields_travel(std::index_sequence<Index...> /*indexes*/) {
  return (HasCodec<boost::pfr::tuple_element_t<Index, M>> && ...);
}
/// Whether a T and its fields can be sent.
template <typename T>
constexpr bool can_travel() {
  if constexpr (std::is_void_v<T>) {
    return true;
  } else if constexpr (!HasCodec<T>) {
    return false;
  } else if constexpr (is_record<T> && !std::is_empty_v<T> && requires { Codec<T>::fields; }) {
    return fields_travel<T>(std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  } else {
    return true;
  }
}

template <typename W, typename M>
concept HandlesIt = requires(W& worker, M message) {
  worker.on(std::move(message));
};
template <typename W, typename M>
inline constexpr bool has_handler = HandlesIt<W, M>;  // in one word, so that the compiler does not explain it
template <typename W, typename M>
constexpr bool answer_travels() {
  if constexpr (HandlesIt<W, M>) {
    return can_travel<typename Answered<decltype(std::declval<W&>().on(std::declval<M>()))>::type>();
  } else {
    return true;
  }
}

template <typename W, typename M>
constexpr bool check_message() {
  static_assert(can_travel<M>(),
                "brood: a message in `handles`, or a field of it, has no brood::Codec; see brood/codec.hpp");
  static_assert(has_handler<W, M>, "brood: the worker has no public on() for a message of its `handles`");
  static_assert(answer_travels<W, M>(),
                "brood: what a handler answers, or a field of it, has no brood::Codec; see brood/codec.hpp");
  return can_travel<M>() && has_handler<W, M> && answer_travels<W, M>();
}

template <typename M>
constexpr std::string_view name_of_record() {
  if constexpr (is_record<M>) {
    return wire_name<M>();
  } else {
    return {};
  }
}
template <typename... Ms>
constexpr bool names_differ() {
  const std::array<std::string_view, sizeof...(Ms) + 1> names{name_of_record<Ms>()..., std::string_view()};
  for (std::size_t i = 0; i < names.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (!names[i].empty() && names[i] == names[j]) return false;
  return true;
}

template <typename W, typename... Ms>
constexpr bool check_messages(messages<Ms...>* /*handles*/) {
  static_assert(
      names_differ<Ms...>(),
      "brood: two messages of the worker have one name on the wire; give one another, with brood_name() "
      "beside it");
  bool is_right = names_differ<Ms...>();
  for (const bool each : {true, check_message<W, Ms>()...}) is_right = is_right && each;
  return is_right;
}

/// Stops the compilation with words where W is no worker; true where it is one.
template <typename W>
constexpr bool check_worker() {
  static_assert(std::is_base_of_v<Worker, W>, "brood: the class is no worker: derive it from brood::Worker");
  if constexpr (!std::is_base_of_v<Worker, W>) {
    return false;
  } else if constexpr (SaysHandles<W>) {
    return check_messages<W>(static_cast<typename W::handles*>(nullptr));
  } else {
    static_assert(!has_on<W>(),
                  "brood: the worker has on() but no public `using handles = brood::messages<...>;`");
    return !has_on<W>();
  }
}

}  // namespace brood::detail

#pragma GCC visibility pop
