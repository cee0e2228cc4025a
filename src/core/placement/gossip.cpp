#include "core/placement/gossip.hpp"

#include <fmt/format.h>

#include <numeric>

#include "base/hash.hpp"
#include "core/placement/built_in.hpp"

namespace brood::core {

std::string Gossip::name() const {
  return fmt::format("gossip/1 recipients={} restricted_init={}", options_.recipients,
                     options_.restricted_init);
}

// Places relative to the origin are 0 (itself) to members - 1. The others are permuted by a step that has no
// divisor in common with their number, so that each place is one member and no list is needed.
void Gossip::recipients(const Spreading& batch, std::vector<std::size_t>& to) const {
  const std::size_t others = batch.members - 1;
  if (others == 0) return;
  const std::uint64_t random = mix64(batch.number + 0x9e37'79b9'7f4a'7c15ULL * (batch.origin + 1));
  std::size_t step = random % others;
  while (std::gcd(step, others) != 1) step = (step + 1) % others;
  const std::size_t shift = (random >> 32U) % others;
  const auto member_at = [&](std::size_t place) {  // place 1 and on
    const std::size_t relative = 1 + ((place - 1) * step + shift) % others;
    return (batch.origin + relative) % batch.members;
  };
  std::size_t place = 0;
  if (batch.self != batch.origin) {
    // The inverse of the permutation, by walking along it: at most `others` additions.
    const std::size_t relative = (batch.self + batch.members - batch.origin) % batch.members;
    std::size_t at = shift;
    for (place = 1; at + 1 != relative; ++place) at = (at + step) % others;
  }
  for (std::size_t child = place * options_.recipients + 1;
       child <= (place + 1) * options_.recipients && child <= others; ++child)
    to.push_back(member_at(child));
}

std::shared_ptr<const Synchronisation> make_gossip(SettingsReader& settings) {
  const GossipOptions usual;
  GossipOptions options;
  options.recipients = static_cast<std::size_t>(
      settings.integer("recipients", static_cast<std::int64_t>(usual.recipients), 1, 100));
  options.sync_interval = read_sync_interval(settings);
  options.restricted_init = settings.boolean("restricted_init", usual.restricted_init);
  return std::make_shared<Gossip>(options);
}

}  // namespace brood::core
