// System messages: what OTP's sys module asks of any process that keeps to the rules of special processes,
// {system, From, Request}. brood takes one for a call with the message {'$brood_system', Request}, so that it
// keeps its place among the others and goes with a process that moves; the process answers it in place of its
// worker.
//
//   get_state            State or {error, {Code, Words}}             Behaviour::shown_state()
//   get_status           {status, Pid, {module, Name}, [...]}        as that of a gen_server
//   {terminate, Reason}  ok, and the process ends for that reason
//   resume               ok: it is never suspended
//   suspend              {error, {not_allowed, Words}}: others wait for it, its supervisor first
//   anything else        {error, {unknown_system_msg, Request}}, as OTP answers what it does not know
//
// Source: sys.erl and gen.erl of OTP 25.
#pragma once

#include <brood/worker.hpp>
#include <optional>

namespace brood::process {

/// The call that stands for that request, which is encoded without version byte. Pure.
[[nodiscard]] EncodedTerm make_system_call(BytesView request);
/// The request of such a call, without version byte; as long as the message. nullopt: it is any other. Pure.
[[nodiscard]] std::optional<BytesView> read_system_call(const Message& message);

/// Answers one; on the process's own thread. What the worker throws meanwhile is part of the answer.
[[nodiscard]] Result<EncodedTerm> answer_system(Context& process, Behaviour& behaviour, BytesView request);

}  // namespace brood::process
