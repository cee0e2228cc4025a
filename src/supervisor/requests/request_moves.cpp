// Requests about where children run: move, rebalance, scoreboard, forget_node.
#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/scores.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/node/node_names.hpp"
#include "supervisor/requests/answers.hpp"
#include "supervisor/requests/requests.hpp"

namespace brood::supervisor {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds move_timeout{30000};
constexpr milliseconds forget_timeout{10000};

std::optional<milliseconds> timeout_of(const RequestPtr& request, std::size_t index, milliseconds otherwise) {
  auto options = options_of(request, index, {"timeout"});
  if (!options) return request->fail(options.error()), std::nullopt;
  auto timeout = timeout_option(*options, otherwise);
  if (!timeout) return request->fail(timeout.error()), std::nullopt;
  return *timeout;
}

std::optional<NodeName> node_item(const RequestPtr& request, std::size_t index) {
  const auto text = request->items[index].text();
  auto address = text
                     ? parse_node_address(*text)
                     : Result<NodeAddress>(Error{Errc::invalid_argument,
                                                 to_string(request->items[index], 100) + " is no node name"});
  if (!address) return request->fail(address.error()), std::nullopt;
  return address->name;
}

void answer(const RequestPtr& request, const Result<void>& result) {
  if (!result) return request->fail(result.error());
  request->reply(Term::atom("ok"));
}

/// {move, Sup, Id, Node | auto}, {move, Sup, Id, Node | auto, #{timeout => Ms}}
void move_child(const RequestPtr& request) {
  const auto id = id_item(request);
  if (!id) return;
  const bool by_itself = request->items[2].is_atom("auto");
  const auto to = by_itself ? std::optional(NodeName()) : node_item(request, 2);
  if (!to) return;
  const auto timeout = timeout_of(request, 3, move_timeout);
  if (!timeout) return;
  request->driver->move(by_itself ? core::MoveKind::by_itself : core::MoveKind::to_node, *id, *to, *timeout,
                        [request](const Outcomes& outcomes, bool timed_out) {
                          answer(request, plain_result(outcomes, timed_out, late_move));
                        });
}

void rebalance(const RequestPtr& request) {
  const auto timeout = timeout_of(request, 1, move_timeout);
  if (!timeout) return;
  request->driver->rebalance(*timeout, [request](const Outcomes& outcomes, bool timed_out) {
    answer(request, plain_result(outcomes, timed_out, late_rebalancing));
  });
}

void scoreboard(const RequestPtr& request) {
  request->driver->with_core(
      [request](const core::Core& core) { request->reply(ok_term(scoreboard_term(scoreboard_of(core)))); });
}

void forget_node(const RequestPtr& request) {
  const auto node = node_item(request, 1);
  if (!node) return;
  const auto timeout = timeout_of(request, 2, forget_timeout);
  if (!timeout) return;
  request->driver->forget(*node, *timeout, [request](const Outcomes& outcomes, bool timed_out) {
    answer(request, plain_result(outcomes, timed_out, late_forgetting));
  });
}

}  // namespace

std::vector<Route> move_routes() {
  return {
      {"move", 3, Needs::member, move_child},
      {"move", 4, Needs::member, move_child},
      {"rebalance", 1, Needs::member, rebalance},
      {"rebalance", 2, Needs::member, rebalance},
      {"scoreboard", 1, Needs::supervisor, scoreboard, Speed::quick},
      {"forget_node", 2, Needs::member, forget_node},
      {"forget_node", 3, Needs::member, forget_node},
  };
}

}  // namespace brood::supervisor
