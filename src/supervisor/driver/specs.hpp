// Child specs in their three forms: the API's ChildSpec, the Erlang map of the requests, the core's Spec.
//
// Thread rule: pure functions (but for the unique id that a spec without one gets from the node).
#pragma once

#include <brood/supervisor.hpp>
#include <functional>
#include <optional>

#include "core/base/types.hpp"

namespace brood::supervisor {

class NodeImpl;

/// `invalid_argument` naming the key and what is allowed.
[[nodiscard]] Result<core::NamedSpec> core_spec(const ChildSpec& spec, NodeImpl& node);
/// Says of a spec what core_spec() or a supervisor with these strategies would refuse it for.
[[nodiscard]] std::function<Result<void>(const ChildSpec&)> spec_check(const Strategies& strategies);
/// `#{id, start => {Worker, Args}, restart, shutdown, metadata, nodes, mapping, start_before_stop,
/// start_period_ms, backoff_ms, backoff_max_ms, give_up_after, after, type, significant}`; Worker `exec`
/// takes a command's map, Worker `supervisor` what SupervisorSpec::args() says. A list of {Key, Value} is
/// such a map too.
[[nodiscard]] Result<core::NamedSpec> core_spec(const Term& spec, NodeImpl& node);
/// What Erlang calls a property list and Elixir a keyword list, as a map: of [{Key, Value} | Flag] with atoms
/// as keys the first of each. nullopt: it is none, or has more entries than anything here takes.
[[nodiscard]] std::optional<Term> from_property_list(const Term& term);
/// A spec that could be made, with the id of its child.
[[nodiscard]] Result<core::NamedSpec> named(ChildId id, Result<core::SpecPtr> spec);
/// The same child, as one of a file.
[[nodiscard]] core::NamedSpec as_static(const core::NamedSpec& child);
/// The spec with that list of nodes as its mapping.
[[nodiscard]] Result<core::SpecPtr> with_mapping(const core::SpecPtr& spec, const Term& nodes);
/// The spec with that metadata. invalid_argument: it is no map; limit_exceeded.
[[nodiscard]] Result<core::SpecPtr> with_metadata(const core::SpecPtr& spec, const Term& metadata);
/// The same of a child that was started before: it remembers with which metadata that was.
[[nodiscard]] Result<core::SpecPtr> with_changed_metadata(const core::SpecPtr& spec, const Term& metadata);
/// The spec with what it does not say itself of these; an empty map changes nothing.
[[nodiscard]] Result<core::SpecPtr> with_defaults(const core::SpecPtr& spec, const Term& metadata);
/// A map.
[[nodiscard]] Term metadata_of(const core::Spec& spec);
/// invalid_argument, where the times by which a child is started again do not go together.
[[nodiscard]] Result<void> check_pace(const ChildSpec& spec);
/// The keys of added_entries().
[[nodiscard]] const std::vector<std::string>& added_keys();
/// The options of a spec that are not its defaults, as entries of its map.
[[nodiscard]] std::vector<std::pair<Term, Term>> added_entries(const core::Spec& spec);
/// The rest of what a spec says for itself, which a list of many children leaves out: nodes, mapping,
/// metadata without its tag, start_before_stop.
[[nodiscard]] std::vector<std::pair<Term, Term>> own_entries(const core::Spec& spec);
[[nodiscard]] Term spec_term(const ChildId& id, const core::Spec& spec);
/// The spec's arguments as a term; the empty list when it has none.
[[nodiscard]] Term args_term(const core::Spec& spec);
/// What a node must offer to run this command: a secure hash of it, so that a node can tell the commands of
/// its own file from any other.
[[nodiscard]] std::string command_token(BytesView encoded_command);

}  // namespace brood::supervisor
