#include "core/members/rejoin.hpp"

#include <fmt/format.h>

namespace brood::core {

// What a member runs that others reach and this node does not is not known here. Where only one part of the
// cluster may run children this node is not to go on with what that one may have taken over.
bool Rejoin::may_have_been_missed() const {
  return views_.quorum().strategy().locks() && joining_.has_missed();
}

// One of several goes on beside the others, unless it was the active one: another is by now.
bool Rejoin::is_replaced(const Child& child) const {
  if (may_have_been_missed()) return true;
  // Also one that has moved away from another node: where to may not be seen yet.
  bool elsewhere = false;
  instances_.each(
      child, [&](const Hosted& hosted) { elsewhere = elsewhere || instances_.peer(hosted) != self_index; });
  if (!elsewhere) return false;
  const Replicas& replicas = views_.replicas();
  if (!child.row() || !child.own()->has_role || !replicas.several(*child.row())) return true;
  return replicas.has_roles(*child.row()) && instances_.here(child)->role == Role::active;
}

void Rejoin::tell(Step& s) {
  told_ = true;
  until_ = s.time() + 2 * s.settings.tick_timeout;
  ending_.clear();
  for (const ChildRef ref : locals_.all()) {
    const Child& child = *children_.get(ref);
    if (is_replaced(child) || child.own()->stopping != StopWhy::none) ending_.insert(ref);
  }
  for (const ChildRef ref : ending_) {
    Child& child = *children_.get(ref);
    // Behind the fence nobody ends in good order: one that was told to, before, has to be killed.
    if (child.own()->stopping != StopWhy::none)
      locals_.kill(s, child);
    else
      locals_.end(s, child, StopWhy::conflict);
  }
}

// Each has its time from when it is told.
void Rejoin::end(Step& s, Child& child) {
  if (!ending_.insert(child.ref).second) return;
  until_ = std::max(until_, s.time() + 2 * s.settings.tick_timeout);
  locals_.end(s, child, StopWhy::conflict);
}

// A member may have been lost since the others were told.
void Rejoin::tell_the_rest(Step& s) {
  if (!may_have_been_missed()) return;
  const ChildRefs all = locals_.all();
  for (const ChildRef ref : all)
    if (Child* child = children_.get(ref); child && child->own()) end(s, *child);
}

bool Rejoin::gave_up(Step& s) {
  if (!told_)
    tell(s);
  else
    tell_the_rest(s);
  std::erase_if(ending_, [&](ChildRef ref) {
    const Child* child = children_.get(ref);
    return !child || !child->own();
  });
  if (ending_.empty()) return true;
  if (s.time() < until_) return false;
  s.log(LogLevel::error, fmt::format("{} children do not end, {} among them; going on all the same",
                                     ending_.size(), children_.get(*ending_.begin())->id.text()));
  return true;
}

void Rejoin::look(Step& s, Child& child) {
  if (told_ && child.own() && is_replaced(child)) end(s, child);
}

void Rejoin::handler_returned(const Step& s, const Child& child) {
  if (ending_.contains(child.ref)) until_ = std::max(until_, s.time() + s.settings.tick_timeout);
}

}  // namespace brood::core
