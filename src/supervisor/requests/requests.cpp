#include "supervisor/requests/requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "supervisor/driver/driver.hpp"
#include "supervisor/driver/router.hpp"
#include "supervisor/driver/specs.hpp"
#include "supervisor/node/node_impl.hpp"
#include "supervisor/requests/answers.hpp"

namespace brood::supervisor {

namespace {

/// A longer one is decoded on the query thread, whatever it asks.
constexpr std::size_t quick_bytes_max = 2048;

EncodedTerm with_version(BytesView term) {
  EncodedTerm out;
  out.reserve(term.size() + 1);
  TermWriter writer(out);
  writer.version();
  writer.encoded(term);
  return out;
}

}  // namespace

Term error_term(const Error& error) {
  return Term::tuple({Term::atom("error"), reason_term(error)});
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

std::optional<ChildId> id_item(const RequestPtr& request) {
  auto id = ChildId::from_term(request->items[1]);
  if (id) return *id;
  request->fail(id.error());
  return std::nullopt;
}

namespace {

/// What is meant by options that are written in another way than as a map.
Term meant_options(const Term& options, const std::vector<std::string_view>& allowed) {
  const auto is_allowed = [&](std::string_view name) {
    return std::find(allowed.begin(), allowed.end(), name) != allowed.end();
  };
  if (auto map = from_property_list(options)) return *std::move(map);
  // A time-out alone, as the last argument of OTP's calls; else a node, as that of Horde's and Pogo's starts.
  if (is_allowed("timeout") && (options.as_integer() || options.is_atom("infinity")))
    return Term::map({{Term::atom("timeout"), options}});
  if (is_allowed("node") && options.as_atom() && options.as_atom()->name.find('@') != std::string::npos)
    return Term::map({{Term::atom("node"), options}});
  return options;
}

}  // namespace

Result<Term> read_options(const Term& given, const std::vector<std::string_view>& allowed) {
  const Term options = meant_options(given, allowed);
  const auto* entries = options.as_map();
  if (!entries) {
    return Error{Errc::invalid_argument,
                 "options must be a map or a list of {Key, Value}, not " + to_string(options, 200)};
  }
  for (const auto& [key, value] : *entries) {
    const auto* name = key.as_atom();
    if (name && std::find(allowed.begin(), allowed.end(), name->name) != allowed.end()) continue;
    return Error{Errc::invalid_argument, fmt::format("unknown option {}; allowed: {}", to_string(key, 100),
                                                     fmt::join(allowed, ", "))};
  }
  return options;
}

Result<Term> options_of(const RequestPtr& request, std::size_t index,
                        const std::vector<std::string_view>& allowed) {
  return request->items.size() <= index ? Result<Term>(Term::map({}))
                                        : read_options(request->items[index], allowed);
}

bool may_wait(const RequestPtr& request) {
  return !request->waited && !request->node.up().waits_for().empty();
}

void once_up(const RequestPtr& request, std::chrono::milliseconds timeout,
             std::function<void(const RequestPtr&)> then) {
  auto& queries = request->node.queries();
  // On the query thread only. Empty: it waits no more, and what has yet to hear that this node is up keeps
  // nothing of it.
  const auto waiting = std::make_shared<RequestPtr>(request);
  const auto timer = std::make_shared<boost::asio::steady_timer>(queries, timeout);
  timer->async_wait([waiting](const boost::system::error_code& cancelled) {
    const RequestPtr late = cancelled ? nullptr : std::exchange(*waiting, nullptr);
    if (late)
      late->fail(Errc::timeout, fmt::format("{} joins still; nothing was changed", late->node.name().text()));
  });
  request->node.up().when_up([waiting, timer, &queries, then = std::move(then)](const Result<void>&) {
    boost::asio::post(queries, [waiting, timer, then] {
      const RequestPtr asked = std::exchange(*waiting, nullptr);
      if (!asked) return;
      timer->cancel();
      const auto again = std::make_shared<Request>(*asked);
      again->waited = true;
      then(again);
    });
  });
}

Result<std::optional<NodeName>> node_option(const Term& options) {
  const Term* value = options.get("node");
  if (!value) return std::optional<NodeName>{};
  auto text = value->text();
  if (!text || text->empty()) return Error{Errc::invalid_argument, "option node: must be a node's name"};
  return std::optional<NodeName>(NodeName(*text));
}

Result<std::chrono::milliseconds> timeout_option(const Term& options, std::chrono::milliseconds fallback,
                                                 std::string_view name) {
  const Term* value = options.get(name);
  if (!value) return fallback;
  auto time = time_item(*value);
  if (!time) return Error{Errc::invalid_argument, fmt::format("option {}: {}", name, time.error().message)};
  return time;
}

Result<std::chrono::milliseconds> time_item(const Term& value) {
  constexpr std::int64_t longest = 86'400'000;
  // A day is for ever enough, and no later time has to be told from none.
  if (value.is_atom("infinity")) return std::chrono::milliseconds(longest);
  const auto* number = value.as_integer();
  if (!number || *number < 0 || *number > longest)
    return Error{Errc::invalid_argument, "must be milliseconds, at most a day, or infinity"};
  return std::chrono::milliseconds(*number);
}

RequestServer::RequestServer(NodeImpl& node)
    : node_(node),
      queue_(std::make_shared<RequestQueue>(node.options().requests, [&node](std::function<void()> serve) {
        boost::asio::post(node.queries(), std::move(serve));
      })) {
  for (const auto& routes :
       {child_routes(), move_routes(), batch_routes(), message_routes(), read_routes(), list_routes(),
        node_routes(), fleet_routes(), log_routes(), network_routes(), history_routes(), hook_routes()}) {
    for (const Route& route : routes) routes_.emplace(std::pair(route.tag, route.items), route);
  }
}

void RequestServer::receive(const process::Incoming& incoming) {
  TermReader reader(incoming.term);
  if (!reader.version() || !reader.tuple(3)) return;
  auto kind = reader.atom_view();
  const bool is_call = kind && *kind == "$gen_call";
  const bool is_system = kind && *kind == "system";
  if (!is_call && !is_system) return;
  auto from = reader.skip();
  if (!from) return;
  if (is_system) {  // sys:get_state({brood, Node}) and the like
    const Error none{Errc::not_allowed,
                     "the node answers requests; node_info, {stats, Sup} and {describe, Sup, all} say what "
                     "it does"};
    return node_.runtime().reply(with_version(*from), encode_term(error_term(none)));
  }
  const BytesView message = BytesView(incoming.term).substr(reader.position());
  if (handle_call_here(*from, message)) return;
  EncodedTerm caller = with_version(*from);
  auto ticket = queue_->admit(incoming.from.node, message.size());
  if (!ticket) {
    node_.runtime().reply(caller, encode_term(error_term(ticket.error())));
    return;
  }
  const bool may_exec = node_.trust().may_start_commands(incoming.from.node);
  if (is_quick(message)) return handle(*ticket, caller, message, incoming.from.node, may_exec);
  queue_->push(*ticket, [this, ticket = *ticket, caller = std::move(caller), body = Bytes(message),
                         by = incoming.from.node, may_exec] { handle(ticket, caller, body, by, may_exec); });
}

/// The route of `{Tag, Item...}` or `Tag`; the reader stands before the first item then. nullptr: none.
const Route* RequestServer::find(TermReader& reader) const {
  std::size_t items = 0;
  if (auto arity = reader.tuple()) {
    if (*arity == 0) return nullptr;
    items = *arity - 1;
  }
  const auto tag = reader.atom_view();
  if (!tag) return nullptr;
  const auto route = routes_.find({*tag, items});
  return route == routes_.end() ? nullptr : &route->second;
}

bool RequestServer::is_quick(BytesView message) const {
  if (message.size() > quick_bytes_max) return false;
  TermReader reader(message);
  const Route* route = find(reader);
  return route != nullptr && route->speed == Speed::quick;
}

/// The hot path: a call by id that another node has routed here. No Term is built, no thread is changed.
bool RequestServer::handle_call_here(BytesView from, BytesView message) {
  TermReader reader(message);
  const auto arity = reader.tuple();
  if (!arity || *arity != 5) return false;
  auto tag = reader.atom_view();
  if (!tag || *tag != "call_here") return false;
  auto supervisor = reader.atom();
  auto id = supervisor ? read_term<ChildId>(reader) : Result<ChildId>(supervisor.error());
  auto body = id ? reader.skip() : Result<BytesView>(id.error());
  auto timeout = body ? reader.integer() : Result<std::int64_t>(body.error());
  EncodedTerm caller = with_version(from);
  if (!timeout || *timeout < 0) {
    node_.runtime().reply(caller, encode_call_answer(Error{Errc::malformed, "call_here was not understood"}));
    return true;
  }
  auto driver = node_.find(*supervisor);
  if (!driver) {
    node_.runtime().reply(caller, encode_call_answer(Error{Errc::no_such_supervisor, *supervisor}));
    return true;
  }
  node_.router().call_here(*driver, *id, with_version(*body), std::chrono::milliseconds(*timeout),
                           [&runtime = node_.runtime(), caller](const process::CallResult& result) {
                             runtime.reply(caller, encode_call_answer(result));
                           });
  return true;
}

namespace {

/// Reads the items of a request, or leaves them as the route says. An error is of the term.
Result<void> read_items(Request& request, const Route& route, TermReader& reader, BytesView message) {
  for (std::size_t i = 0; i < route.items; ++i) {
    if (route.raw == Raw::rest && i == 1) {
      request.raw = Bytes(message.substr(reader.position()));
      return {};
    }
    if (route.raw == Raw::message && i == 2) {
      auto raw = reader.skip();
      if (!raw) return raw.error();
      request.payload = with_version(*raw);
      request.items.push_back(Term::list({}));
      continue;
    }
    auto item = reader.term();
    if (!item) return item.error();
    request.items.push_back(std::move(*item));
  }
  if (!reader.at_end()) return Error{Errc::malformed, "something follows the request"};
  return {};
}

}  // namespace

void RequestServer::handle(const RequestQueue::TicketPtr& ticket, const EncodedTerm& from, BytesView message,
                           const NodeName& by, bool may_exec) {
  if (ticket->is_gone()) return;
  auto request =
      std::make_shared<Request>(Request{node_,
                                        {},
                                        {},
                                        {},
                                        nullptr,
                                        [&runtime = node_.runtime(), from, ticket](EncodedTerm answer) {
                                          if (!ticket->is_gone()) runtime.reply(from, std::move(answer));
                                        },
                                        queue_,
                                        ticket,
                                        by,
                                        may_exec,
                                        from});
  TermReader reader(message);
  const Route* route = find(reader);
  if (!route) {
    const bool is_request = reader.position() > 0;
    request->fail(Errc::invalid_argument,
                  fmt::format("{}: {}", is_request ? "unknown request" : "not a request",
                              encoded_to_string(with_version(message), 200)));
    return;
  }
  request->tag = route->tag;
  if (auto read = read_items(*request, *route, reader, message); !read) {
    request->fail(read.error());
    return;
  }
  if (route->needs != Needs::nothing) {
    const auto name = request->items.front().text();
    request->driver = name ? node_.find(*name) : nullptr;
    if (!request->driver) {
      request->fail(Errc::no_such_supervisor,
                    fmt::format("no supervisor {} on node {}", to_string(request->items.front(), 200),
                                node_.name().text()));
      return;
    }
  }
  if (route->needs == Needs::member && request->driver->has_left()) {
    request->fail(core::has_left(node_.name()));
    return;
  }
  route->handler(request);
}

}  // namespace brood::supervisor
