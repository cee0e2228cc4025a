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

template <typename W>
constexpr bool check_state() {
  constexpr bool saves = Saves<W> || !has_save<W>();
  static_assert(saves, "brood: save() must be public and take nothing: `State save() const`");
  constexpr bool restores = Restores<W> || !has_restore<W>();
  static_assert(restores, "brood: restore() must be public, and one: `void restore(State)`");
  constexpr bool both = !restores || !saves || Saves<W> == Restores<W> || PreparesHandover<W>;
  static_assert(both, "brood: save() and restore() go together: the worker has only one of them");
  constexpr bool same = state_comes_back<W>();
  static_assert(same, "brood: restore() must take the type that save() gives");
  return saves && restores && both && same;
}

template <typename W>
concept SaysInfos = requires {
  typename W::infos;
};

template <typename W>
constexpr bool check_callbacks() {
  constexpr bool role_fits = !has_on_role<W>() || requires(W & w, Role role) {
    w.on_role(role);
  };
  static_assert(role_fits, "brood: on_role() must be public: `void on_role(brood::Role)`");
  constexpr bool down_fits = !has_on_down<W>() || requires(W & w, const Down& down) {
    w.on_down(down);
  };
  static_assert(down_fits, "brood: on_down() must be public: `void on_down(const brood::Down&)`");
  constexpr bool info_fits = SaysInfos<W> || !has_info<W>() || requires(W & w, const Term& term) {
    w.info(term);
  };
  static_assert(info_fits,
                "brood: info() must be public: `void info(const brood::Term&)`, or of a message that the "
                "worker names in `using infos = brood::messages<...>;`");
  constexpr bool rest_fits = !has_on_unhandled<W>() || requires(W & w, const Term& term) {
    w.on_unhandled(term);
  };
  static_assert(rest_fits, "brood: on_unhandled() must be public: `void on_unhandled(const brood::Term&)`");
  constexpr bool end_fits = !has_terminate<W>() || requires(W & w, const ExitReason& why) {
    w.terminate(why);
  };
  static_assert(end_fits, "brood: terminate() must be public: `void terminate(const brood::ExitReason&)`");
  return role_fits && down_fits && info_fits && rest_fits && end_fits;
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
  constexpr bool arrives = !can_travel<M>() || can_arrive<M>();
  static_assert(
      arrives,
      "brood: a message in `handles`, or a field of it, cannot be read: own the text, as a std::string");
  static_assert(has_handler<W, M>, "brood: the worker has no public on() for a message of its `handles`");
  static_assert(answer_travels<W, M>(),
                "brood: what a handler answers, or a field of it, has no brood::Codec; see brood/codec.hpp");
  return can_travel<M>() && arrives && has_handler<W, M> && answer_travels<W, M>();
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

template <typename... Ms>
constexpr bool check_names() {
  static_assert(
      names_differ<Ms...>(),
      "brood: two messages of the worker have one name on the wire; give one another, with brood_name() "
      "beside it");
  return names_differ<Ms...>();
}
template <typename W, typename... Ms>
constexpr bool check_messages(messages<Ms...>* /*handles*/) {
  bool is_right = check_names<Ms...>();
  for (const bool each : {true, check_message<W, Ms>()...}) is_right = is_right && each;
  return is_right;
}

template <typename W, typename M>
inline constexpr bool takes_info = requires(W& worker, M message) {
  worker.info(std::move(message));
};
template <typename W, typename M>
constexpr bool check_info() {
  constexpr bool arrives = can_travel<M>() && can_arrive<M>();
  static_assert(arrives,
                "brood: a message in `infos`, or a field of it, has no brood::Codec by which it can be read; "
                "see brood/codec.hpp");
  static_assert(takes_info<W, M>, "brood: the worker has no public info() for a message of its `infos`");
  return arrives && takes_info<W, M>;
}
template <typename W, typename... Ms>
constexpr bool check_infos(messages<Ms...>* /*infos*/) {
  bool is_right = check_names<Ms...>();
  for (const bool each : {true, check_info<W, Ms>()...}) is_right = is_right && each;
  return is_right;
}
template <typename W>
constexpr bool check_infos() {
  if constexpr (SaysInfos<W>) {
    return check_infos<W>(static_cast<typename W::infos*>(nullptr));
  } else {
    return true;
  }
}

/// Stops the compilation with words where W is no worker; true where it is one.
template <typename W>
constexpr bool check_worker() {
  static_assert(std::is_base_of_v<Worker, W>, "brood: the class is no worker: derive it from brood::Worker");
  if constexpr (!std::is_base_of_v<Worker, W>) {
    return false;
  } else if constexpr (!check_state<W>() || !check_callbacks<W>() || !check_infos<W>()) {
    return false;
  } else if constexpr (SaysHandles<W>) {
    return check_messages<W>(static_cast<typename W::handles*>(nullptr));
  } else {
    static_assert(!has_on<W>(),
                  "brood: the worker has on() but no public `using handles = brood::messages<...>;`");
    return !has_on<W>();
  }
}

}  // namespace brood::inline v0::detail

#pragma GCC visibility pop
