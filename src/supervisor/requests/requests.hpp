// RequestServer: answers what is asked of {brood, Node} with gen_server:call, by Erlang processes, by other
// brood nodes and by the command line. The table of requests is in docs/guide/requests.md.
//
//   receive() -- reads by id: answered at once, on the thread that they came on
//             \- all else: RequestQueue --> handle() on the query thread --> a handler, which answers, or
//             asks
//                the driver or the router, or puts a big answer together in portions
//
// Thread rule: receive() and client_gone() on any thread. Quick handlers run on any thread, the others on the
// query thread; both may answer later.
#pragma once

#include <brood/term.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/types.hpp"
#include "process/runtime.hpp"
#include "supervisor/requests/request_queue.hpp"
#include "term/child_id.hpp"

namespace brood::supervisor {

class Driver;
class NodeImpl;

/// One request on its way: `{Tag, Item...}` or an atom, and how to answer it.
struct Request {
  NodeImpl& node;
  std::string tag;
  std::vector<Term> items;         ///< Without the tag; see Raw for what is missing.
  Bytes raw;                       ///< See Raw::rest.
  std::shared_ptr<Driver> driver;  ///< Of items[0], where the request names a supervisor.
  std::function<void(EncodedTerm)> reply_bytes;
  std::shared_ptr<RequestQueue> queue;
  RequestQueue::TicketPtr ticket;
  NodeName by = {};          ///< The node that asks.
  bool may_exec = true;      ///< NodeTrust::may_start_commands() of it, when the request came.
  EncodedTerm from = {};     ///< The call's {Pid, Tag}.
  EncodedTerm payload = {};  ///< See Raw::message.
  bool waited = false;       ///< See once_up().

  /// Whether who asks may start that child. not_allowed: it is a command of his own, and he is a stranger.
  [[nodiscard]] Result<void> may_start(const Driver& of, const core::Spec& spec) const;

  void reply(const Term& term) const { reply_bytes(encode_term(term)); }
  /// {error, {Code, <<"words">>}}
  void fail(const Error& error) const;
  void fail(Errc code, std::string message) const { fail(Error{code, std::move(message)}); }
  /// Runs `portion` on the query thread until it returns true, or until the client has gone.
  void in_portions(RequestQueue::Portion portion) const { queue->push_big(ticket, std::move(portion)); }
};
using RequestPtr = std::shared_ptr<const Request>;
using Handler = void (*)(const RequestPtr&);

/// What has to be there for a request to make sense.
enum class Needs : std::uint8_t {
  nothing,
  supervisor,  ///< That which items[0] names.
  member,      ///< That supervisor, and the node has not left its cluster: else what it knows is of the past.
};

/// Where it is handled.
enum class Speed : std::uint8_t {
  queued,
  quick,  ///< At once: it takes microseconds, whatever is in the tables.
};

/// What of a request is left encoded.
enum class Raw : std::uint8_t {
  none,
  message,  ///< items[2], a message for a child, is `payload`; a nil takes its place.
  rest,     ///< What follows items[0] is `raw`, one term after the other, without a version byte.
};

/// A request by its tag and the number of items after it.
struct Route {
  std::string_view tag;
  std::size_t items;
  Needs needs;
  Handler handler;
  Speed speed = Speed::queued;
  Raw raw = Raw::none;
};

class RequestServer {
 public:
  explicit RequestServer(NodeImpl& node);
  void receive(const process::Incoming& incoming);
  /// The connection to that node has ended.
  void client_gone(const NodeName& client) { queue_->client_gone(client); }
  [[nodiscard]] const RequestQueue& queue() const { return *queue_; }

 private:
  void handle(const RequestQueue::TicketPtr& ticket, const EncodedTerm& from, BytesView message,
              const NodeName& by, bool may_exec);
  [[nodiscard]] const Route* find(TermReader& reader) const;
  [[nodiscard]] bool is_quick(BytesView message) const;
  bool handle_call_here(BytesView from, BytesView message);

  NodeImpl& node_;
  std::map<std::pair<std::string_view, std::size_t>, Route> routes_;
  std::shared_ptr<RequestQueue> queue_;
};

// The handlers, by subject; each list is one file.
[[nodiscard]] std::vector<Route> child_routes();    ///< start, stop, retry
[[nodiscard]] std::vector<Route> move_routes();     ///< where children run
[[nodiscard]] std::vector<Route> batch_routes();    ///< many starts or stops
[[nodiscard]] std::vector<Route> message_routes();  ///< call, cast, send
[[nodiscard]] std::vector<Route> read_routes();     ///< lookups in this node's tables
[[nodiscard]] std::vector<Route> list_routes();     ///< all children, or some of them
[[nodiscard]] std::vector<Route> node_routes();     ///< the node, drain
[[nodiscard]] std::vector<Route> fleet_routes();    ///< what a fleet file says
[[nodiscard]] std::vector<Route> log_routes();      ///< what programs wrote
[[nodiscard]] std::vector<Route> history_routes();  ///< what has happened
[[nodiscard]] std::vector<Route> hook_routes();     ///< to be told of what happens
[[nodiscard]] std::vector<Route> network_routes();  ///< peers and what was refused

// ---- what handlers have in common ------------------------------------------------------------------------

[[nodiscard]] Term error_term(const Error& error);
[[nodiscard]] inline Term ok_term(Term value) {
  return Term::tuple({Term::atom("ok"), std::move(value)});
}

/// The id of items[1]; answers the request itself when it is none.
[[nodiscard]] std::optional<ChildId> id_item(const RequestPtr& request);

/// A request's options: a map, or a list of {Key, Value}, with these keys and no others; also a time-out
/// alone or a node alone, where there are such options. `invalid_argument` names the key that is wrong.
[[nodiscard]] Result<Term> read_options(const Term& options, const std::vector<std::string_view>& allowed);
/// The options in items[index]; none when the request is shorter.
[[nodiscard]] Result<Term> options_of(const RequestPtr& request, std::size_t index,
                                      const std::vector<std::string_view>& allowed);
/// The option `node`; none when it is not there.
[[nodiscard]] Result<std::optional<NodeName>> node_option(const Term& options);
/// Runs `then` on the query thread once this node's supervisors are up, with the request as one that has
/// waited; after `timeout` the request fails. What a node does not know while it joins says nothing.
void once_up(const RequestPtr& request, std::chrono::milliseconds timeout,
             std::function<void(const RequestPtr&)> then);
/// It has not waited, and there is something to wait for.
[[nodiscard]] bool may_wait(const RequestPtr& request);
/// Milliseconds, at most a day, which `infinity` is too.
[[nodiscard]] Result<std::chrono::milliseconds> time_item(const Term& value);
/// As time_item(); `fallback` when there is none.
[[nodiscard]] Result<std::chrono::milliseconds> timeout_option(const Term& options,
                                                               std::chrono::milliseconds fallback,
                                                               std::string_view name = "timeout");

}  // namespace brood::supervisor
