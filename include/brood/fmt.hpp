// For programs that use fmt: names of nodes as arguments of fmt::format() and its sisters. Not part of
// brood.hpp, which needs no fmt.
#pragma once

#include <fmt/format.h>

#include <brood/node_name.hpp>

template <>
struct fmt::formatter<brood::NodeName> : fmt::formatter<fmt::string_view> {
  template <typename Context>
  auto format(const brood::NodeName& name, Context& context) const {
    return fmt::formatter<fmt::string_view>::format(fmt::string_view(name.text()), context);
  }
};
