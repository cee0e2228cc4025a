#include "core/members/detector.hpp"

#include <algorithm>

namespace brood::core {

void Detector::suspect(PeerIndex peer, Duration since) {
  losses_[peer].since = since;
  suspects_.push_back(peer);
}

void Detector::found(PeerIndex peer) {
  losses_[peer].since.reset();
  std::erase(suspects_, peer);
  links_.dial_where_last(peer, false);
}

void Detector::reset(PeerIndex peer) {
  std::erase(suspects_, peer);
  losses_.reset(peer);
}

void Detector::end(Step& s, PeerIndex peer, Ending how, const std::string& words) {
  if (!sessions_.member(peer)) return;
  Suspect& lost = losses_[peer];
  Loss loss;
  loss.how = how;
  loss.wall = lost.since ? lost.wall : s.now.wall;
  loss.obituary = std::move(lost.obituary);
  const Link& link = links_[peer];
  // A node that itself began a new session brings its children along; another start of it does not.
  loss.goes_on = link.channel && link.creation == sessions_.member(peer)->session.creation;
  const bool known_dead = how != Ending::left && !link.channel;
  lost.obituary.reset();
  found(peer);
  sessions_.end(s, peer, std::move(loss), words);
  if (known_dead && !link.connecting) links_.dial_at(peer, s.time() + s.settings.reconnect_every);
}

void Detector::on_channel_down(Step& s, PeerIndex peer, bool silent) {
  const bool had_channel = links_[peer].channel;
  links_.went_down(peer);
  joining_.channel_ended(peer);
  if (!sessions_.member(peer)) {
    const bool awaited = joining_.is_seed(peer) || joining_.was_learned_of(peer) || joining_.awaits(peer);
    if (awaited && had_channel) links_.dial_at(peer, s.time() + s.settings.reconnect_every);
    joining_.not_reached(peer, false);
    return;
  }
  Suspect& lost = losses_[peer];
  lost.wall = s.now.wall - (silent ? s.settings.tick_timeout : Duration{});
  if (silent && !fence_.is_fenced()) {
    suspect(peer, s.time());
    end(s, peer, Ending::silent, "nothing came for the whole tick time-out");
    return;
  }
  // Fenced, the silence may be our own sleep: one more try before it counts.
  if (!lost.since) suspect(peer, s.time() - (silent ? s.settings.tick_timeout / 4 * 3 : Duration{}));
  links_.dial_where_last(peer, true);
  links_.dial(s, peer);
}

void Detector::on_dial_failed(Step& s, PeerIndex peer, const ConnectFailed& event) {
  links_.failed(peer);
  if (links_[peer].channel) return;
  if (links_.take_again(peer)) return links_.dial(s, peer);
  const bool seed = joining_.is_seed(peer);
  // A node that was lost without proof may come back after a long time: it is tried ever more rarely, and no
  // longer when it is forgotten.
  const bool patient = !seed && !joining_.was_learned_of(peer);
  const bool last = patient && !sessions_.remembers(links_.name(peer));
  if (event.refused_us)
    joining_.refuses_us(peer);
  else
    joining_.not_reached(peer, event.proven_dead || last);
  if (sessions_.member(peer)) {
    if (event.proven_dead) {
      if (!losses_[peer].since) losses_[peer].wall = s.now.wall;
      return end(s, peer, Ending::died, event.words.empty() ? "its node does not run" : event.words);
    }
    if (!losses_[peer].since) suspect(peer, s.time());
  }
  if (event.proven_dead) sessions_.set_unreached(s, links_.name(peer), false);
  if (event.proven_dead) {
    joining_.give_up_meeting(s, peer);
    if (!seed) return links_.dial_at(peer, Duration::max());  // it comes by itself when it is started again
  }
  const Duration every = s.settings.reconnect_every;
  const std::uint32_t attempts = links_[peer].attempts;
  // A member whose channel just ended may be half gone, its listening socket still open: the proof of its
  // death is milliseconds away, and its children wait for it.
  if (sessions_.member(peer))
    return links_.dial_at(peer, s.time() + std::min<Duration>(every, 10ms * (1U << std::min(attempts, 10U))));
  if (last) return links_.dial_at(peer, Duration::max());
  const bool rarely = patient && !joining_.awaits(peer);
  links_.dial_at(peer, s.time() + (rarely ? std::min<Duration>(every * attempts, 30s) : every));
}

void Detector::slept(const Step& s, Duration gap) {
  const Duration earliest = s.time() - s.settings.tick_timeout + s.settings.tick_timeout / 4;
  for (const PeerIndex peer : suspects_) {
    auto& since = losses_[peer].since;
    since = std::max(std::min(s.time(), *since + gap), gap > s.settings.tick_timeout / 2 ? earliest : *since);
  }
}

void Detector::on_time(Step& s) {
  std::vector<PeerIndex> lost;
  for (const PeerIndex peer : suspects_)
    if (s.time() >= *losses_[peer].since + s.settings.tick_timeout) lost.push_back(peer);
  for (const PeerIndex peer : lost) end(s, peer, Ending::silent, "no connection for the tick time-out");
}

Duration Detector::deadline(const Settings& settings) const {
  Duration next = Duration::max();
  for (const PeerIndex peer : suspects_) next = std::min(next, *losses_[peer].since + settings.tick_timeout);
  return next;
}

}  // namespace brood::core
