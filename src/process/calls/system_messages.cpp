#include "process/calls/system_messages.hpp"

#include <exception>

namespace brood::process {

namespace {

constexpr std::string_view system_mark = "$brood_system";

/// The bytes before the request: {'$brood_system', ...
const Bytes& head() {
  static const Bytes bytes = [] {
    Bytes out;
    TermWriter writer(out);
    writer.version();
    writer.tuple(2);
    writer.atom(system_mark);
    return out;
  }();
  return bytes;
}

Result<Term> shown_state(Behaviour& behaviour) {
  try {
    auto state = behaviour.shown_state();
    if (!state) return state.error();
    return decode_term(*state);
  } catch (const std::exception& error) {
    return Error{Errc::died, std::string("what shows the state threw: ") + error.what()};
  } catch (...) {
    return Error{Errc::died, "what shows the state threw"};
  }
}

Term pair(Term first, Term second) {
  return Term::tuple({std::move(first), std::move(second)});
}

Term named(std::string_view name, Term value) {
  return pair(Term::string(name), std::move(value));
}

/// What sys:get_status/1 gives of a gen_server, with what a child has instead of a parent.
Term status_of(Context& process, Behaviour& behaviour) {
  const WorkerIdentity& who = process.identity();
  const Term supervisor = Term::atom(who.supervisor.empty() ? "undefined" : who.supervisor);
  const Term name = Term::atom(behaviour.shown_name());
  const Term id = who.child_id.empty() ? Term::atom("undefined") : who.child_id.term();
  const Pid self = process.self();
  std::vector<Term> ancestors;
  if (!who.supervisor.empty()) ancestors.push_back(supervisor);
  std::vector<Term> data{named("Status", Term::atom("running")),
                         named("Parent", self),
                         named("Logged events", Term::list({})),
                         named("Supervisor", supervisor),
                         named("Id", id),
                         named("Role", Term::atom(to_string(who.role)))};
  std::vector<Term> shown{
      pair(Term::atom("header"), Term::string("Status for brood child " + to_string(id, 300))),
      pair(Term::atom("data"), Term::list(std::move(data)))};
  if (auto state = shown_state(behaviour))
    shown.push_back(pair(Term::atom("data"), Term::list({named("State", std::move(*state))})));
  Term dictionary =
      Term::list({pair(Term::atom("$initial_call"), Term::tuple({name, Term::atom("init"), Term(1)})),
                  pair(Term::atom("$ancestors"), Term::list(std::move(ancestors)))});
  // It has no parent process: its own pid stands there, as of a gen_server that was started without one.
  return Term::tuple({Term::atom("status"), self, pair(Term::atom("module"), name),
                      Term::list({std::move(dictionary), Term::atom("running"), self, Term::list({}),
                                  Term::list(std::move(shown))})});
}

}  // namespace

EncodedTerm make_system_call(BytesView request) {
  Bytes out;
  out.reserve(head().size() + request.size());
  out += head();
  out += request;
  return EncodedTerm(std::move(out));
}

std::optional<BytesView> read_system_call(const Message& message) {
  if (!message.is_encoded() || !BytesView(message.bytes()).starts_with(head())) return std::nullopt;
  return BytesView(message.bytes()).substr(head().size());
}

Result<EncodedTerm> answer_system(Context& process, Behaviour& behaviour, BytesView request) {
  TermReader reader(request);
  auto asked = reader.term();
  if (!asked) return asked.error();
  if (asked->is_atom("get_state")) {
    auto state = shown_state(behaviour);
    if (!state) return state.error();
    return encode_term(*state);
  }
  if (asked->is_atom("get_status")) return encode_term(status_of(process, behaviour));
  if (asked->is_atom("resume")) return encode_term(Term::atom("ok"));
  if (asked->is_atom("suspend"))
    return Error{Errc::not_allowed,
                 "a child of brood is not suspended, for its supervisor would wait for it; stop it instead"};
  if (asked->is_record("terminate", 2)) {
    process.stop(ExitReason((*asked->as_tuple())[1]));
    return encode_term(Term::atom("ok"));
  }
  return encode_term(
      Term::tuple({Term::atom("error"), Term::tuple({Term::atom("unknown_system_msg"), std::move(*asked)})}));
}

}  // namespace brood::process
