#include "supervisor/driver/outcome_walk.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <utility>

namespace brood::supervisor {

namespace {

/// What a portion may take, looked at every so many steps.
constexpr std::chrono::milliseconds portion{1};
constexpr std::size_t between_looks = 64;

}  // namespace

// Room for all is made here, by who asks, and not in walk(), which is called by the control thread.
OutcomeWalk::OutcomeWalk(std::vector<ChildId> ids) : ids_(std::move(ids)), found_(ids_.size()) {
  index_.reserve(ids_.size());
  for (std::uint32_t i = 0; i < ids_.size(); ++i) index_.emplace(ids_[i], i);
}

void OutcomeWalk::walk(boost::asio::io_context& queries, Outcomes outcomes, Each each,
                       std::function<void()> done) {
  outcomes_ = std::move(outcomes);
  each_ = std::move(each);
  done_ = std::move(done);
  if (ids_.size() > at_once) return go_on(queries);
  while (some()) {
  }
  end();
}

void OutcomeWalk::go_on(boost::asio::io_context& queries) {
  boost::asio::post(queries, [self = shared_from_this(), &queries] {
    const auto until = std::chrono::steady_clock::now() + portion;
    for (std::size_t step = 1; self->some(); ++step) {
      if (step % between_looks != 0 || std::chrono::steady_clock::now() < until) continue;
      return self->go_on(queries);
    }
    self->end();
  });
}

// Whoever waits may hold this walk, so it must not hold them any longer.
void OutcomeWalk::end() {
  each_ = nullptr;
  std::exchange(done_, nullptr)();
}

// One outcome is put where its id is, or one id told. False: all is done.
bool OutcomeWalk::some() {
  if (sorted_ < outcomes_.size()) {
    const core::Outcome& outcome = outcomes_[sorted_++];
    const auto at = index_.find(outcome.id);
    if (at != index_.end() && found_[at->second] == nullptr) found_[at->second] = &outcome;
    return true;
  }
  if (told_ == ids_.size()) return false;
  each_(ids_[told_], found_[told_]);
  ++told_;
  return true;
}

}  // namespace brood::supervisor
