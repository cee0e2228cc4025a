// A node that was a cluster by itself gets a name under which others reach it.
//
// Its rows and epochs of before keep the old name: they only have to be unique and ordered, and nobody asks
// that node for anything. What does change is the session, because instances are found by it.
#include <fmt/format.h>

#include "core/state.hpp"

namespace brood::core {

void Machine::handle(const Renamed& event) {
  if (peers_.size() > 1 || former_ || left_) {
    ++stats_.refused_messages;
    return;
  }
  former_ = {settings_.self, settings_.creation};
  log(LogLevel::info, fmt::format("{} is {} from now on", settings_.self.value, event.self.value));
  settings_.self = event.self;
  settings_.creation = event.creation;
  settings_.address = event.address;
  settings_.join = event.join;
  table_.rename(event.self, event.creation);

  Peer& self = peers_[self_index];
  peer_names_.erase(self.name);
  self.name = event.self;
  self.creation = event.creation;
  peer_names_[self.name] = self_index;
  Member& row = *self.member;
  row.session = {event.self, event.creation, row.session.session};
  row.address = event.address;
  self_changed();
  effects_.members.push_back({row.session, row.state, "has a name"});
  view_dirty_ = true;
  for (const auto& [id, child] : table_.children()) changed(id);
  if (booted_) join_seeds();
}

bool Machine::is_own(const RequestKey& request) const {
  if (request.node == settings_.self) return request.creation == settings_.creation;
  return former_ && request.node == former_->first && request.creation == former_->second;
}

}  // namespace brood::core
