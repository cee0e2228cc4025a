#include "core/requests/inbox.hpp"

namespace brood::core {

const RequestKey& key_of(const Request& request) {
  return std::visit([](const auto& one) -> const RequestKey& { return one.request; }, request);
}

std::uint64_t view_of(const Request& request) {
  return std::visit([](const auto& one) { return one.view; }, request);
}

std::size_t ids_in(const Request& request) {
  if (const auto* start = std::get_if<StartRequest>(&request))
    return std::max<std::size_t>(start->specs.size(), 1);
  if (const auto* stop = std::get_if<StopRequest>(&request))
    return std::max<std::size_t>(stop->ids.size(), 1);
  return 1;
}

bool keep_those_open(Request& request, const std::function<bool(const ChildId&)>& is_over) {
  if (auto* start = std::get_if<StartRequest>(&request)) {
    std::erase_if(start->specs, [&](const NamedSpec& child) { return is_over(child.id); });
    return !start->specs.empty();
  }
  if (auto* stop = std::get_if<StopRequest>(&request)) {
    std::erase_if(stop->ids, is_over);
    return !stop->ids.empty();
  }
  if (const auto* retry = std::get_if<RetryRequest>(&request)) return !is_over(retry->id);
  if (const auto* move = std::get_if<MoveRequest>(&request)) return !is_over(move->id);
  return !is_over(std::get<LookupRequest>(request).id);
}

void Inbox::push(Request request, Duration until) {
  size_ += ids_in(request);
  const auto [at, added] = waiting_.try_emplace(key_of(request));
  if (added) turns_.push_back(at->first);
  at->second.push_back({std::move(request), until});
}

std::optional<Request> Inbox::pop(Duration now) {
  BROOD_CHECK(!turns_.empty(), "there is nothing in the inbox");
  const auto found = waiting_.find(turns_.front());
  turns_.pop_front();
  std::deque<Waiting>& all = found->second;
  std::optional<Request> next;
  for (; !next && !all.empty(); all.pop_front()) {
    size_ -= ids_in(all.front().request);
    if (all.front().until > now) next = std::move(all.front().request);
  }
  if (all.empty())
    waiting_.erase(found);
  else
    turns_.push_back(found->first);
  return next;
}

std::size_t Inbox::next_size() const {
  return turns_.empty() ? 0 : ids_in(waiting_.at(turns_.front()).front().request);
}

void Inbox::each_next(const std::function<void(const ChildId&)>& look) const {
  if (turns_.empty()) return;
  const Request& next = waiting_.at(turns_.front()).front().request;
  if (const auto* start = std::get_if<StartRequest>(&next)) {
    for (const NamedSpec& child : start->specs) look(child.id);
  } else if (const auto* stop = std::get_if<StopRequest>(&next)) {
    for (const ChildId& id : stop->ids) look(id);
  } else if (const auto* retry = std::get_if<RetryRequest>(&next)) {
    look(retry->id);
  } else if (const auto* move = std::get_if<MoveRequest>(&next)) {
    look(move->id);
  } else {
    look(std::get<LookupRequest>(next).id);
  }
}

void Inbox::keep_only(const NodeName& node, std::uint64_t view) {
  bool emptied = false;
  for (auto at = waiting_.lower_bound({node, 0, 0}); at != waiting_.end() && at->first.node == node;) {
    std::erase_if(at->second, [&](const Waiting& one) {
      if (view_of(one.request) == view) return false;
      size_ -= ids_in(one.request);
      return true;
    });
    const bool gone = at->second.empty();
    emptied = emptied || gone;
    at = gone ? waiting_.erase(at) : std::next(at);
  }
  if (emptied) std::erase_if(turns_, [this](const RequestKey& key) { return !waiting_.contains(key); });
}

}  // namespace brood::core
