#include "bench/caf/calls.hpp"

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "bench/cluster/board.hpp"

namespace brood::bench {

namespace {

std::int64_t ns(double seconds) {
  return static_cast<std::int64_t>(seconds * 1e9);
}

/// What a request is answered with; `response` is what `self->request()` returned.
template <typename Response>
std::int64_t received(Response&& response) {
  std::int64_t answer = -1;
  std::string failure;
  response.receive([&](std::int64_t value) { answer = value; },
                   [&](const caf::error& error) { failure = caf::to_string(error); });
  if (!failure.empty()) throw std::runtime_error(failure);
  return answer;
}

std::int64_t call(caf::scoped_actor& self, const caf::actor& callee) {
  return received(self->request(callee, caf::infinite, caf::get_atom::value));
}

/// Chains of requests of one actor that begin one another until the time is over.
struct Chains {
  Actors callees;
  std::int64_t until_ns = 0;
  std::size_t running = 0;
  std::int64_t calls = 0;
  caf::response_promise done;
};
using Caller = caf::stateful_actor<Chains>;

void next(Caller* self, std::size_t chain) {
  Chains& chains = self->state;
  if (now_ns() >= chains.until_ns) {
    if (--chains.running == 0) chains.done.deliver(chains.calls);
    return;
  }
  self->request(chains.callees[chain], caf::infinite, caf::get_atom::value)
      .then(
          [self, chain](std::int64_t) {
            ++self->state.calls;
            next(self, chain);
          },
          [self](caf::error& error) { self->state.done.deliver(std::move(error)); });
}

/// Asked with a time, it has a chain to each of the callees until then, and answers how many answers came.
caf::behavior caller(Caller* self, Actors callees) {
  self->state.callees = std::move(callees);
  return {[self](std::int64_t until_ns) -> caf::result<std::int64_t> {
    Chains& chains = self->state;
    chains.until_ns = until_ns;
    chains.running = chains.callees.size();
    chains.done = self->make_response_promise();
    for (std::size_t chain = 0; chain < chains.callees.size(); ++chain) next(self, chain);
    return caf::delegated<std::int64_t>{};
  }};
}

/// All of them at once; a second.
double rate_of(caf::actor_system& system, const Actors& callers, double seconds) {
  caf::scoped_actor self{system};
  const std::int64_t since = now_ns();
  using Response = decltype(self->request(callers.front(), caf::infinite, since));
  std::vector<Response> waiting;
  for (const caf::actor& one : callers)
    waiting.push_back(self->request(one, caf::infinite, since + ns(seconds)));
  std::int64_t calls = 0;
  for (Response& one : waiting) calls += received(one);
  return double(calls) * 1e9 / double(now_ns() - since);
}

}  // namespace

caf::behavior counter() {
  return {[value = std::int64_t{0}](caf::get_atom) { return value; }};
}

std::vector<double> call_times(caf::actor_system& system, const Actors& callees, double seconds) {
  caf::scoped_actor self{system};
  std::vector<double> taken;
  std::size_t at = 0;
  const std::int64_t until = now_ns() + ns(seconds);
  for (std::int64_t since = now_ns(); since < until;) {
    (void)call(self, callees[at++ % callees.size()]);
    const std::int64_t now = now_ns();
    taken.push_back(double(now - since) * 1e-9);
    since = now;
  }
  return taken;
}

double calls_by_threads(caf::actor_system& system, const Actors& callees, std::size_t threads,
                        double seconds) {
  std::atomic<std::int64_t> calls{0};
  std::atomic<bool> failed{false};
  const std::int64_t since = now_ns();
  const std::int64_t until = since + ns(seconds);
  {
    std::vector<std::jthread> all;
    for (std::size_t i = 0; i < threads; ++i) {
      all.emplace_back([&, callee = callees[i % callees.size()]] {
        std::int64_t mine = 0;
        try {
          caf::scoped_actor self{system};
          for (; now_ns() < until; ++mine) (void)call(self, callee);
        } catch (const std::exception&) {
          failed = true;
        }
        calls += mine;
      });
    }
  }
  if (failed) throw std::runtime_error("a call failed");
  return double(calls.load()) * 1e9 / double(now_ns() - since);
}

double calls_by_actors(caf::actor_system& system, const Actors& callees, std::size_t actors, double seconds) {
  Actors callers;
  for (std::size_t i = 0; i < actors; ++i)
    callers.push_back(system.spawn(caller, Actors{callees[i % callees.size()]}));
  return rate_of(system, callers, seconds);
}

double calls_in_flight(caf::actor_system& system, const Actors& callees, std::size_t calls, double seconds) {
  Actors asked;
  for (std::size_t i = 0; i < calls; ++i) asked.push_back(callees[i % callees.size()]);
  return rate_of(system, {system.spawn(caller, std::move(asked))}, seconds);
}

}  // namespace brood::bench
