#include "core/placement/guided.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/placement/built_in.hpp"
#include "core/placement/rendezvous.hpp"

namespace brood::core {
namespace {

class GuidedRing final : public Ring {
 public:
  explicit GuidedRing(std::vector<RingNode> nodes)
      : rendezvous_(rendezvous_ring(nodes)), nodes_(std::move(nodes)) {}

  [[nodiscard]] std::size_t first(const RingKey& key) const override {
    if (key.mapping.empty()) return rendezvous_->first(key);
    for (const NodeName& name : key.mapping)
      if (const std::size_t index = find(name); index != nowhere) return index;
    return nowhere;
  }

  [[nodiscard]] std::vector<std::size_t> order(const RingKey& key) const override {
    if (key.mapping.empty()) return rendezvous_->order(key);
    std::vector<std::size_t> result;
    for (const NodeName& name : key.mapping)
      if (const std::size_t index = find(name); index != nowhere) result.push_back(index);
    return result;
  }

 private:
  [[nodiscard]] std::size_t find(const NodeName& name) const {
    const auto at =
        std::lower_bound(nodes_.begin(), nodes_.end(), name,
                         [](const RingNode& node, const NodeName& other) { return node.name < other; });
    if (at == nodes_.end() || at->name != name) return nowhere;
    return static_cast<std::size_t>(at - nodes_.begin());
  }

  std::shared_ptr<const Ring> rendezvous_;
  std::vector<RingNode> nodes_;
};

Error refusal(std::string_view atom, std::string words) {
  return {Errc::invalid_argument, std::move(words), encode_term(Term::atom(atom))};
}

}  // namespace

std::shared_ptr<const Ring> Guided::prepare(std::vector<RingNode> nodes) const {
  return std::make_shared<GuidedRing>(std::move(nodes));
}

Result<void> Guided::accepts(const RingKey& child, std::size_t instances) const {
  if (child.mapping.empty())
    return refusal("missing_child_mapping",
                   "guided distribution: the child has no mapping; name the node that runs it");
  if (child.mapping.size() != instances)
    return refusal(
        "child_replication_mismatch",
        fmt::format("guided distribution: the child's mapping names {} nodes, and {} run an instance of it",
                    child.mapping.size(), instances));
  return {};
}

std::shared_ptr<const Distribution> make_guided(SettingsReader& /*settings*/) {
  return std::make_shared<Guided>();
}

}  // namespace brood::core
