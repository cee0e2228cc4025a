// The messages between cores as terms: a record {Tag, Field..., Ext}, Ext a map for fields of later versions.
//
// What a later version adds to a spec or a member is kept and passed on; what it adds elsewhere is skipped,
// and so is a whole message of an unknown tag. Whole numbers are integers, node names atoms, texts binaries,
// an optional value [] or [Value]; the layout of each record is its line in wire.cpp.
//
// Everything is bounds-checked, and memory is taken for what has been read only.
// Thread rule: pure functions.
#pragma once

#include "core/base/messages.hpp"

namespace brood::core {

[[nodiscard]] Bytes encode(const MessageBody& body);

/// `malformed` when it is no message, or contradicts itself; unknown_message when its tag is of a later
/// version: no error of the peer, count and skip it.
[[nodiscard]] Result<MessageBody> decode(BytesView bytes);
inline constexpr Errc unknown_message = Errc::type_mismatch;

}  // namespace brood::core
