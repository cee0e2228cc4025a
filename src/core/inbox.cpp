#include "core/inbox.hpp"

namespace brood::core {
namespace {

const NodeName& asker(const Request& request) {
  return std::visit([](const auto& one) -> const NodeName& { return one.request.node; }, request);
}
std::uint64_t view_of(const Request& request) {
  return std::visit([](const auto& one) { return one.view; }, request);
}

}  // namespace

void Inbox::push(Request request) {
  numbers_[asker(request)][view_of(request)].push_back(++last_);
  requests_.emplace_hint(requests_.end(), last_, std::move(request));
}

Request Inbox::pop() {
  BROOD_CHECK(!requests_.empty(), "there is nothing in the inbox");
  Request request = std::move(requests_.begin()->second);
  requests_.erase(requests_.begin());
  // The oldest of all is the oldest of its asker and view.
  const auto by_node = numbers_.find(asker(request));
  const auto by_view = by_node->second.find(view_of(request));
  by_view->second.pop_front();
  if (by_view->second.empty()) by_node->second.erase(by_view);
  if (by_node->second.empty()) numbers_.erase(by_node);
  return request;
}

void Inbox::keep_only(const NodeName& node, std::uint64_t view) {
  const auto by_node = numbers_.find(node);
  if (by_node == numbers_.end()) return;
  std::erase_if(by_node->second, [&](const auto& asked) {
    if (asked.first == view) return false;
    for (const std::uint64_t number : asked.second) requests_.erase(number);
    return true;
  });
  if (by_node->second.empty()) numbers_.erase(by_node);
}

}  // namespace brood::core
