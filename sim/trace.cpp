#include "sim/trace.hpp"

#include "sim/describe.hpp"

namespace brood::sim {

void Trace::mix(const core::Effects& effects) {
  for (const auto& change : effects.roles) {
    mix(change.id.bytes());
    mix(static_cast<std::uint64_t>(change.role));
  }
  for (const auto& start : effects.starts) {
    mix(start.id.bytes());
    mix(start.epoch);
  }
  for (const auto& stop : effects.stops) {
    mix(stop.id.bytes());
    mix(stop.epoch);
  }
  for (const auto& step : effects.handovers) mix(step.index() + 7);
  for (const auto& connect : effects.connects) mix(connect.node.text());
  for (const auto& disconnect : effects.disconnects) mix(disconnect.node.text());
  for (const auto& reply : effects.replies) {
    mix(reply.client.value * 2 + (reply.last ? 1 : 0));
    for (const auto& outcome : reply.outcomes) {
      mix(outcome.id.bytes());
      mix(outcome.error ? static_cast<std::uint64_t>(outcome.error->code) + 1 : 0);
      mix((std::uint64_t{outcome.pid.id} << 32) | outcome.pid.serial);
    }
  }
  for (const auto& member : effects.members) mix(member.session.node.text());
  if (effects.fence) mix(*effects.fence ? 3 : 2);
  if (effects.left) mix(5);
}

void Trace::event(std::string_view node, const core::Event& event) {
  if (!wanted()) return;
  const std::string text = describe(event, options_.trace_id);
  if (!text.empty()) write(fmt::format("{}  <- {}", node, text));
}

void Trace::effects(std::string_view node, const core::Effects& effects) {
  if (!wanted()) return;
  for (const std::string& text : describe(effects, options_.trace_id))
    write(fmt::format("{}     -> {}", node, text));
}

void Trace::write(const std::string& text) {
  options_.trace(fmt::format("{:>12.6f} {}", static_cast<double>(timeline_.now().count()) / 1e9, text));
}

}  // namespace brood::sim
