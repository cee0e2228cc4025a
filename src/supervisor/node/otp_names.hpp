// What a node owes to the names that every Erlang node has: an answer. `net_adm:ping` and what builds on it
// ask `net_kernel`, and break the connection when nobody answers; `rpc` falls back to `rex`, and would wait
// until its time-out. Nothing of Erlang runs here, so all that is asked but for a ping is refused, at once
// and in the shape that the caller expects.
//
// Thread rule: add_otp_names() once, while the runtime starts; the rest are pure functions. Source:
// net_kernel.erl and rpc.erl of OTP 25, ei_rpc of libei 5.3, OtpConnection.sendRPC of Jinterface 1.13.
#pragma once

#include <brood/term.hpp>
#include <optional>

#include "process/runtime.hpp"

namespace brood::supervisor {

/// How a message to such a name is answered.
struct OtpAnswer {
  EncodedTerm caller;  ///< {Pid, Tag} of a call; empty: `to` is sent the answer as it is.
  Pid to;
  EncodedTerm answer;  ///< With version byte.
};

/// nullopt: a message that wants no answer.
[[nodiscard]] std::optional<OtpAnswer> answer_of_net_kernel(const process::Incoming& message);
[[nodiscard]] std::optional<OtpAnswer> answer_of_rex(const process::Incoming& message);

/// Takes the names `net_kernel` and `rex` of this node. `runtime` must outlive the network.
void add_otp_names(process::Runtime& runtime);

}  // namespace brood::supervisor
