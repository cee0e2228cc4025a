#include "supervisor/hooks/hook_terms.hpp"

#include <array>

#include "supervisor/driver/scores.hpp"
#include "supervisor/driver/specs.hpp"

namespace brood::supervisor {
namespace {

template <std::size_t... At>
constexpr std::array<std::string_view, sizeof...(At)> keys_of(std::index_sequence<At...>) {
  return {std::variant_alternative_t<At, HookEvent>::key...};
}
constexpr auto keys = keys_of(std::make_index_sequence<own_kind>());

Term node_term(const NodeName& node) {
  return node;
}

template <typename List, typename Make>
Term list_of(const List& list, const Make& make) {
  std::vector<Term> items;
  items.reserve(list.size());
  for (const auto& one : list) items.push_back(make(one));
  return Term::list(std::move(items));
}

Term term_of(const hooks::ChildData& child) {
  return Term::map({{Term::atom("id"), child.id.term()},
                    {Term::atom("worker"), Term::atom(child.worker)},
                    {Term::atom("args"), child.args},
                    {Term::atom("metadata"), child.metadata},
                    {Term::atom("nodes"), list_of(child.nodes, node_term)}});
}

Term pid_or_undefined(const std::optional<Pid>& pid) {
  return pid ? Term(*pid) : Term::atom("undefined");
}

Term result_of(const hooks::StartResult& result) {
  if (result.ok) return Term::atom("ok");
  return Term::tuple({Term::atom("error"), Term::binary(result.error)});
}

Term turn_term(bool up, const NodeName& node) {
  return Term::tuple({Term::atom(up ? "nodeup" : "nodedown"), node_term(node)});
}

struct Data {
  Term operator()(const hooks::PreClusterJoin& e) const { return node_term(e.node); }
  Term operator()(const hooks::PostClusterJoin& e) const { return node_term(e.node); }
  Term operator()(const hooks::PreClusterLeave& e) const { return node_term(e.node); }
  Term operator()(const hooks::PostClusterLeave& e) const {
    return Term::tuple({node_term(e.node), list_of(e.lost, [](const Id& id) { return id.term(); })});
  }
  Term operator()(const hooks::RegistryPidInsert& e) const {
    return Term::tuple({e.id.term(), list_of(e.pids, [](const auto& one) {
                          return Term::tuple({node_term(one.first), Term(one.second)});
                        })});
  }
  Term operator()(const hooks::RegistryPidRemove& e) const {
    return Term::tuple({e.id.term(), list_of(e.nodes, node_term)});
  }
  Term operator()(const hooks::ChildrenMigrated& e) const {
    return Term::tuple({node_term(e.to), list_of(e.children, term_of)});
  }
  Term operator()(const hooks::ForwardedMigration& e) const {
    return Term::list({Term::tuple({node_term(e.to), list_of(e.children, term_of)})});
  }
  Term operator()(const hooks::PriorityStateUpdated& e) const {
    return Term::tuple({Term(e.priority), e.locked
                                              ? Term::map({{Term::atom("local_priority_set"), Term(true)}})
                                              : Term::map({})});
  }
  Term operator()(const hooks::PreNodesRedistribution& e) const { return turn_term(e.up, e.node); }
  Term operator()(const hooks::PostNodesRedistribution& e) const { return turn_term(e.up, e.node); }
  Term operator()(const hooks::PreChildrenStart& e) const { return list_of(e.children, term_of); }
  Term operator()(const hooks::PostChildrenStart& e) const {
    return list_of(e.children, [](const hooks::StartResult& one) {
      return Term::tuple({one.child.id.term(), result_of(one), pid_or_undefined(one.pid),
                          list_of(one.child.nodes, node_term)});
    });
  }
  Term operator()(const hooks::PreChildrenRedistribution& e) const {
    Term children = list_of(e.children, [](const hooks::MovingChild& one) {
      std::vector<Term> options;
      if (one.pid) options.push_back(Term::tuple({Term::atom("pid"), Term(*one.pid)}));
      return Term::tuple({one.id.term(), Term::list({node_term(one.to)}), Term::list(std::move(options))});
    });
    return Term::tuple(
        {std::move(children), Term::tuple({Term::atom(e.up ? "up" : "down"), node_term(e.node)})});
  }
  Term operator()(const hooks::CoordinatorShutdown& e) const { return Term::atom(e.reason); }
  Term operator()(const hooks::ProcessStartups& e) const {
    return list_of(e.children, [](const hooks::StartResult& one) {
      return Term::map({{Term::atom("cid"), one.child.id.term()},
                        {Term::atom("pid"), pid_or_undefined(one.pid)},
                        {Term::atom("result"), result_of(one)},
                        {Term::atom("nodes"), list_of(one.child.nodes, node_term)},
                        {Term::atom("metadata"), one.child.metadata},
                        {Term::atom("has_errors"), Term(!one.ok)}});
    });
  }
  Term operator()(const hooks::ChildProcessPidUpdate& e) const {
    return Term::tuple({e.id.term(), node_term(e.node), Term(e.before), Term(e.after)});
  }
  Term operator()(const hooks::ScoreboardUpdated& e) const {
    return Term::tuple({scoreboard_term(e.before), node_term(e.node)});
  }
  Term operator()(const hooks::OwnEvent& e) const { return e.data; }
};

}  // namespace

std::optional<std::size_t> kind_of(std::string_view key) {
  if (key.ends_with("_hook")) key.remove_suffix(5);
  for (std::size_t kind = 0; kind < keys.size(); ++kind)
    if (keys[kind] == key) return kind;
  return std::nullopt;
}

std::string_view key_of(const HookEvent& event) {
  if (const auto* own = std::get_if<hooks::OwnEvent>(&event)) return own->key;
  return keys[event.index()];
}

Term data_term(const HookEvent& event) {
  return std::visit(Data{}, event);
}

hooks::ChildData child_data(const ChildId& id, const core::Spec& spec, std::vector<NodeName> nodes) {
  hooks::ChildData data{Id(id), spec.worker, args_term(spec), Term::map({}), std::move(nodes)};
  if (!spec.metadata.empty())
    if (auto metadata = decode_term(spec.metadata)) data.metadata = *std::move(metadata);
  return data;
}

}  // namespace brood::supervisor
