// Hook events by their keys, and as terms for Erlang; the shapes are in docs/guide/hooks.md.
//
// Pure functions.
#pragma once

#include <brood/hooks.hpp>

#include "core/base/types.hpp"

namespace brood::supervisor {

/// The place of a key's record among HookEvent's; nothing: no key of brood's. With or without `_hook` at its
/// end, as ProcessHub's are called.
[[nodiscard]] std::optional<std::size_t> kind_of(std::string_view key);
inline constexpr std::size_t own_kind = std::variant_size_v<HookEvent> - 1;

template <typename Event, std::size_t At = 0>
[[nodiscard]] constexpr std::size_t kind_of_type() {
  if constexpr (std::is_same_v<std::variant_alternative_t<At, HookEvent>, Event>)
    return At;
  else
    return kind_of_type<Event, At + 1>();
}

[[nodiscard]] std::string_view key_of(const HookEvent& event);
[[nodiscard]] Term data_term(const HookEvent& event);
[[nodiscard]] hooks::ChildData child_data(const ChildId& id, const core::Spec& spec,
                                          std::vector<NodeName> nodes);

}  // namespace brood::supervisor
