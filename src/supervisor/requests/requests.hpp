// RequestServer: answers what is asked of {brood, Node} with gen_server:call, by Erlang processes, by other
// brood nodes and by the command line. The table of requests is in docs/guide/requests.md.
//
// Thread rule: receive() on any thread. Handlers run on the query thread and may answer later.
#pragma once

#include <brood/term.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/types.hpp"
#include "process/runtime.hpp"

namespace brood::supervisor {

class Driver;
class NodeImpl;

/// One request on its way: `{Tag, Item...}` or an atom, and how to answer it.
struct Request {
  NodeImpl& node;
  std::string tag;
  std::vector<Term> items;         ///< Without the tag.
  std::shared_ptr<Driver> driver;  ///< Of items[0], where the request names a supervisor.
  std::function<void(BytesView)> reply_bytes;
  NodeName by = {};      ///< The node that asks.
  bool may_exec = true;  ///< NodeTrust::may_start_commands() of it, when the request came.

  /// Whether who asks may start that child. not_allowed: it is a command of his own, and he is a stranger.
  [[nodiscard]] Result<void> may_start(const Driver& of, const core::Spec& spec) const;

  void reply(const Term& term) const { reply_bytes(encode_term(term)); }
  /// {error, {Code, <<"words">>}}
  void fail(const Error& error) const;
  void fail(Errc code, std::string message) const { fail(Error{code, std::move(message)}); }
};
using RequestPtr = std::shared_ptr<const Request>;
using Handler = void (*)(const RequestPtr&);

/// What has to be there for a request to make sense.
enum class Needs : std::uint8_t {
  nothing,
  supervisor,  ///< That which items[0] names.
  member,      ///< That supervisor, and the node has not left its cluster: else what it knows is of the past.
};

/// A request by its tag and the number of items after it.
struct Route {
  std::string_view tag;
  std::size_t items;
  Needs needs;
  Handler handler;
};

class RequestServer {
 public:
  explicit RequestServer(NodeImpl& node);
  void receive(const process::Incoming& incoming);

 private:
  void handle(const Bytes& from, const Bytes& message, const NodeName& by, bool may_exec);
  bool handle_call_here(BytesView from, BytesView message);

  NodeImpl& node_;
  std::map<std::pair<std::string_view, std::size_t>, Route> routes_;
};

// The handlers, by subject; each list is one file.
[[nodiscard]] std::vector<Route> child_routes();    ///< start, stop, call, cast, ...
[[nodiscard]] std::vector<Route> read_routes();     ///< lookups in this node's tables
[[nodiscard]] std::vector<Route> node_routes();     ///< the node, drain
[[nodiscard]] std::vector<Route> fleet_routes();    ///< what a fleet file says
[[nodiscard]] std::vector<Route> log_routes();      ///< what programs wrote
[[nodiscard]] std::vector<Route> network_routes();  ///< peers and what was refused

// ---- terms that answers are made of ----------------------------------------------------------------------

[[nodiscard]] Term error_term(const Error& error);
[[nodiscard]] inline Term ok_term(Term value) {
  return Term::tuple({Term::atom("ok"), std::move(value)});
}

}  // namespace brood::supervisor
