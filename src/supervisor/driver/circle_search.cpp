#include "supervisor/driver/circle_search.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds answer_timeout{2000};
constexpr milliseconds look_pause{5};
constexpr std::size_t links_max = 256;  // between nodes

/// {ok, [Number], Pid or undefined}; of an answer that is none the trail ends.
process::WaitTrail trail_of(const process::CallResult& answer) {
  process::WaitTrail trail;
  auto term = answer ? decode_term(*answer) : Result<Term>(answer.error());
  const auto* items = term ? term->as_tuple() : nullptr;
  if (items == nullptr || items->size() != 3 || !(*items)[0].is_atom("ok")) return trail;
  const auto* numbers = (*items)[1].as_list();
  const Pid* next = (*items)[2].as_pid();
  if (numbers == nullptr || next == nullptr) return trail;
  for (const Term& number : *numbers)
    if (const auto* value = number.as_integer()) trail.waits.push_back(static_cast<std::uint64_t>(*value));
  trail.next = *next;
  return trail;
}

}  // namespace

struct CircleSearch::Chain {
  std::weak_ptr<WaitedFor> what;
  Pid waiter;
  Pid at;                             ///< Whose waits are asked for next.
  std::vector<std::uint64_t> waits;   ///< That were passed in this round ...
  std::vector<std::uint64_t> before;  ///< ... and in the one before.
  std::size_t links = 0;
};

CircleSearch::CircleSearch(NodeImpl& node) : node_(node), alarm_(node.control(), [this] { look(); }) {}

void CircleSearch::watch(const std::shared_ptr<WaitedFor>& what, Pid waiter) {
  const auto now = steady_clock::now();
  {
    const std::lock_guard lock(mutex_);
    young_.push_back({now, what, std::move(waiter)});
    if (young_.size() > 1) return;  // the alarm is set, or about to be
  }
  boost::asio::post(node_.control(), [this, now, alive = std::weak_ptr<char>(alive_)] {
    if (alive.lock()) arm(now + patience);
  });
}

void CircleSearch::arm(steady_clock::time_point when) {
  alarm_.at(when, alive_);
}

void CircleSearch::look() {
  const auto now = steady_clock::now();
  std::vector<Young> old;
  std::optional<steady_clock::time_point> next;
  {
    const std::lock_guard lock(mutex_);
    while (!young_.empty() && young_.front().since + patience <= now) {
      old.push_back(std::move(young_.front()));
      young_.pop_front();
    }
    // Where handlers begin to wait all the time, many of them are looked at together.
    if (!young_.empty()) next = std::max(young_.front().since + patience, now + look_pause);
  }
  if (next) arm(*next);
  for (const Young& wait : old) {
    const auto what = wait.what.lock();
    if (!what || what->ready()) continue;
    follow(std::make_shared<Chain>(Chain{wait.what, wait.waiter, wait.waiter, {}, {}}));
  }
}

void CircleSearch::follow(const std::shared_ptr<Chain>& chain) {
  const auto what = chain->what.lock();
  if (!what || what->ready() || ++chain->links > links_max) return;
  if (node_.is_here(chain->at.node)) return followed(chain, node_.runtime().follow_waits(chain->at));
  node_.runtime().call_named(
      {Atom("brood"), chain->at.node}, encode_term(Term::tuple({Term::atom("waits_of"), Term(chain->at)})),
      answer_timeout, [this, chain, alive = std::weak_ptr<char>(alive_)](const process::CallResult& answer) {
        if (alive.lock()) followed(chain, trail_of(answer));
      });
}

void CircleSearch::followed(const std::shared_ptr<Chain>& chain, const process::WaitTrail& trail) {
  if (!trail.next) return;
  // A trail of this node may pass the wait where it all began on its way to another node.
  auto end = trail.waits.end();
  if (node_.is_here(chain->at.node) && !chain->waits.empty())
    end = std::find(trail.waits.begin(), trail.waits.end(), chain->waits.front());
  chain->waits.insert(chain->waits.end(), trail.waits.begin(), end);
  chain->at = end == trail.waits.end() ? *trail.next : chain->waiter;
  if (chain->at == chain->waiter) {
    const auto what = chain->what.lock();
    if (!what) return;
    if (chain->waits == chain->before) return what->in_circle();
    if (!chain->before.empty()) return;  // it was another circle, and may be over
    chain->before = std::exchange(chain->waits, {});
  }
  follow(chain);
}

}  // namespace brood::supervisor
