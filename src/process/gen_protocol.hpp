// The messages of OTP's gen_server, as bytes: what a message is, and how our own are made.
//
// Thread rule: pure functions. Source: gen.erl and gen_server.erl of OTP 25.
#pragma once

#include <brood/term.hpp>
#include <optional>

namespace brood::process {

/// What an encoded message is.
struct GenMessage {
  enum class Kind : std::uint8_t { info, cast, call, malformed };
  Kind kind = Kind::info;
  Bytes payload;  ///< The message itself (with version byte); empty for info: it is the whole term.
  Bytes from;     ///< {Pid, Tag} of a call, with version byte.
};
[[nodiscard]] GenMessage read_gen_message(BytesView term);

/// {'$gen_cast', Message}
[[nodiscard]] Bytes make_gen_cast(BytesView message);
/// {Pid, [alias | Ref]}: a caller that takes its answer by alias.
[[nodiscard]] Bytes make_from(const Pid& pid, const Ref& alias);
/// {'$gen_call', From, Message}
[[nodiscard]] Bytes make_gen_call(BytesView from, BytesView message);
/// {Tag, Answer}
[[nodiscard]] Bytes make_gen_reply(BytesView tag, BytesView answer);
/// {'EXIT', Pid, Reason}
[[nodiscard]] Bytes make_exit_message(const Pid& from, const Term& reason);

/// A caller taken apart.
struct GenFrom {
  Pid pid;
  Bytes tag;                 ///< Encoded, with version byte.
  std::optional<Ref> alias;  ///< Set when the answer goes by alias.
};
[[nodiscard]] std::optional<GenFrom> read_from(BytesView from);

/// An answer {Tag, Answer} that arrived.
struct GenReply {
  Ref ref;       ///< Of the tag.
  Bytes answer;  ///< With version byte.
};
[[nodiscard]] std::optional<GenReply> read_reply(BytesView term);
/// The answer alone (with version byte), whatever its tag; nullopt where `term` is none.
[[nodiscard]] std::optional<Bytes> take_reply_answer(Bytes term);

}  // namespace brood::process
