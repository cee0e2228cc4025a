#include "core/members/links.hpp"

#include <algorithm>

namespace brood::core {

void Links::came_up(PeerIndex peer, std::uint32_t creation) {
  Link& link = links_[peer];
  if (!link.channel) with_channel_.push_back(peer);
  dial_at(peer, Duration::max());
  link.channel = true;
  link.open = false;
  link.creation = creation;
  link.connecting = link.connect_again = false;
  link.attempts = 0;
}

void Links::went_down(PeerIndex peer) {
  Link& link = links_[peer];
  std::erase(with_channel_, peer);
  link.channel = link.open = link.connecting = link.connect_again = false;
}

void Links::dial(Step& s, PeerIndex peer) {
  dial_at(peer, Duration::max());
  Link& link = links_[peer];
  link.connecting = true;
  ++link.attempts;
  s.effects.connects.push_back({peers_.name(peer), link.address, link.last_known});
}

void Links::dial_at(PeerIndex peer, Duration when) {
  Link& link = links_[peer];
  if (link.next_connect != Duration::max()) dials_.erase({link.next_connect, peer});
  link.next_connect = when;
  if (when != Duration::max()) dials_.emplace(when, peer);
}

void Links::on_time(Step& s) {
  while (!dials_.empty() && dials_.begin()->first <= s.time()) {
    const PeerIndex peer = dials_.begin()->second;
    const Link& link = links_[peer];
    if (link.channel || link.connecting)
      dial_at(peer, Duration::max());
    else
      dial(s, peer);
  }
}

void Links::send(PeerIndex to, MessageBody body, Rank rank) {
  if (rank == Rank::rest) lists_.reset(to);
  out_.push_back({rank, {to}, std::move(body)});
}

void Links::send(std::vector<PeerIndex> to, MessageBody body, Rank rank) {
  if (to.empty()) return;
  if (rank == Rank::rest)
    for (const PeerIndex peer : to) lists_.reset(peer);
  out_.push_back({rank, std::move(to), std::move(body)});
}

// Words go into one list as long as nothing of their rank is said to the same peer between them: so nothing
// leaves in another order than it was said in.
void Links::say(PeerIndex to, HandoverWord word) {
  OpenList& list = lists_[to];
  if (!list.place) {
    list.place = out_.size();
    out_.push_back({Rank::rest, {to}, Handovers{}});
  }
  if (const auto* offer = std::get_if<Offer>(&word)) list.parcels += offer->parcel.size();
  auto& words = std::get<Handovers>(out_[*list.place].body).words;
  words.push_back(std::move(word));
  if (words.size() == Handovers::words_max || list.parcels >= Handovers::parcels_full) lists_.reset(to);
}

std::vector<PeerIndex> Links::addressed(Rank from) const {
  std::vector<PeerIndex> all;
  for (const Out& out : out_)
    if (out.rank >= from) all.insert(all.end(), out.to.begin(), out.to.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

void Links::flush(Step& s) {
  std::stable_sort(out_.begin(), out_.end(), [](const Out& a, const Out& b) { return a.rank < b.rank; });
  for (Out& out : out_) {
    if (std::holds_alternative<Handovers>(out.body)) lists_.reset(out.to.front());
    std::vector<NodeName> names;
    names.reserve(out.to.size());
    for (const PeerIndex peer : out.to)
      if (links_[peer].channel) names.push_back(peers_.name(peer));
    if (!names.empty()) s.effects.sends.push_back({std::move(names), std::move(out.body)});
  }
  out_.clear();
}

}  // namespace brood::core
