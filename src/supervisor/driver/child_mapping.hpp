// The option `child_mapping` of a start: #{Id => [Node]}, where each child of the request runs under guided
// placement. A spec may say the same of itself (`mapping`); what the option says wins.
//
// Thread rule: plain data.
#pragma once

#include <brood/id.hpp>
#include <map>
#include <string>
#include <vector>

#include "core/base/types.hpp"

namespace brood::supervisor {

class ChildMapping {
 public:
  /// Of the options of a request. invalid_argument, with invalid_child_mapping as its detail.
  [[nodiscard]] static Result<ChildMapping> read(const Term& options);
  [[nodiscard]] static ChildMapping of(const std::map<Id, std::vector<NodeName>>& given);
  [[nodiscard]] bool is_given() const { return given_; }
  /// The spec with what the option says of it. invalid_argument, with child_mapping_mismatch as its detail:
  /// the option is there and says nothing of this child, and neither does its spec.
  [[nodiscard]] Result<core::SpecPtr> apply(const ChildId& id, const core::SpecPtr& spec) const;

 private:
  bool given_ = false;
  std::map<ChildId, Term> nodes_;
};

}  // namespace brood::supervisor
