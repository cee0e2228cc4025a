#include "core/requests/replay.hpp"

namespace brood::core {
namespace {

constexpr Duration answers_kept = 35s;  // longer than requests are repeated
constexpr Duration finished_kept = 60s;
/// More than any request has under way at once, so that a bulk request is not answered from what it forgot.
constexpr std::size_t kept_max = 1'000'000;

}  // namespace

void Replay::keep_answer(const Step& s, const RequestKey& request, const Outcome& outcome) {
  const Key key{request, outcome.id};
  if (answers_.emplace(key, outcome).second) answers_order_.emplace_back(s.time() + answers_kept, key);
  if (answers_order_.size() <= kept_max) return;
  answers_.erase(answers_order_.front().second);
  answers_order_.pop_front();
}

const Outcome* Replay::answer(const RequestKey& request, const ChildId& id) const {
  const auto found = answers_.find({request, id});
  return found == answers_.end() ? nullptr : &found->second;
}

bool Replay::finish(const Step& s, const RequestKey& request, const ChildId& id, const Epoch& floor) {
  const Key key{request, id};
  if (request.number == 0 || !finished_.try_emplace(key, floor).second) return false;
  finished_order_.emplace_back(s.time() + finished_kept, key);
  if (finished_order_.size() > kept_max) {
    finished_.erase(finished_order_.front().second);
    finished_order_.pop_front();
    ++finished_gone_;
  }
  return true;
}

const Epoch* Replay::finished(const RequestKey& request, const ChildId& id) const {
  const auto found = finished_.find({request, id});
  return found == finished_.end() ? nullptr : &found->second;
}

bool Replay::finished_after(std::uint64_t& from, std::size_t most, std::vector<Key>& keys) const {
  std::uint64_t at = std::max(from, finished_gone_);
  for (; most > 0 && at - finished_gone_ < finished_order_.size(); ++at, --most)
    keys.push_back(finished_order_[static_cast<std::size_t>(at - finished_gone_)].second);
  from = at;
  return at - finished_gone_ >= finished_order_.size();
}

void Replay::on_time(const Step& s) {
  // A few at a time: a bulk of a moment ago is over at one moment too.
  for (int left = 200; left > 0 && !finished_order_.empty() && finished_order_.front().first <= s.time();
       --left) {
    finished_.erase(finished_order_.front().second);
    finished_order_.pop_front();
    ++finished_gone_;
  }
  for (int left = 200; left > 0 && !answers_order_.empty() && answers_order_.front().first <= s.time();
       --left) {
    answers_.erase(answers_order_.front().second);
    answers_order_.pop_front();
  }
}

Duration Replay::deadline() const {
  Duration next = Duration::max();
  if (!answers_order_.empty()) next = std::min(next, answers_order_.front().first);
  if (!finished_order_.empty()) next = std::min(next, finished_order_.front().first);
  return next;
}

}  // namespace brood::core
