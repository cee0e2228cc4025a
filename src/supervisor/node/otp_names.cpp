#include "supervisor/node/otp_names.hpp"

#include <brood/codec.hpp>

#include "process/calls/gen_protocol.hpp"

namespace brood::supervisor {

namespace {

using Answerer = std::optional<OtpAnswer> (*)(const process::Incoming&);

Term pair(std::string_view first, std::string_view second) {
  return Term::tuple({Term::atom(first), Term::atom(second)});
}

/// The tag of a request that is a tuple, or the atom that it is.
std::string_view tag_of(BytesView request) {
  TermReader in(request);
  if (!in.version()) return {};
  if (in.peek() == TermReader::Kind::tuple && !in.tuple()) return {};
  return in.atom_view().value_or(std::string_view());
}

/// {Pid, {call, Module, Function, Arguments, GroupLeader}}: how libei and Jinterface ask `rex`.
std::optional<Pid> bare_caller(BytesView message) {
  TermReader in(message);
  if (!in.version() || in.tuple().value_or(0) != 2) return std::nullopt;
  auto pid = in.pid();
  if (!pid || in.tuple().value_or(0) == 0) return std::nullopt;
  if (in.atom_view().value_or(std::string_view()) != "call") return std::nullopt;
  return std::move(*pid);
}

void serve(process::Runtime& runtime, std::string_view name, Answerer answer) {
  (void)runtime.register_sink(Atom(name), [&runtime, answer](const process::Incoming& message) {
    auto made = answer(message);
    if (!made) return;
    if (made->caller.empty()) {
      (void)runtime.send(made->to, Message::encoded(std::move(made->answer)));
    } else {
      runtime.reply(made->caller, std::move(made->answer));
    }
  });
}

}  // namespace

std::optional<OtpAnswer> answer_of_net_kernel(const process::Incoming& message) {
  process::GenMessage request = process::read_gen_message(message.term);
  if (request.kind != process::GenMessage::Kind::call) return std::nullopt;
  const bool is_ping = tag_of(request.payload) == "is_auth";
  return OtpAnswer{.caller = std::move(request.from),
                   .to = {},
                   .answer = encode_term(is_ping ? Term::atom("yes") : pair("error", "notsup"))};
}

std::optional<OtpAnswer> answer_of_rex(const process::Incoming& message) {
  process::GenMessage request = process::read_gen_message(message.term);
  const Term refusal = pair("badrpc", "notsup");
  if (request.kind == process::GenMessage::Kind::call) {
    return OtpAnswer{.caller = std::move(request.from), .to = {}, .answer = encode_term(refusal)};
  }
  auto caller = bare_caller(message.term);
  if (!caller) return std::nullopt;
  return OtpAnswer{.caller = {},
                   .to = std::move(*caller),
                   .answer = encode_term(Term::tuple({Term::atom("rex"), refusal}))};
}

void add_otp_names(process::Runtime& runtime) {
  serve(runtime, "net_kernel", answer_of_net_kernel);
  serve(runtime, "rex", answer_of_rex);
}

}  // namespace brood::supervisor
