#include "supervisor/driver/effects.hpp"

namespace brood::supervisor {

void carry_out(const core::Effects& effects, EffectHands& hands) {
  if (effects.fence) hands.fence(*effects.fence);
  for (const auto& change : effects.roles) hands.set_role(change);
  if (!effects.changed.empty()) hands.publish(effects.changed);
  if (effects.lock) hands.lock(*effects.lock);
  for (const auto& step : effects.handovers) hands.hand_over(step);
  for (const auto& start : effects.starts) hands.start(start);
  for (const auto& stop : effects.stops) hands.stop(stop);
  if (!effects.sends.empty()) hands.send(effects.sends);
  for (const auto& connect : effects.connects) hands.connect(connect);
  for (const auto& disconnect : effects.disconnects) hands.disconnect(disconnect);
  if (effects.left) hands.left();
  for (const auto& reply : effects.replies) hands.reply(reply);
  if (!effects.changed.empty()) hands.wake(effects.changed);
  for (const auto& line : effects.log) hands.log(line);
  for (const auto& event : effects.members) hands.member(event);
  if (effects.refused) hands.refused(*effects.refused);
}

}  // namespace brood::supervisor
