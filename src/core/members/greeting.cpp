#include "core/members/greeting.hpp"

#include <fmt/format.h>

#include <string_view>
#include <vector>

namespace brood::core {

void Greeting::on_channel_up(Step& s, const PeerUp& event, bool rejoins) {
  if (event.node == s.settings.self) return;
  const PeerIndex peer = peers_.obtain(event.node);
  if (const Member* member = sessions_.member(peer); member && member->session.creation != event.creation)
    detector_.end(s, peer, Ending::died, "the node has started anew");
  links_.came_up(peer, event.creation);
  joining_.await_hello(s, peer);
  // A seed that could not be reached before is there now: its word is waited for.
  if (rejoins || joining_.is_seed(peer)) joining_.unsettle(peer);
  notes_.channel_changed(s, peer);
  want(peer);
}

void Greeting::want_all() {
  for (const PeerIndex peer : links_.with_channel()) want(peer);
}

void Greeting::flush(Step& s) {
  for (const PeerIndex peer : wanted_)
    if (links_[peer].channel) links_.send(peer, hello_to(s, peer), Rank::hello);
  wanted_.clear();
}

Hello Greeting::hello_to(const Step& s, PeerIndex peer) const {
  const Link& link = links_[peer];
  const NodeName& name = peers_.name(peer);
  Hello hello;
  hello.sender = sessions_.self();
  hello.clock = s.clock.last();
  hello.fresh = !link.open;
  hello.receiver.node = name;
  if (const Member* member = sessions_.member(peer)) {
    hello.receiver = member->session;
  } else if (const std::uint64_t over = sessions_.over(name, link.creation); over != 0) {
    hello.receiver = {name, link.creation, over};
    hello.receiver_is_down = true;
  }
  for (const PeerIndex other : sessions_.others())
    if (other != peer)
      hello.members.emplace_back(sessions_.member(other)->session, sessions_.member(other)->address);
  hello.seen = table_.seen();
  hello.digest = table_.digest();
  if (hello.fresh) hello.digests = table_.digests();
  hello.held = takeover_.held(s);
  return hello;
}

namespace {
// Of the words of two values those that differ, behind the first, which says what it is a setting of.
std::pair<std::string, std::string> different_words(const std::string& mine, const std::string& theirs) {
  const auto words_of = [](std::string_view value) {
    std::vector<std::string> words;
    for (std::size_t end = value.find(' '); end != std::string_view::npos; end = value.find(' ')) {
      words.emplace_back(value.substr(0, end));
      value.remove_prefix(end + 1);
    }
    words.emplace_back(value);
    return words;
  };
  const auto a = words_of(mine);
  const auto b = words_of(theirs);
  if (a.size() < 2 || a.size() != b.size() || a.front() != b.front()) return {mine, theirs};
  std::pair<std::string, std::string> different{a.front(), b.front()};
  for (std::size_t i = 1; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    different.first += " " + a[i];
    different.second += " " + b[i];
  }
  return different;
}
}  // namespace

std::string Greeting::difference(const Settings& settings, const Member& other) const {
  const Member& mine = sessions_.self();
  if (other.protocol_min > mine.protocol_max || mine.protocol_min > other.protocol_max)
    return fmt::format("protocol versions {}-{} here and {}-{} at {} have none in common", mine.protocol_min,
                       mine.protocol_max, other.protocol_min, other.protocol_max, other.session.node.text());
  for (const auto& [key, value] : mine.fingerprint) {
    const auto theirs = other.fingerprint.find(key);
    if (theirs == other.fingerprint.end() || theirs->second == value) continue;
    const auto [here, there] = different_words(value, theirs->second);
    return fmt::format("setting `{}` is {} at {} and {} at {}", key, here, settings.self.text(), there,
                       other.session.node.text());
  }
  return {};
}

void Greeting::on_refusal(Step& s, PeerIndex from, const Refusal& refusal) {
  if (!joining_.was_refused(from)) joining_.refused(s, from, refusal.why);
}

void Greeting::on_hello(Step& s, PeerIndex from, const Hello& hello, bool fenced) {
  const SessionId& theirs = hello.sender.session;
  if (theirs.node != peers_.name(from) || theirs.creation != links_[from].creation) {
    ++s.stats.refused_messages;
    return;
  }
  joining_.said_hello(from);
  links_.set_address(from, hello.sender.address);
  s.witness(hello.clock, theirs.node);
  if (const std::string why = difference(s.settings, hello.sender); !why.empty()) {
    if (!joining_.was_refused(from)) {
      links_.send(from, Refusal{why});
      joining_.refused(s, from, why);
    }
    return;
  }
  if (hello.fresh) want(from);
  const bool theirs_over = sessions_.is_over(theirs);
  if (theirs_over) want(from);  // tells it so
  if (hello.receiver_is_down && hello.receiver == sessions_.self().session) {
    // After a split both sides have given each other up, and neither may stop its children for that. The
    // other may have met one of this side before, and have begun anew: this node has not met it since it gave
    // it up.
    const bool gave_up =
        theirs_over || (!sessions_.member(from) && sessions_.over(theirs.node, theirs.creation) != 0);
    const bool both = gave_up && !fenced;
    sessions_.end_own(s, both, fmt::format("{} had declared this node down", theirs.node.text()));
  }
  if (theirs_over) {
    ++s.stats.stale_rows;
    return;
  }
  accept(s, from, hello);
}

void Greeting::accept(Step& s, PeerIndex from, const Hello& hello) {
  if (hello.sender.state == MemberState::left || hello.sender.state == MemberState::down) return;
  if (const Member* known = sessions_.member(from); known && known->session != hello.sender.session) {
    if (hello.sender.session.session < known->session.session) {
      ++s.stats.stale_rows;
      return;
    }
    detector_.end(s, from, Ending::died, "it has begun a new session");
    want(from);  // the end of the old session took back what was to be said
  }
  const bool fresh = !sessions_.member(from) || !links_[from].open || hello.fresh;
  if (!sessions_.member(from)) {
    sessions_.begin(s, from, hello.sender);
    // Of two that join at the same time each may have had our first Hello before the other came. The later
    // one hears of the earlier one, before it has our table, and is not up before it has met it: that one of
    // them knows is enough. Were all told of each that comes, n nodes that boot together would say n³ Hellos.
    want(from);
  } else {
    sessions_.update(s, from, hello.sender);
  }
  detector_.found(from);
  joining_.met(s, from);
  // Both lists are in the order of names, as a rule: a Hello names all members, and nearly all are known.
  const auto& others = sessions_.others();
  std::size_t at = 0;
  for (const auto& [session, address] : hello.members) {
    if (session.node == s.settings.self) continue;
    while (at < others.size() && peers_.name(others[at]) < session.node) ++at;
    if (at < others.size() && peers_.name(others[at]) == session.node) {
      joining_.told_of_member(others[at++]);
      continue;
    }
    joining_.told_of(s, session.node);
    if (sessions_.is_over(session)) continue;
    const PeerIndex other = peers_.obtain(session.node);
    if (sessions_.member(other)) continue;
    if (!address.empty()) links_.set_address(other, address);
    joining_.learn(s, other, session);
  }
  if (fresh) links_.opened(from);
  notes_.greeted(s, from, hello, fresh);
}

}  // namespace brood::core
