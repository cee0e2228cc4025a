#include "supervisor/driver/child_mapping.hpp"

#include <fmt/format.h>

#include "supervisor/driver/specs.hpp"

namespace brood::supervisor {
namespace {

Error bad_mapping(std::string_view atom, std::string words) {
  return {Errc::invalid_argument, std::move(words), encode_term(Term::atom(atom))};
}

}  // namespace

Result<ChildMapping> ChildMapping::read(const Term& options) {
  ChildMapping mapping;
  const Term* given = options.get("child_mapping");
  if (!given) return mapping;
  const auto* entries = given->as_map();
  if (!entries)
    return bad_mapping("invalid_child_mapping",
                       "option child_mapping: must be a map of ids to lists of nodes");
  mapping.given_ = true;
  for (const auto& [key, nodes] : *entries) {
    auto id = ChildId::from_term(key);
    if (!id || !nodes.as_list())
      return bad_mapping("invalid_child_mapping",
                         "option child_mapping: must map ids to lists of nodes, not " + to_string(key, 100) +
                             " to " + to_string(nodes, 100));
    mapping.nodes_.insert_or_assign(std::move(*id), nodes);
  }
  return mapping;
}

ChildMapping ChildMapping::of(const std::map<Id, std::vector<NodeName>>& given) {
  ChildMapping mapping;
  mapping.given_ = !given.empty();
  for (const auto& [id, nodes] : given) {
    std::vector<Term> names;
    for (const NodeName& node : nodes) names.emplace_back(node);
    // What is no id is no child of the request either.
    if (auto child = ChildId::of(id)) mapping.nodes_.emplace(*child, Term::list(std::move(names)));
  }
  return mapping;
}

Result<core::SpecPtr> ChildMapping::apply(const ChildId& id, const core::SpecPtr& spec) const {
  if (!given_) return spec;
  const auto found = nodes_.find(id);
  if (found != nodes_.end()) {
    auto made = with_mapping(spec, found->second);
    if (!made) return bad_mapping("invalid_child_mapping", made.error().message);
    return made;
  }
  if (!spec->extras->mapping.empty()) return spec;
  return bad_mapping("child_mapping_mismatch",
                     fmt::format("option child_mapping: says nothing of the child '{}'", id.text()));
}

}  // namespace brood::supervisor
