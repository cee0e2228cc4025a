#include "supervisor/requests/requests.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/node/node_impl.hpp"

namespace brood::supervisor {

Term error_term(const Error& error) {
  return Term::tuple(
      {Term::atom("error"), Term::tuple({Term::atom(to_string(error.code)), Term::binary(error.message)})});
}

void Request::fail(const Error& error) const {
  reply(error_term(error));
}

Result<void> Request::may_start(const Driver& of, const core::Spec& spec) const {
  if (may_exec || !spec.is_program() || node.worker_table().trusts(of.name(), spec.needs)) return {};
  node.trust().note_refused_command(by);
  return Error{
      Errc::not_allowed,
      "without TLS a command is started for a peer that proves who it is, as brood nodes and the brood "
      "program do, or where this node's own file lists it; see unproven_exec"};
}

RequestServer::RequestServer(NodeImpl& node) : node_(node) {
  for (const auto& routes :
       {child_routes(), read_routes(), node_routes(), fleet_routes(), log_routes(), network_routes()}) {
    for (const Route& route : routes) routes_.emplace(std::pair(route.tag, route.items), route);
  }
}

void RequestServer::receive(const process::Incoming& incoming) {
  TermReader reader(incoming.term);
  if (!reader.version() || !reader.tuple(3)) return;
  auto kind = reader.atom_view();
  if (!kind || *kind != "$gen_call") return;
  auto from = reader.skip();
  if (!from) return;
  const BytesView message = BytesView(incoming.term).substr(reader.position());
  if (handle_call_here(*from, message)) return;
  boost::asio::post(node_.queries(), [this, caller = "\x83" + Bytes(*from), body = "\x83" + Bytes(message),
                                      by = incoming.from.node,
                                      may_exec = node_.trust().may_start_commands(incoming.from.node)] {
    handle(caller, body, by, may_exec);
  });
}

/// The hot path: a call by id that another node has routed here. No Term is built, no thread is changed.
bool RequestServer::handle_call_here(BytesView from, BytesView message) {
  TermReader reader(message);
  if (!reader.tuple(5)) return false;
  auto tag = reader.atom_view();
  if (!tag || *tag != "call_here") return false;
  auto supervisor = reader.atom();
  auto id = supervisor ? read_term<ChildId>(reader) : Result<ChildId>(supervisor.error());
  auto body = id ? reader.skip() : Result<BytesView>(id.error());
  auto timeout = body ? reader.integer() : Result<std::int64_t>(body.error());
  Bytes caller = "\x83" + Bytes(from);
  if (!timeout || *timeout < 0) {
    node_.runtime().reply(caller, encode_call_answer(Error{Errc::malformed, "call_here was not understood"}));
    return true;
  }
  auto driver = node_.find(*supervisor);
  if (!driver) {
    node_.runtime().reply(caller, encode_call_answer(Error{Errc::no_such_supervisor, *supervisor}));
    return true;
  }
  node_.router().call_here(*driver, *id, "\x83" + Bytes(*body), std::chrono::milliseconds(*timeout),
                           [&runtime = node_.runtime(), caller](const process::CallResult& result) {
                             runtime.reply(caller, encode_call_answer(result));
                           });
  return true;
}

void RequestServer::handle(const Bytes& from, const Bytes& message, const NodeName& by, bool may_exec) {
  auto request = std::make_shared<Request>(
      Request{node_,
              {},
              {},
              nullptr,
              [&runtime = node_.runtime(), from](BytesView answer) { runtime.reply(from, Bytes(answer)); },
              by,
              may_exec});
  auto term = decode_term(message);
  if (!term) {
    request->fail(term.error());
    return;
  }
  const auto* tuple = term->as_tuple();
  const Term& head = tuple && !tuple->empty() ? tuple->front() : *term;
  if (!head.as_atom()) {
    request->fail(Errc::invalid_argument, "not a request: " + to_string(*term, 200));
    return;
  }
  request->tag = head.as_atom()->name;
  if (tuple) request->items.assign(tuple->begin() + 1, tuple->end());
  const auto route = routes_.find({request->tag, request->items.size()});
  if (route == routes_.end()) {
    request->fail(Errc::invalid_argument, fmt::format("unknown request {}/{}: {}", request->tag,
                                                      request->items.size(), to_string(*term, 200)));
    return;
  }
  const Needs needs = route->second.needs;
  if (needs != Needs::nothing) {
    const auto name = request->items.front().text();
    request->driver = name ? node_.find(*name) : nullptr;
    if (!request->driver) {
      request->fail(Errc::no_such_supervisor,
                    fmt::format("no supervisor {} on node {}", to_string(request->items.front(), 200),
                                node_.name().value));
      return;
    }
  }
  if (needs == Needs::member && request->driver->has_left()) {
    request->fail(core::has_left(node_.name()));
    return;
  }
  route->second.handler(request);
}

}  // namespace brood::supervisor
