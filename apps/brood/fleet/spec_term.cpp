#include "apps/brood/fleet/spec_term.hpp"

#include "exec/options/options.hpp"

namespace brood::app {
namespace {

Term binaries(const std::vector<std::string>& texts) {
  std::vector<Term> items;
  items.reserve(texts.size());
  for (const auto& text : texts) items.push_back(Term::binary(text));
  return Term::list(std::move(items));
}

Term command_term(const Command& spec) {
  std::vector<std::pair<Term, Term>> command{{Term::atom("argv"), binaries(spec.argv)}};
  if (spec.cwd) command.emplace_back(Term::atom("cwd"), Term::binary(*spec.cwd));
  if (!spec.env.empty()) {
    std::vector<std::pair<Term, Term>> env;
    for (const auto& [name, value] : spec.env) env.emplace_back(Term::binary(name), Term::binary(value));
    command.emplace_back(Term::atom("env"), Term::map(std::move(env)));
  }
  if (spec.stop_signal) command.emplace_back(Term::atom("stop_signal"), Term(*spec.stop_signal));
  for (auto& entry : exec::option_entries(spec.options)) command.push_back(std::move(entry));
  return Term::map(std::move(command));
}

Term start_term(const Command& command) {
  return Term::tuple({Term::atom("exec"), command_term(command)});
}

Term start_term(const WorkerSpec& worker) {
  auto args = worker.args.empty() ? Result<Term>(Term::list({})) : decode_term(worker.args);
  BROOD_CHECK(args.has_value(), "a spec's arguments are encoded by us");
  return Term::tuple({Term::binary(worker.name), std::move(*args)});
}

Term start_term(const SupervisorSpec& supervisor) {
  return start_term(WorkerSpec{std::string(supervisor_worker), supervisor.args()});
}

Term shutdown_term(const Shutdown& shutdown) {
  if (shutdown.infinity) return Term::atom("infinity");
  if (shutdown.patience->count() == 0) return Term::atom("brutal_kill");
  return Term(static_cast<std::int64_t>(shutdown.patience->count()));
}

Term metadata_term(const ChildSpec& spec) {
  if (spec.tag.empty()) return spec.metadata;
  auto entries = *spec.metadata.as_map();
  entries.emplace_back(Term::atom("tag"), Term::binary(spec.tag));
  return Term::map(std::move(entries));
}

}  // namespace

std::string_view to_string(Restart restart) noexcept {
  switch (restart) {
    case Restart::transient:
      return "transient";
    case Restart::temporary:
      return "temporary";
    case Restart::permanent:
      break;
  }
  return "permanent";
}

Term spec_term(const ChildSpec& spec) {
  std::vector<std::pair<Term, Term>> out;
  if (spec.id) out.emplace_back(Term::atom("id"), spec.id->term());
  out.emplace_back(Term::atom("start"),
                   std::visit([](const auto& run) { return start_term(run); }, spec.run));
  out.emplace_back(Term::atom("restart"), Term::atom(to_string(spec.restart)));
  out.emplace_back(Term::atom("shutdown"), shutdown_term(spec.shutdown.of(spec.type())));
  out.emplace_back(Term::atom("metadata"), metadata_term(spec));
  if (const auto* command = std::get_if<Command>(&spec.run); command != nullptr && command->start_before_stop)
    out.emplace_back(Term::atom("start_before_stop"), Term(std::int64_t{command->ready_timeout.count()}));
  if (const auto* worker = std::get_if<WorkerSpec>(&spec.run);
      worker != nullptr && worker->type == ChildType::supervisor)
    out.emplace_back(Term::atom("type"), Term::atom("supervisor"));
  const auto add_time = [&](std::string_view key, const std::optional<std::chrono::milliseconds>& time) {
    if (time) out.emplace_back(Term::atom(key), Term(std::int64_t{time->count()}));
  };
  if (spec.start_period.count() > 0) add_time("start_period_ms", spec.start_period);
  add_time("backoff_ms", spec.backoff);
  add_time("backoff_max_ms", spec.backoff_max);
  if (spec.give_up_after) out.emplace_back(Term::atom("give_up_after"), Term(*spec.give_up_after));
  if (!spec.after.empty()) {
    std::vector<Term> ids;
    for (const auto& other : spec.after) ids.push_back(other.term());
    out.emplace_back(Term::atom("after"), Term::list(std::move(ids)));
  }
  const auto add_nodes = [&](std::string_view key, const std::vector<NodeName>& names) {
    if (names.empty()) return;
    std::vector<Term> nodes;
    for (const auto& node : names) nodes.emplace_back(node);
    out.emplace_back(Term::atom(key), Term::list(std::move(nodes)));
  };
  add_nodes("nodes", spec.nodes);
  add_nodes("mapping", spec.mapping);
  return Term::map(std::move(out));
}

}  // namespace brood::app
