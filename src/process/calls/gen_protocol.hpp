// The messages of OTP's gen_server, as bytes: what a message is, and how our own are made.
//
// Thread rule: pure functions. Source: gen.erl and gen_server.erl of OTP 25.
#pragma once

#include <brood/term.hpp>
#include <optional>

namespace brood::process {

/// What an encoded message is.
///
/// A call *carries its watch* when the tail of its tag says so: {'$gen_call', {Pid, [[alias | Ref] | watch]},
/// Message}. Then nobody has sent a monitor for it: the node of the callee tells the caller, as it would tell
/// a monitor by that reference, when the callee ends (or is not there) and the call was not answered. Only a
/// node that has said in the handshake that it does so is called in this way
/// (docs/decisions/0010-calls-carry-their-watch.md); to anybody else the tag is one like all, to be given
/// back with the answer.
///
/// A message of OTP's sys module is such a call too: see system_messages.hpp.
struct GenMessage {
  enum class Kind : std::uint8_t { info, cast, call, malformed };
  Kind kind = Kind::info;
  EncodedTerm payload;  ///< The message itself (with version byte); empty for info: it is the whole term.
  EncodedTerm from;     ///< {Pid, Tag} of a call, with version byte.
};
[[nodiscard]] GenMessage read_gen_message(BytesView term);
/// The same, where `term` may be taken over: it is left as it was for info and malformed, else empty.
[[nodiscard]] GenMessage take_gen_message(EncodedTerm& term);

/// {'$gen_cast', Message}
[[nodiscard]] EncodedTerm make_gen_cast(BytesView message);
/// {Pid, [alias | Ref]}: a caller that takes its answer by alias.
[[nodiscard]] EncodedTerm make_from(const Pid& pid, const Ref& alias);
/// {'$gen_call', From, Message}
[[nodiscard]] EncodedTerm make_gen_call(BytesView from, BytesView message);
/// {Tag, Answer}
[[nodiscard]] EncodedTerm make_gen_reply(BytesView tag, BytesView answer);
/// What stands before the message of a call, and before the answer of a reply; without version byte, behind
/// what `out` holds. `watched`: the call carries its watch.
void put_call_head(Bytes& out, const Pid& pid, const Ref& alias, bool watched);
void put_reply_head(Bytes& out, BytesView tag);
/// {'EXIT', Pid, Reason}
[[nodiscard]] EncodedTerm make_exit_message(const Pid& from, const Term& reason);

/// A caller taken apart; for as long as the bytes it was read from.
struct GenFrom {
  Pid pid;
  BytesView tag;             ///< Encoded, without version byte.
  std::optional<Ref> alias;  ///< Set when the answer goes by alias.
  bool watched = false;      ///< The call carries its watch.
};
[[nodiscard]] std::optional<GenFrom> read_from(BytesView from);
/// The reference of a tag, by which the caller monitors the callee if it does; nullopt where it has none.
[[nodiscard]] std::optional<Ref> ref_of_tag(BytesView tag);

/// An answer {Tag, Answer} that arrived.
struct GenReply {
  Ref ref;             ///< Of the tag.
  EncodedTerm answer;  ///< With version byte.
};
[[nodiscard]] std::optional<GenReply> read_reply(BytesView term);
/// The answer alone (with version byte), whatever its tag; nullopt where `term` is none.
[[nodiscard]] std::optional<EncodedTerm> take_reply_answer(EncodedTerm term);

}  // namespace brood::process
