// How a supervisor begins on this node, and how it ends before the node does.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>

#include "core/placement/placement.hpp"
#include "process/log/log.hpp"
#include "supervisor/driver/registry.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/driver/start_order.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

namespace {

/// Static children are put until they are there.
constexpr std::chrono::hours put_timeout(24);

void begin(const std::shared_ptr<Driver>& driver, std::vector<core::NamedSpec> specs) {
  driver->boot();
  if (specs.empty()) return;
  driver->start({.mode = core::StartMode::ensure, .timeout = put_timeout}, std::move(specs),
                [name = driver->name()](const Outcomes& outcomes, bool) {
                  for (const auto& outcome : outcomes) {
                    if (!outcome.error) continue;
                    log::warn("{}: static child {}: {}", name, outcome.id.text(), outcome.error->message);
                  }
                });
}

}  // namespace

Result<core::Settings> NodeImpl::settings_for(const SupervisorOptions& options) const {
  auto strategies = core::make_strategies(options.strategies);
  if (!strategies)
    return Error{strategies.error().code,
                 fmt::format("supervisor '{}': {}", options.name, strategies.error().message)};
  core::Settings settings;
  settings.strategies = *std::move(strategies);
  settings.supervisor = options.name;
  settings.self = name();
  settings.creation = creation();
  settings.join = seeds_.names();
  std::erase(settings.join, name());
  settings.discovers = network_.is_up() && !options_.discovery.empty();
  settings.weight = options.weight;
  auto ring_nodes = checked_names(options.nodes);
  if (!ring_nodes)
    return Error{ring_nodes.error().code,
                 fmt::format("supervisor '{}', nodes: {}", options.name, ring_nodes.error().message)};
  settings.ring_nodes = *std::move(ring_nodes);
  settings.fixed_ring = options.monitor_nodes == MonitorNodes::off;
  settings.offers = workers_.offers(options.name);
  settings.address = network_.own_address();
  settings.form_wait = options.form_wait;
  settings.expect = options.expect;
  settings.tick_timeout = options_.tick_timeout;
  settings.max_restarts = options.max_restarts;
  settings.max_seconds = options.max_seconds;
  settings.moves_in_flight = options.moves_in_flight;
  settings.history_events = options.history_events;
  settings.history_bytes = options.history_bytes;
  settings.min_nodes = options_.min_nodes;
  return settings;
}

Result<std::shared_ptr<Driver>> NodeImpl::add_supervisor(SupervisorOptions options) {
  const auto pass = enter();
  if (!pass) return stopped();
  if (options.name.empty() || options.name.size() > 255) {
    return Error{Errc::invalid_argument, "a supervisor needs a name of 1 to 255 characters"};
  }
  auto settings = settings_for(options);
  if (!settings) return settings.error();
  std::vector<core::NamedSpec> specs;
  std::set<std::string> tokens;
  for (const ChildSpec& child : options.children) {
    auto spec = core_spec(child, *this);
    if (!spec)
      return Error{spec.error().code, fmt::format("supervisor '{}': {}", options.name, spec.error().message)};
    if (auto fine = core::accepts(settings->strategies, spec->id, **spec); !fine)
      return Error{fine.error().code, fmt::format("supervisor '{}', child '{}': {}", options.name,
                                                  spec->id.text(), fine.error().message)};
    if ((*spec)->is_program()) tokens.insert((*spec)->needs);
    specs.push_back(as_static(*spec));
  }
  if (auto fine = check_order(specs, Registry{}); !fine)
    return Error{fine.error().code, fmt::format("supervisor '{}': {}", options.name, fine.error().message)};
  auto hooks = std::make_shared<HookTable>(options.name, options.hook_limits, lanes_);
  if (auto added = hooks->add(std::move(options.hooks)); !added) return added.error();
  for (Listening& listening : options.listeners) hooks->listen(std::move(listening));
  workers_.trust(options.name, std::move(tokens));
  settings->offers = workers_.offers(options.name);  // its own commands too
  auto driver = supervisors_.add(options.name, name(), [&] {
    return std::make_shared<Driver>(*this, *std::move(settings), std::move(hooks), std::move(options.load));
  });
  if (!driver) return driver.error();
  up_.begins(options.name);
  boost::asio::post(
      control(), [driver = *driver, specs = std::move(specs)]() mutable { begin(driver, std::move(specs)); });
  return driver;
}

void NodeImpl::remove_supervisor(const std::shared_ptr<Driver>& driver, std::function<void()> done) {
  // The pass keeps the control thread, on which the supervisor ends. Shared: functions are copied.
  auto pass = std::make_shared<Gate::Pass>(enter());
  if (!*pass) return done();  // the node has ended it
  supervisors_.remove(driver, options_.leave_timeout, [this, driver, pass, done = std::move(done)] {
    up_.settled(driver->name());
    done();
  });
}

}  // namespace brood::supervisor
