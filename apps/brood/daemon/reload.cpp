#include "apps/brood/daemon/reload.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "apps/brood/fleet/fleet_file.hpp"
#include "process/log/log.hpp"
#include "supervisor/driver/fleet.hpp"
#include "supervisor/driver/specs.hpp"

namespace brood::app {
namespace {

constexpr std::chrono::milliseconds apply_timeout{60000};

Result<fleet::FleetFile> read(const std::string& path) {
  auto file = fleet::load_fleet(path);
  if (file) return std::move(*file);
  return Error{Errc::invalid_argument, file.error().front().text(path)};
}

Result<std::vector<core::NamedSpec>> specs_of(const SupervisorOptions& options, supervisor::NodeImpl& node) {
  std::vector<core::NamedSpec> specs;
  for (const auto& child : options.children) {
    auto spec = supervisor::core_spec(child, node);
    if (!spec) return spec.error();
    specs.push_back(supervisor::as_static(*spec));
  }
  return specs;
}

void apply(const std::shared_ptr<supervisor::Driver>& driver, const std::vector<core::NamedSpec>& file) {
  using supervisor::FleetAction;
  std::vector<supervisor::FleetChild> now;
  driver->registry().for_each([&](const ChildId& id, const supervisor::Entry& entry) {
    if (entry.spec) now.push_back({id, entry.spec, entry.wanted, entry.failed});
  });
  const auto plan = supervisor::plan_fleet(now, file, {});
  std::vector<core::NamedSpec> puts;
  std::vector<ChildId> retries;
  std::size_t left_alone = 0;
  for (const auto& step : plan.steps) {
    if (step.action == FleetAction::extra) ++left_alone;
    if (!supervisor::is_change(step.action)) continue;
    if (step.action == FleetAction::retry)
      retries.push_back(step.id);
    else if (step.spec)
      puts.push_back({step.id, step.spec});
  }
  log::info("{}: {} of {} children in the file are new or changed{}{}", driver->name(), puts.size(),
            file.size(),
            retries.empty() ? "" : fmt::format("; {} that failed are tried again", retries.size()),
            left_alone == 0
                ? ""
                : fmt::format("; {} that it no longer has run on, until `brood apply --prune`", left_alone));
  const auto told = [name = driver->name()](const supervisor::Outcomes& outcomes, bool timed_out) {
    std::size_t failed = 0;
    for (const auto& outcome : outcomes) {
      if (!outcome.error) continue;
      if (++failed <= 10)
        log::warn("{}: could not apply {}: {}", name, outcome.id.text(), outcome.error->message);
    }
    log::info("{}: applied {} of {} in the file{}", name, outcomes.size() - failed, outcomes.size(),
              timed_out ? "; others did not answer in time" : "");
  };
  if (!puts.empty())
    driver->start({.mode = core::StartMode::apply, .timeout = apply_timeout}, std::move(puts), told);
  for (const ChildId& id : retries) driver->retry(id, apply_timeout, told);
}

// Children of the file that the cluster has with another spec.
std::vector<std::string> others_in_cluster(const supervisor::Driver& driver,
                                           const std::vector<core::NamedSpec>& file) {
  std::vector<supervisor::FleetChild> now;
  driver.registry().for_each([&](const ChildId& id, const supervisor::Entry& entry) {
    if (entry.spec) now.push_back({id, entry.spec, entry.wanted, entry.failed});
  });
  std::vector<std::string> out;
  for (const auto& step : supervisor::plan_fleet(now, file, {}).steps) {
    using supervisor::FleetAction;
    if (step.action == FleetAction::replace || step.action == FleetAction::update)
      out.push_back(step.id.text());
  }
  return out;
}

}  // namespace

void say_what_differs(supervisor::NodeImpl& node, const std::string& path) {
  constexpr std::size_t shown = 5;
  const auto file = read(path);
  if (!file) return;
  for (const auto& options : file->supervisors) {
    const auto driver = node.find(options.name);
    const auto specs = specs_of(options, node);
    if (!driver || !specs) continue;
    auto ids = others_in_cluster(*driver, *specs);
    if (ids.empty()) continue;
    const auto all = ids.size();
    ids.resize(std::min(all, shown));
    log::warn(
        "{}: {} of {} children of this node's file are others in the cluster, which counts: {}{}; `brood "
        "apply {}` brings in those of the file",
        options.name, all, specs->size(), fmt::join(ids, ", "),
        all > shown ? fmt::format(" and {} more", all - shown) : "", path);
  }
}

Result<supervisor::NodeImpl::FileCommands> commands_of(supervisor::NodeImpl& node, const std::string& path) {
  const auto file = read(path);
  if (!file) return file.error();
  supervisor::NodeImpl::FileCommands out;
  for (const auto& options : file->supervisors) {
    const auto specs = specs_of(options, node);
    if (!specs) return specs.error();
    auto& tokens = out[options.name];
    for (const auto& spec : *specs) {
      if (spec->is_program()) tokens.insert(spec->needs);
    }
  }
  return out;
}

void apply_own_file(supervisor::NodeImpl& node, const std::string& path) {
  const auto file = read(path);
  if (!file) return log::error("{} is not applied: {}", path, file.error().message);
  log::info("reading {} again; its [node] section counts from the next start of the node on", path);
  if (auto trusted = node.reload(); !trusted)
    return log::error("{} is not applied: {}", path, trusted.error().message);
  for (const auto& options : file->supervisors) {
    const auto driver = node.find(options.name);
    if (!driver) {
      log::warn("supervisor {} in {} is new: it begins with the next start of the node", options.name, path);
      continue;
    }
    const auto specs = specs_of(options, node);
    if (specs) apply(driver, *specs);
  }
}

}  // namespace brood::app
