#include "supervisor/driver/entry_walk.hpp"

#include <algorithm>

namespace brood::supervisor {

std::vector<Registry::Item> EntryWalk::take(std::size_t count) {
  if (by_page_) return take_page(count);
  if (part_ < Registry::part_count) {
    gather();
    return {};
  }
  return merge(count);
}

void EntryWalk::gather() {
  Items items = registry_.part(part_, nullptr, keep_);
  if (!items.empty()) {
    std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    left_ += items.size();
    rests_.push_back({std::move(items), 0});
  }
  if (++part_ < Registry::part_count) return;
  for (std::size_t i = 0; i < rests_.size(); ++i) heap_.push_back(i);
  const auto later = [this](std::size_t a, std::size_t b) {
    return rests_[b].items[rests_[b].at].first < rests_[a].items[rests_[a].at].first;
  };
  std::make_heap(heap_.begin(), heap_.end(), later);
}

EntryWalk::Items EntryWalk::merge(std::size_t count) {
  const auto later = [this](std::size_t a, std::size_t b) {
    return rests_[b].items[rests_[b].at].first < rests_[a].items[rests_[a].at].first;
  };
  Items taken;
  while (taken.size() < count && !heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end(), later);
    Rest& rest = rests_[heap_.back()];
    taken.push_back(std::move(rest.items[rest.at++]));
    --left_;
    if (rest.at == rest.items.size()) {
      rest.items = {};
      heap_.pop_back();
    } else {
      std::push_heap(heap_.begin(), heap_.end(), later);
    }
  }
  return taken;
}

EntryWalk::Items EntryWalk::take_page(std::size_t count) {
  if (rests_.empty()) rests_.emplace_back();
  Rest& rest = rests_.front();
  if (left_ == 0) {
    if (part_ == Registry::part_count) return {};
    rest.items = registry_.part(part_++, after_ ? &*after_ : nullptr, keep_);
    rest.at = 0;
    left_ = rest.items.size();
    std::sort(rest.items.begin(), rest.items.end(),
              [](const auto& a, const auto& b) { return Registry::follows(b.first, a.first); });
  }
  Items taken;
  for (; taken.size() < count && left_ > 0; --left_) taken.push_back(std::move(rest.items[rest.at++]));
  return taken;
}

}  // namespace brood::supervisor
