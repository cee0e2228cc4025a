#include "core/requests/replay.hpp"

#include "core/rows/child_table.hpp"

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
  if (request.number == 0 || !finished_.add(key, floor)) return false;
  finished_order_.emplace_back(s.time() + finished_kept, key);
  finished_by_bucket_[bucket_of(id.hash())].push_back(key);
  if (finished_order_.size() > kept_max) forget_oldest_finished();
  return true;
}

void Replay::forget_oldest_finished() {
  const Key& oldest = finished_order_.front().second;
  const auto bucket = finished_by_bucket_.find(bucket_of(oldest.second.hash()));
  bucket->second.pop_front();
  if (bucket->second.empty()) finished_by_bucket_.erase(bucket);
  finished_.erase(oldest);
  finished_order_.pop_front();
}

const Epoch* Replay::finished(const RequestKey& request, const ChildId& id) const {
  return finished_.find({request, id});
}

void Replay::finished_in(std::uint32_t bucket, std::vector<Key>& keys, std::vector<Epoch>& floors) const {
  const auto found = finished_by_bucket_.find(bucket);
  if (found == finished_by_bucket_.end()) return;
  for (const Key& key : found->second) {
    keys.push_back(key);
    floors.push_back(*finished_.find(key));
  }
}

void Replay::on_time(const Step& s) {
  // A few at a time: a bulk of a moment ago is over at one moment too.
  for (int left = 200; left > 0 && !finished_order_.empty() && finished_order_.front().first <= s.time();
       --left)
    forget_oldest_finished();
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
