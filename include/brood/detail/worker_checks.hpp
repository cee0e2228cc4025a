// What is wrong with a worker's class, in words, before the compiler says it in its own. Included by
// detail/worker.hpp only.
#pragma once

#include <array>
#include <boost/pfr/core.hpp>
#include <brood/worker.hpp>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0::detail {

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

// The same of the other functions that a worker may have: one that is there and cannot be called as it must
// be would else count as none, and nobody would know before a move loses the state.
#define BROOD_HAS_MEMBER(name)                     \
  struct name##_probe {                            \
    int name;                                      \
  };                                               \
  template <typename W>                            \
  struct with_##name##_probe : W, name##_probe {}; \
  template <typename W>                            \
  constexpr bool has_##name() {                    \
    if constexpr (std::is_final_v<W>) {            \
      return false;                                \
    } else {                                       \
      return !requires {                           \
        &with_##name##_probe<W>::name;             \
      };                                           \
    }                                              \
  }
BROOD_HAS_MEMBER(save)
BROOD_HAS_MEMBER(restore)
BROOD_HAS_MEMBER(on_role)
BROOD_HAS_MEMBER(on_down)
BROOD_HAS_MEMBER(info)
BROOD_HAS_MEMBER(on_unhandled)
BROOD_HAS_MEMBER(terminate)
#undef BROOD_HAS_MEMBER

template <typename W>
concept Saves = requires(W& worker) {
  worker.save();
};
template <typename W>
concept Restores = requires {
  &W::restore;
};
template <typename W>
concept PreparesHandover = requires(W& worker, const NodeName& target) {
  worker.prepare_handover(target);
};
template <typename T>
concept Readable = requires(TermReader& reader) {
  Codec<T>::read(reader);
};

template <typename C, typename R, typename A>
std::decay_t<A> restore_argument(R (C::*)(A));

/// What save() gives can be what restore() takes. One of them may be a Term, and what can only be written (a
/// view) is not looked at.
template <typename W>
constexpr bool state_comes_back() {
  if constexpr (Saves<W> && Restores<W>) {
    using Saved = std::decay_t<decltype(std::declval<W&>().save())>;
    using Taken = decltype(restore_argument(&W::restore));
    return std::is_same_v<Saved, Taken> || std::is_same_v<Saved, Term> || std::is_same_v<Taken, Term> ||
           !Readable<Saved>;
  } else {
    return true;
  }
}

/// What is wrong with a class, the first of it.
enum class Fault : std::uint8_t {
  none,
  no_worker,
  hidden_save,
  hidden_restore,
  half_a_state,
  another_state,
  hidden_on_role,
  hidden_on_down,
  hidden_info,
  hidden_on_unhandled,
  hidden_terminate,
  hidden_handles,
  one_name,
  no_codec,
  unreadable,
  no_handler,
  answer,
  unreadable_info,
  no_info,
};

template <typename W>
constexpr Fault fault_of_state() {
  if constexpr (!Saves<W> && has_save<W>()) {
    return Fault::hidden_save;
  } else if constexpr (!Restores<W> && has_restore<W>()) {
    return Fault::hidden_restore;
  } else if constexpr (Saves<W> != Restores<W> && !PreparesHandover<W>) {
    return Fault::half_a_state;
  } else {
    return state_comes_back<W>() ? Fault::none : Fault::another_state;
  }
}

template <typename W>
concept SaysInfos = requires {
  typename W::infos;
};

template <typename W>
constexpr Fault fault_of_callbacks() {
  if (has_on_role<W>() && !requires(W & w, Role role) { w.on_role(role); }) return Fault::hidden_on_role;
  if (has_on_down<W>() && !requires(W & w, const Down& down) { w.on_down(down); })
    return Fault::hidden_on_down;
  if (!SaysInfos<W> && has_info<W>() && !requires(W & w, const Term& term) { w.info(term); })
    return Fault::hidden_info;
  if (has_on_unhandled<W>() && !requires(W & w, const Term& term) { w.on_unhandled(term); })
    return Fault::hidden_on_unhandled;
  if (has_terminate<W>() && !requires(W & w, const ExitReason& why) { w.terminate(why); })
    return Fault::hidden_terminate;
  return Fault::none;
}

template <typename W>
concept SaysHandles = requires {
  typename W::handles;
};

template <typename M, std::size_t... Index>
constexpr bool fields_travel(std::index_sequence<Index...> /*indexes*/) {
  return (HasCodec<boost::pfr::tuple_element_t<Index, M>> && ...);
}
template <typename M, std::size_t... Index>
constexpr bool fields_arrive(std::index_sequence<Index...> /*indexes*/) {
  return (Readable<boost::pfr::tuple_element_t<Index, M>> && ...);
}
/// Whether a T, which can travel, and its fields can be read where they arrive: a pointer or a view cannot.
template <typename T>
constexpr bool can_arrive() {
  if constexpr (!Readable<T>) {
    return false;
  } else if constexpr (is_record<T> && !std::is_empty_v<T> && requires { Codec<T>::fields; }) {
    return fields_arrive<T>(std::make_index_sequence<boost::pfr::tuple_size_v<T>>());
  } else {
    return true;
  }
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
constexpr bool answer_travels() {
  if constexpr (HandlesIt<W, M>) {
    return can_travel<typename Answered<decltype(std::declval<W&>().on(std::declval<M>()))>::type>();
  } else {
    return true;
  }
}

template <typename W, typename M>
constexpr Fault fault_of_message() {
  if constexpr (!can_travel<M>()) {
    return Fault::no_codec;
  } else if constexpr (!can_arrive<M>()) {
    return Fault::unreadable;
  } else if constexpr (!HandlesIt<W, M>) {
    return Fault::no_handler;
  } else {
    return answer_travels<W, M>() ? Fault::none : Fault::answer;
  }
}
template <typename W, typename M>
constexpr Fault fault_of_info() {
  if constexpr (!can_travel<M>() || !can_arrive<M>()) {
    return Fault::unreadable_info;
  } else {
    return requires(W & worker, M message) {
      worker.info(std::move(message));
    }
    ? Fault::none : Fault::no_info;
  }
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

/// What is wrong, and with which message; void: with the class.
template <Fault fault_, typename M = void>
struct Finding {
  static constexpr Fault fault = fault_;
};
/// The first of two that is one.
template <Fault a, typename M, Fault b, typename N>
constexpr auto operator|(Finding<a, M> one, Finding<b, N> other) {
  if constexpr (a != Fault::none) {
    return one;
  } else {
    return other;
  }
}
template <typename... Ms>
using NamesFound = Finding<names_differ<Ms...>() ? Fault::none : Fault::one_name>;
template <typename W, typename... Ms>
constexpr auto look_at_handles(messages<Ms...>* /*handles*/) {
  return (NamesFound<Ms...>{} | ... | Finding<fault_of_message<W, Ms>(), Ms>{});
}
template <typename W, typename... Ms>
constexpr auto look_at_infos(messages<Ms...>* /*infos*/) {
  return (NamesFound<Ms...>{} | ... | Finding<fault_of_info<W, Ms>(), Ms>{});
}

template <typename W>
constexpr auto look_at_messages() {
  if constexpr (SaysHandles<W>) {
    return look_at_handles<W>(static_cast<typename W::handles*>(nullptr));
  } else {
    return Finding < has_on<W>() ? Fault::hidden_handles : Fault::none > {};
  }
}
template <typename W>
constexpr auto look_at() {
  if constexpr (!std::is_base_of_v<Worker, W>) {
    return Finding<Fault::no_worker>{};
  } else {
    constexpr auto of_class = Finding<fault_of_state<W>()>{} | Finding<fault_of_callbacks<W>()>{};
    if constexpr (SaysInfos<W>) {
      return of_class | look_at_infos<W>(static_cast<typename W::infos*>(nullptr)) | look_at_messages<W>();
    } else {
      return of_class | look_at_messages<W>();
    }
  }
}
template <typename W>
using FoundIn = decltype(look_at<W>());

template <typename Found, Fault fault>
inline constexpr bool is_free_of = Found::fault != fault;  // in one word, so that the compiler explains none

/// Stops the compilation with words where W is no worker; true where it is one. Called by the very functions
/// that a program calls with the class, and with what was found as an argument: so that the compiler needs no
/// more than a few lines to say for whom and of which message it is.
template <typename W, typename Found>
constexpr bool check_worker() {
  static_assert(is_free_of<Found, Fault::no_worker>,
                "brood: the class is no worker: derive it from brood::Worker");
  static_assert(is_free_of<Found, Fault::hidden_save>,
                "brood: save() must be public and take nothing: `State save() const`");
  static_assert(is_free_of<Found, Fault::hidden_restore>,
                "brood: restore() must be public, and one: `void restore(State)`");
  static_assert(is_free_of<Found, Fault::half_a_state>,
                "brood: save() and restore() go together: the worker has only one of them");
  static_assert(is_free_of<Found, Fault::another_state>,
                "brood: restore() must take the type that save() gives");
  static_assert(is_free_of<Found, Fault::hidden_on_role>,
                "brood: on_role() must be public: `void on_role(brood::Role)`");
  static_assert(is_free_of<Found, Fault::hidden_on_down>,
                "brood: on_down() must be public: `void on_down(const brood::Down&)`");
  static_assert(is_free_of<Found, Fault::hidden_info>,
                "brood: info() must be public: `void info(const brood::Term&)`, or of a message that the "
                "worker names in `using infos = brood::messages<...>;`");
  static_assert(is_free_of<Found, Fault::hidden_on_unhandled>,
                "brood: on_unhandled() must be public: `void on_unhandled(const brood::Term&)`");
  static_assert(is_free_of<Found, Fault::hidden_terminate>,
                "brood: terminate() must be public: `void terminate(const brood::ExitReason&)`");
  static_assert(is_free_of<Found, Fault::hidden_handles>,
                "brood: the worker has on() but no public `using handles = brood::messages<...>;`");
  static_assert(is_free_of<Found, Fault::one_name>,
                "brood: two messages of the worker have one name on the wire; give one another, with "
                "brood_name() beside it");
  static_assert(is_free_of<Found, Fault::no_codec>,
                "brood: a message in `handles`, or a field of it, has no brood::Codec; see brood/codec.hpp");
  static_assert(is_free_of<Found, Fault::unreadable>,
                "brood: a message in `handles`, or a field of it, cannot be read: own the text, as a "
                "std::string");
  static_assert(is_free_of<Found, Fault::no_handler>,
                "brood: the worker has no public on() for a message of its `handles`");
  static_assert(is_free_of<Found, Fault::answer>,
                "brood: what a handler answers, or a field of it, has no brood::Codec; see brood/codec.hpp");
  static_assert(is_free_of<Found, Fault::unreadable_info>,
                "brood: a message in `infos`, or a field of it, has no brood::Codec by which it can be read; "
                "see brood/codec.hpp");
  static_assert(is_free_of<Found, Fault::no_info>,
                "brood: the worker has no public info() for a message of its `infos`");
  return Found::fault == Fault::none;
}

}  // namespace brood::inline v0::detail

#pragma GCC visibility pop
