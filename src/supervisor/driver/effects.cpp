#include "supervisor/driver/effects.hpp"

#include <algorithm>

namespace brood::supervisor {

namespace {

bool only_acknowledges(const std::vector<core::Send>& sends) {
  return std::all_of(sends.begin(), sends.end(),
                     [](const core::Send& one) { return std::holds_alternative<core::DeltaAck>(one.body); });
}

}  // namespace

void carry_out(const core::Effects& effects, EffectHands& hands) {
  if (effects.fence) hands.fence(*effects.fence);
  for (const auto& change : effects.roles) hands.set_role(change);
  if (!effects.changed.empty()) hands.publish(effects.changed);
  if (effects.lock) hands.lock(*effects.lock);
  for (const auto& step : effects.handovers) hands.hand_over(step);
  for (const auto& start : effects.starts) hands.start(start);
  for (const auto& stop : effects.stops) hands.stop(stop);
  const bool sends_last = only_acknowledges(effects.sends);
  if (!sends_last) hands.send(effects.sends);
  for (const auto& connect : effects.connects) hands.connect(connect);
  for (const auto& disconnect : effects.disconnects) hands.disconnect(disconnect);
  if (effects.left) hands.left();
  for (const auto& reply : effects.replies) hands.reply(reply);
  if (!effects.changed.empty()) hands.wake(effects.changed);
  if (sends_last && !effects.sends.empty()) hands.send(effects.sends);
  for (const auto& line : effects.log) hands.log(line);
  for (const auto& event : effects.members) hands.member(event);
  if (effects.refused) hands.refused(*effects.refused);
}

}  // namespace brood::supervisor
