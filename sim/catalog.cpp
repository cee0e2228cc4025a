#include "sim/catalog.hpp"

#include <fmt/format.h>

#include <array>

namespace brood::sim {
using namespace std::chrono_literals;

std::string_view to_string(Kind kind) noexcept {
  constexpr std::array<std::string_view, 9> names{"steady",   "slow",      "unstartable", "flaky", "looping",
                                                  "crashing", "finishing", "poison",      "stuck"};
  return names[static_cast<std::size_t>(kind)];
}

Catalog::Catalog(const Profile& profile, Random random)
    : nodes_(profile.nodes), guided_(profile.distribution == "guided") {
  for (std::uint32_t i = 0; i < profile.children; ++i) {
    Character character = draw(profile, random);
    const std::string name =
        fmt::format("{}{}-{}", character.is_static ? "s" : "", to_string(character.kind), i);
    const ChildId id = *(random.chance(100) ? ChildId::atom(name) : ChildId::binary(name));
    ids_.push_back(id);
    if (character.is_static) static_ids_.push_back(id);
    characters_.emplace(id, std::move(character));
  }
}

Character Catalog::draw(const Profile& profile, Random& random) const {
  Character out;
  out.worker = "counter";
  if (profile.plain) return out;
  std::vector<Kind> odd;
  if (profile.has(Fault::slow)) odd.push_back(Kind::slow);
  if (profile.has(Fault::fail)) odd.insert(odd.end(), {Kind::unstartable, Kind::flaky});
  if (profile.has(Fault::loop)) odd.insert(odd.end(), {Kind::looping, Kind::crashing});
  if (profile.has(Fault::finish)) odd.push_back(Kind::finishing);
  if (profile.has(Fault::poison)) odd.push_back(Kind::poison);
  if (profile.has(Fault::stuck)) odd.push_back(Kind::stuck);
  if (!odd.empty() && random.chance(400)) out.kind = random.pick(odd);
  out.is_static = random.chance(300);
  out.obituary = random.chance(700);
  out.brutal = random.chance(200);
  if (profile.has(Fault::finish) && random.chance(300))
    out.restart = random.chance(500) ? core::Restart::transient : core::Restart::temporary;
  out.worker = random.chance(80) ? "rare" : random.chance(20) ? "unheard_of" : "counter";
  if (nodes_ > 1 && random.chance(80))
    out.nodes = {node_name(random.below(nodes_)), node_name(random.below(nodes_))};
  out.overlaps = out.kind != Kind::poison && out.kind != Kind::stuck && random.chance(60);
  if (guided_) {
    out.nodes.clear();
    out.mapping = {node_name(random.below(out.worker == "rare" ? (nodes_ + 1) / 2 : nodes_))};
  }
  return out;
}

core::NamedSpec Catalog::spec(const ChildId& id, std::uint32_t version) const {
  const Character& character = of(id);
  core::Spec spec;
  spec.worker = character.overlaps ? "exec" : character.worker;
  if (character.overlaps) spec.extras.change().ready_within = 5s;
  spec.args = encode_term(Term::list({Term(version)})).octets();
  spec.restart = character.restart;
  spec.shutdown.patience = character.brutal ? 0ms : 5000ms;
  if (!character.nodes.empty()) spec.extras.change().nodes = character.nodes;
  if (version == elsewhere && character.mapping.empty())
    spec.extras.change().nodes = {node_name(id.hash() % nodes_), node_name(id.hash() / nodes_ % nodes_)};
  if (!character.mapping.empty()) spec.extras.change().mapping = character.mapping;
  spec.needs = character.worker;
  spec.is_static = character.is_static;
  return {id, std::make_shared<const core::Spec>(std::move(spec))};
}

NodeName Catalog::node_name(std::size_t index) {
  return NodeName(fmt::format("n{}@sim", index + 1));
}

std::set<std::string> Catalog::offers(std::size_t index) const {
  std::set<std::string> out{"counter"};
  if (index < (nodes_ + 1) / 2) out.insert("rare");
  return out;
}

}  // namespace brood::sim
