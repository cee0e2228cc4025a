// The options of start_child and start_children; see StartOptions in brood/results.hpp.
//
// Thread rule: plain data.
#pragma once

#include "supervisor/driver/child_mapping.hpp"
#include "supervisor/driver/driver.hpp"

namespace brood::supervisor {

struct StartAsked {
  StartOrder order;
  ChildMapping mapping;
  Term metadata = Term::map({});
  bool check_existing = false;

  static const std::vector<std::string_view> names;
  /// `timeout`: where none is given. invalid_argument with the option's name.
  [[nodiscard]] static Result<StartAsked> read(const Term& options, std::chrono::milliseconds timeout);
  /// The spec with what the options say of it.
  [[nodiscard]] Result<core::NamedSpec> apply(const core::NamedSpec& child) const;
};

}  // namespace brood::supervisor
