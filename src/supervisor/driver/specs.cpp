#include "supervisor/driver/specs.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "core/placement/placement.hpp"
#include "exec/command.hpp"
#include "process/local/spec_terms.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"

namespace brood::supervisor {

namespace {

Error bad(std::string_view key, std::string_view what) {
  return {Errc::invalid_argument, fmt::format("child spec, {}: {}", key, what)};
}

constexpr std::chrono::milliseconds pace_longest = std::chrono::hours{24};

Result<void> check_pace(const core::Pace& pace) {
  const auto fine = [](const std::optional<std::chrono::milliseconds>& time) {
    return !time || (time->count() >= 0 && *time <= pace_longest);
  };
  constexpr const char* range = "must be 0 to 86400000 milliseconds";
  if (!fine(pace.start_period)) return bad("start_period_ms", range);
  if (!fine(pace.backoff_first)) return bad("backoff_ms", range);
  if (!fine(pace.backoff_max)) return bad("backoff_max_ms", range);
  constexpr std::uint32_t rounds_most = 1'000'000;
  if (pace.rounds_max.value_or(0) > rounds_most) return bad("give_up_after", "must be 0 to 1000000");
  if (pace.backoff_first && pace.backoff_max && *pace.backoff_first > *pace.backoff_max)
    return Error{Errc::invalid_argument, fmt::format("backoff_ms {} is more than backoff_max_ms {}",
                                                     pace.backoff_first->count(), pace.backoff_max->count())};
  return {};
}

/// What a node must know to run it. A local supervisor's start arguments are checked here, where whoever asks
/// for it is told what is wrong with them.
Result<std::string> needs_of(const core::Spec& spec) {
  if (spec.is_program()) return command_token(spec.args);
  if (spec.worker != supervisor_worker) return spec.worker;
  const auto read = process::read_supervisor(spec.args);
  if (!read) return bad("start", read.error().message);
  std::string needs(supervisor_worker);
  for (const std::string& worker : process::workers_of(*read))
    if (worker != supervisor_worker) needs += ":" + worker;
  return needs;
}

/// Fills in what follows from the rest and checks the sizes.
Result<core::SpecPtr> finish(core::Spec spec) {
  constexpr std::size_t args_max = 16 * 1024 * 1024;
  constexpr std::size_t metadata_max = 1024 * 1024;
  if (spec.args.size() > args_max) return Error{Errc::limit_exceeded, "child spec, args: larger than 16 MiB"};
  if (spec.metadata.size() > metadata_max) {
    return Error{Errc::limit_exceeded, "child spec, metadata: larger than 1 MiB"};
  }
  // What no node could read again would be lost in silence.
  if (!spec.metadata.empty()) {
    if (const auto read = decode_term(spec.metadata); !read)
      return Error{Errc::malformed, "child spec, metadata: " + read.error().message};
  }
  if (spec.starts_before_stop() && !spec.is_program())
    return bad("start_before_stop",
               "is for programs; a worker's state goes with it (hot_swap), one at a time");
  spec.extras.settle();
  const auto& mapping = spec.extras->mapping;
  const auto& nodes = spec.extras->nodes;
  const auto is_allowed = [&](const NodeName& name) {
    return std::find(nodes.begin(), nodes.end(), name) != nodes.end();
  };
  if (!mapping.empty() && !nodes.empty() && std::none_of(mapping.begin(), mapping.end(), is_allowed))
    return bad("mapping", "none of these nodes is among `nodes`, so that no node could run it");
  if (auto fine = check_pace(spec.extras->pace); !fine) return fine.error();
  auto needs = needs_of(spec);
  if (!needs) return needs.error();
  spec.needs = *std::move(needs);
  return std::make_shared<const core::Spec>(std::move(spec));
}

Result<void> set_command(core::Spec& spec, const exec::Command& command) {
  if (auto valid = exec::validate(command); !valid) return valid;
  spec.worker = "exec";
  spec.args = encode_term(exec::to_term(command)).octets();
  return {};
}

Result<void> set_metadata(core::Spec& spec, const Term& metadata) {
  if (!metadata.as_map()) return bad("metadata", "must be a map");
  if (const Term* tag = metadata.get("tag")) {
    auto text = tag->text();
    if (!text) return bad("metadata", "the value of `tag` must be text");
    spec.extras.change().tag = std::move(*text);
  }
  if (!metadata.as_map()->empty()) spec.metadata = encode_term(metadata).octets();
  return {};
}

Result<void> add_node(std::vector<NodeName>& to, std::string_view key, const std::string& name) {
  auto address = parse_node_address(name);
  if (!address) return bad(key, address.error().message);
  if (key == "mapping" && std::find(to.begin(), to.end(), address->name) != to.end())
    return bad(key, address->name.text() + " is there twice");
  to.push_back(address->name);
  return {};
}

Result<ChildId> id_of(const Term& term) {
  auto id = ChildId::from_term(term);
  if (!id) return bad("id", id.error().message);
  return id;
}

Result<void> read_start(core::Spec& spec, const Term& start) {
  std::optional<std::string> worker = start.as_atom() || start.as_binary() ? start.text() : std::nullopt;
  Term arguments;
  if (const auto* pair = start.as_tuple(); pair && pair->size() == 2) {
    worker = (*pair)[0].text();
    arguments = (*pair)[1];
  } else if (pair && pair->size() == 3) {
    // OTP's {Module, Function, Args}: the module names the worker.
    worker = (*pair)[0].text();
    arguments = (*pair)[2];
  }
  if (!worker || worker->empty()) return bad("start", "must be {Worker, Args}, not " + to_string(start, 200));
  if (*worker == "exec") {
    auto command = exec::command_from_term(arguments);
    if (!command) return bad("start", command.error().message);
    return set_command(spec, *command);
  }
  if (!arguments.as_list())
    return bad("start", "the arguments must be a list, not " + to_string(arguments, 200));
  spec.worker = std::move(*worker);
  if (!arguments.as_list()->empty()) spec.args = encode_term(arguments).octets();
  return {};
}

Result<void> read_restart(core::Spec& spec, const Term& value) {
  if (value.is_atom("permanent")) {
    spec.restart = core::Restart::permanent;
  } else if (value.is_atom("transient")) {
    spec.restart = core::Restart::transient;
  } else if (value.is_atom("temporary")) {
    spec.restart = core::Restart::temporary;
  } else {
    return bad("restart", "must be permanent, transient or temporary, not " + to_string(value, 100));
  }
  return {};
}

constexpr std::int64_t shutdown_longest = 1000LL * 3600 * 24 * 365;

Result<void> read_shutdown(core::Spec& spec, const Term& value) {
  if (value.is_atom("infinity")) {
    spec.shutdown.infinity = true;
  } else if (value.is_atom("brutal_kill")) {
    spec.shutdown.patience = std::chrono::milliseconds(0);
  } else if (const auto* number = value.as_integer(); number && *number >= 0 && *number <= shutdown_longest) {
    spec.shutdown.patience = std::chrono::milliseconds(*number);
  } else {
    return bad("shutdown", "must be milliseconds, brutal_kill or infinity, not " + to_string(value, 100));
  }
  return {};
}

constexpr std::int64_t ready_longest = 1000LL * 3600 * 24;

Result<void> read_ready(core::Spec& spec, const Term& value) {
  if (value.is_atom("false")) {
    spec.extras.change().ready_within = {};
  } else if (value.is_atom("true")) {
    spec.extras.change().ready_within = brood::Command{}.ready_timeout;
  } else if (const auto* number = value.as_integer(); number && *number > 0 && *number <= ready_longest) {
    spec.extras.change().ready_within = std::chrono::milliseconds(*number);
  } else {
    return bad(
        "start_before_stop",
        "must be true, false, or how long the new one may take to be ready, 1 to 86400000 milliseconds, "
        "not " +
            to_string(value, 100));
  }
  return {};
}

Result<void> read_nodes(std::vector<NodeName>& into, std::string_view key, const Term& value) {
  const auto* list = value.as_list();
  if (!list) return bad(key, "must be a list of node names");
  into.clear();
  for (const Term& item : *list) {
    auto text = item.text();
    if (!text) return bad(key, to_string(item, 100) + " is not a node name");
    if (auto added = add_node(into, key, *text); !added) return added;
  }
  return {};
}

Result<std::chrono::milliseconds> time_of(std::string_view key, const Term& value) {
  const auto* number = value.as_integer();
  if (!number || *number < 0 || *number > pace_longest.count())
    return bad(key, "must be 0 to 86400000 milliseconds, not " + to_string(value, 100));
  return std::chrono::milliseconds(*number);
}

Result<void> read_pace(core::Pace& pace, const std::string& key, const Term& value) {
  if (key == "give_up_after") {
    const auto* rounds = value.as_integer();
    if (!rounds || *rounds < 0 || *rounds > INT32_MAX)
      return bad(key, "must be 0 to 1000000, not " + to_string(value, 100));
    pace.rounds_max = static_cast<std::uint32_t>(*rounds);
    return {};
  }
  const auto time = time_of(key, value);
  if (!time) return time.error();
  if (key == "start_period_ms") pace.start_period = *time;
  if (key == "backoff_ms") pace.backoff_first = *time;
  if (key == "backoff_max_ms") pace.backoff_max = *time;
  return {};
}

Result<void> add_after(core::Spec& spec, const Term& id) {
  auto other = ChildId::from_term(id);
  if (!other) return bad("after", other.error().message);
  if (std::find(spec.extras->after.begin(), spec.extras->after.end(), *other) == spec.extras->after.end())
    spec.extras.change().after.push_back(std::move(*other));
  return {};
}

Result<void> read_after(core::Spec& spec, const Term& value) {
  const auto* ids = value.as_list();
  if (!ids) return bad("after", "must be a list of ids, not " + to_string(value, 100));
  spec.extras.change().after.clear();
  for (const Term& id : *ids)
    if (auto added = add_after(spec, id); !added) return added;
  return {};
}

Result<void> read_type(core::Spec& spec, const Term& value) {
  if (value.is_atom("worker") || value.is_atom("supervisor")) {
    spec.extras.change().is_supervisor = value.is_atom("supervisor");
    return {};
  }
  return bad("type", "must be worker or supervisor, not " + to_string(value, 100));
}

/// The distributed supervisor has no auto_shutdown, and OTP refuses that combination.
Result<void> read_significant(const Term& value) {
  if (value.is_atom("false")) return {};
  if (value.is_atom("true"))
    return bad(
        "significant",
        "true needs auto_shutdown, and a distributed supervisor does not end by itself (its auto_shutdown "
        "is never); a child of type supervisor may, and its own children may be significant");
  return bad("significant", "must be true or false, not " + to_string(value, 100));
}

Result<void> read_key(ChildId& id, core::Spec& spec, const std::string& key, const Term& value) {
  if (key == "start") return read_start(spec, value);
  if (key == "restart") return read_restart(spec, value);
  if (key == "shutdown") return read_shutdown(spec, value);
  if (key == "metadata") return set_metadata(spec, value);
  if (key == "nodes") return read_nodes(spec.extras.change().nodes, key, value);
  if (key == "mapping") return read_nodes(spec.extras.change().mapping, key, value);
  if (key == "start_before_stop") return read_ready(spec, value);
  if (key == "after") return read_after(spec, value);
  if (std::find(added_keys().begin(), added_keys().end(), key) != added_keys().end())
    return read_pace(spec.extras.change().pace, key, value);
  if (key == "type") return read_type(spec, value);
  if (key == "significant") return read_significant(value);
  if (key == "modules") return {};  // of OTP: without a meaning here
  if (key == "id") {
    auto read = id_of(value);
    if (!read) return read.error();
    id = std::move(*read);
    return {};
  }
  return bad(
      key,
      "unknown key; allowed: id, start, restart, shutdown, metadata, nodes, mapping, start_before_stop, "
      "start_period_ms, backoff_ms, backoff_max_ms, give_up_after, after, type, significant, modules");
}

core::Restart core_restart(Restart restart) {
  switch (restart) {
    case Restart::permanent:
      return core::Restart::permanent;
    case Restart::transient:
      return core::Restart::transient;
    case Restart::temporary:
      return core::Restart::temporary;
  }
  return core::Restart::permanent;
}

Result<void> set_run(core::Spec& spec, const WorkerSpec& worker) {
  if (worker.name == "exec") return bad("run", "\"exec\" is no worker; a program is a brood::Command");
  spec.worker = worker.name;
  spec.args = worker.args.octets();
  return {};
}

Result<void> set_run(core::Spec& spec, const SupervisorSpec& supervisor) {
  return set_run(spec, WorkerSpec{std::string(supervisor_worker), supervisor.args()});
}

Result<void> set_run(core::Spec& spec, const brood::Command& program) {
  exec::Command command;
  command.argv = program.argv;
  if (program.cwd) command.cwd = *program.cwd;
  command.env = program.env;
  if (program.stop_signal) command.stop_signal = *program.stop_signal;
  command.options = program.options;
  if (auto set = set_command(spec, command); !set) return set;
  if (!program.start_before_stop) return {};
  if (program.ready_timeout.count() < 1 || program.ready_timeout.count() > ready_longest)
    return bad("ready_timeout", "must be 1 to 86400000 milliseconds");
  spec.extras.change().ready_within = program.ready_timeout;
  return {};
}

}  // namespace

Result<core::NamedSpec> named(ChildId id, Result<core::SpecPtr> spec) {
  if (!spec) return spec.error();
  return core::NamedSpec{std::move(id), *std::move(spec)};
}

core::NamedSpec as_static(const core::NamedSpec& child) {
  auto made = std::make_shared<core::Spec>(*child);
  made->is_static = true;
  return {child.id, std::move(made)};
}

Result<core::SpecPtr> with_mapping(const core::SpecPtr& spec, const Term& nodes) {
  auto made = std::make_shared<core::Spec>(*spec);
  if (auto read = read_nodes(made->extras.change().mapping, "mapping", nodes); !read) return read.error();
  return core::SpecPtr(std::move(made));
}

Result<core::SpecPtr> with_metadata(const core::SpecPtr& spec, const Term& metadata) {
  core::Spec made = *spec;
  made.metadata.clear();
  made.extras.change().tag.clear();
  if (auto set = set_metadata(made, metadata); !set) return set.error();
  return finish(std::move(made));
}

Result<core::SpecPtr> with_changed_metadata(const core::SpecPtr& spec, const Term& metadata) {
  const Bytes before = spec->extras->metadata_before.value_or(spec->metadata);
  auto changed = with_metadata(spec, metadata);
  if (!changed) return changed;
  core::Spec made = **changed;
  auto& kept = made.extras.change().metadata_before;
  kept.reset();
  if (made.metadata != before) kept = before;
  made.extras.settle();
  return std::make_shared<const core::Spec>(std::move(made));
}

Result<core::SpecPtr> with_defaults(const core::SpecPtr& spec, const Term& metadata) {
  const auto* defaults = metadata.as_map();
  if (!defaults) return Error{Errc::invalid_argument, "option metadata: must be a map"};
  if (defaults->empty()) return spec;
  auto entries = *defaults;
  const Term own = metadata_of(*spec);
  entries.insert(entries.end(), own.as_map()->begin(), own.as_map()->end());  // later ones win
  return with_metadata(spec, Term::map(std::move(entries)));
}

Term metadata_of(const core::Spec& spec) {
  auto term = spec.metadata.empty() ? Result<Term>(Term::map({})) : decode_term(spec.metadata);
  return term && term->as_map() ? *term : Term::map({});
}

std::string command_token(BytesView encoded_command) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const int done =
      EVP_Digest(encoded_command.data(), encoded_command.size(), digest.data(), &size, EVP_sha256(), nullptr);
  BROOD_CHECK(done == 1, "SHA-256 is always there");
  std::string token = "exec:";
  for (unsigned i = 0; i < size; ++i) token += fmt::format("{:02x}", digest[i]);
  return token;
}

namespace {

Result<core::SpecPtr> spec_of(const ChildSpec& child, const ChildId& id) {
  core::Spec spec;
  if (const auto* worker = std::get_if<WorkerSpec>(&child.run); worker != nullptr && worker->name.empty())
    return bad("run",
               fmt::format("child '{}' names nothing to run: neither a worker nor a command", id.text()));
  if (auto set = std::visit([&](const auto& run) { return set_run(spec, run); }, child.run); !set)
    return set.error();
  if (child.type() == ChildType::supervisor) spec.extras.change().is_supervisor = true;
  spec.restart = core_restart(child.restart);
  const core::Pace pace{child.start_period, child.backoff, child.backoff_max, child.give_up_after};
  if (pace != core::Pace{}) spec.extras.change().pace = pace;
  for (const Id& other : child.after)
    if (auto added = add_after(spec, other.term()); !added) return added.error();
  const Shutdown shutdown = child.shutdown.of(child.type());
  if (shutdown.patience->count() < 0 || shutdown.patience->count() > shutdown_longest)
    return bad("shutdown", "must be 0 to 31536000000 milliseconds, or infinity");
  spec.shutdown = {*shutdown.patience, shutdown.infinity};
  Term metadata = child.metadata;
  if (!child.tag.empty()) {
    auto entries = metadata.as_map() ? *metadata.as_map() : std::vector<std::pair<Term, Term>>{};
    entries.emplace_back(Term::atom("tag"), Term::binary(child.tag));
    metadata = Term::map(std::move(entries));
  }
  if (auto set = set_metadata(spec, metadata); !set) return set.error();
  for (const NodeName& name : child.nodes) {
    if (auto added = add_node(spec.extras.change().nodes, "nodes", name.text()); !added) return added.error();
  }
  for (const NodeName& name : child.mapping) {
    if (auto added = add_node(spec.extras.change().mapping, "mapping", name.text()); !added)
      return added.error();
  }
  return finish(std::move(spec));
}

}  // namespace

Result<core::NamedSpec> core_spec(const ChildSpec& child, NodeImpl& node) {
  auto id = child.id ? id_of(child.id->term()) : Result<ChildId>(node.unique_id());
  if (!id) return id.error();
  auto spec = spec_of(child, *id);
  return named(*std::move(id), std::move(spec));
}

std::function<Result<void>(const ChildSpec&)> spec_check(const Strategies& chosen) {
  auto strategies = core::make_strategies(chosen);
  if (!strategies) return [](const ChildSpec&) { return Result<void>(); };  // that is said elsewhere
  return [strategies = *std::move(strategies)](const ChildSpec& child) -> Result<void> {
    const auto id = child.id ? id_of(child.id->term()) : ChildId::binary("one of its own");
    if (!id) return id.error();
    const auto spec = spec_of(child, *id);
    if (!spec) return spec.error();
    return core::accepts(strategies, *id, **spec);
  };
}

std::optional<Term> from_property_list(const Term& term) {
  constexpr std::size_t most = 64;
  const auto* list = term.as_list();
  if (!list || list->size() > most) return std::nullopt;
  std::vector<std::pair<Term, Term>> entries;
  for (const Term& item : *list) {
    const auto* pair = item.as_tuple();
    const bool is_pair = pair && pair->size() == 2 && pair->front().as_atom();
    const bool is_flag = item.as_atom() != nullptr;  // as proplists has it
    if (!is_pair && !is_flag) return std::nullopt;
    const Term& key = is_pair ? pair->front() : item;
    // Of two with one key the first counts.
    if (std::any_of(entries.begin(), entries.end(), [&](const auto& one) { return one.first == key; }))
      continue;
    entries.emplace_back(key, is_pair ? pair->back() : Term(true));
  }
  return Term::map(std::move(entries));
}

Result<core::NamedSpec> core_spec(const Term& given, NodeImpl& node) {
  ChildId id;
  core::Spec spec;
  const Term term = from_property_list(given).value_or(given);
  const auto* entries = term.as_map();
  if (!entries) {
    // A worker alone, or {Worker, Args}.
    if (auto start = read_start(spec, term); !start) return start.error();
    if (spec.worker == supervisor_worker) spec.extras.change().is_supervisor = spec.shutdown.infinity = true;
  } else {
    for (const auto& [key, value] : *entries) {
      if (!key.as_atom()) return bad(to_string(key, 100), "keys must be atoms");
      if (auto read = read_key(id, spec, key.as_atom()->name, value); !read) return read.error();
    }
    if (spec.worker.empty()) return bad("start", "missing; it says what to run: {Worker, Args}");
    if (spec.worker == supervisor_worker && !term.get("type")) spec.extras.change().is_supervisor = true;
    if (spec.extras->is_supervisor && !term.get("shutdown")) spec.shutdown.infinity = true;
  }
  if (id.empty()) id = node.unique_id();
  return named(std::move(id), finish(std::move(spec)));
}

Term args_term(const core::Spec& spec) {
  if (spec.args.empty()) return Term::list({});
  auto term = decode_term(spec.args);
  return term ? *term : Term::atom("undefined");
}

Result<void> check_pace(const ChildSpec& spec) {
  return check_pace(core::Pace{spec.start_period, spec.backoff, spec.backoff_max, spec.give_up_after});
}

namespace {

Term names_term(const std::vector<NodeName>& names) {
  std::vector<Term> terms;
  for (const NodeName& name : names) terms.emplace_back(name);
  return Term::list(std::move(terms));
}

std::pair<Term, Term> ready_entry(const core::Spec& spec) {
  return {Term::atom("start_before_stop"), Term(std::int64_t{spec.extras->ready_within.count()})};
}

}  // namespace

const std::vector<std::string>& added_keys() {
  static const std::vector<std::string> keys{"start_period_ms", "backoff_ms", "backoff_max_ms",
                                             "give_up_after", "after"};
  return keys;
}

std::vector<std::pair<Term, Term>> added_entries(const core::Spec& spec) {
  std::vector<std::pair<Term, Term>> entries;
  const auto add = [&](const char* key, const std::optional<std::chrono::milliseconds>& time) {
    if (time) entries.emplace_back(Term::atom(key), Term(std::int64_t{time->count()}));
  };
  if (spec.extras->pace.start_period.count() > 0) add("start_period_ms", spec.extras->pace.start_period);
  add("backoff_ms", spec.extras->pace.backoff_first);
  add("backoff_max_ms", spec.extras->pace.backoff_max);
  if (const auto rounds = spec.extras->pace.rounds_max)
    entries.emplace_back(Term::atom("give_up_after"), Term(*rounds));
  if (!spec.extras->after.empty()) {
    std::vector<Term> ids;
    for (const ChildId& id : spec.extras->after) ids.push_back(id.to_term());
    entries.emplace_back(Term::atom("after"), Term::list(std::move(ids)));
  }
  return entries;
}

std::vector<std::pair<Term, Term>> own_entries(const core::Spec& spec) {
  std::vector<std::pair<Term, Term>> entries;
  if (!spec.extras->nodes.empty()) entries.emplace_back(Term::atom("nodes"), names_term(spec.extras->nodes));
  if (!spec.extras->mapping.empty())
    entries.emplace_back(Term::atom("mapping"), names_term(spec.extras->mapping));
  auto metadata = *metadata_of(spec).as_map();
  std::erase_if(metadata, [](const auto& entry) { return entry.first.is_atom("tag"); });
  if (!metadata.empty()) entries.emplace_back(Term::atom("metadata"), Term::map(std::move(metadata)));
  if (spec.starts_before_stop()) entries.push_back(ready_entry(spec));
  return entries;
}

Term spec_term(const ChildId& id, const core::Spec& spec) {
  Term shutdown = spec.shutdown.infinity                ? Term::atom("infinity")
                  : spec.shutdown.patience.count() == 0 ? Term::atom("brutal_kill")
                                                        : Term(std::int64_t{spec.shutdown.patience.count()});
  std::vector<std::pair<Term, Term>> map = {
      {Term::atom("id"), id.to_term()},
      {Term::atom("start"), Term::tuple({Term::atom(spec.worker), args_term(spec)})},
      {Term::atom("restart"), Term::atom(core::to_string(spec.restart))},
      {Term::atom("shutdown"), std::move(shutdown)},
      {Term::atom("metadata"), metadata_of(spec)},
      {Term::atom("nodes"), names_term(spec.extras->nodes)},
  };
  if (spec.starts_before_stop()) map.push_back(ready_entry(spec));
  if (!spec.extras->mapping.empty())
    map.emplace_back(Term::atom("mapping"), names_term(spec.extras->mapping));
  if (spec.extras->is_supervisor) map.emplace_back(Term::atom("type"), Term::atom("supervisor"));
  for (auto& entry : added_entries(spec)) map.push_back(std::move(entry));
  return Term::map(std::move(map));
}

}  // namespace brood::supervisor
