// The capability flags that two nodes exchange in the handshake, and which of them this node announces and
// asks of a peer. Pure data.
//
// Source: "Distribution Protocol", ERTS user's guide, section "Distribution Flags".
#pragma once

#include <cstdint>
#include <string>

namespace brood::node::flag {

inline constexpr std::uint64_t published = 0x1;
inline constexpr std::uint64_t extended_references = 0x4;
inline constexpr std::uint64_t dist_monitor = 0x8;
inline constexpr std::uint64_t fun_tags = 0x10;
inline constexpr std::uint64_t dist_monitor_name = 0x20;
inline constexpr std::uint64_t new_fun_tags = 0x80;
inline constexpr std::uint64_t extended_pids_ports = 0x100;
inline constexpr std::uint64_t export_ptr_tag = 0x200;
inline constexpr std::uint64_t bit_binaries = 0x400;
inline constexpr std::uint64_t new_floats = 0x800;
inline constexpr std::uint64_t unicode_io = 0x1000;
inline constexpr std::uint64_t small_atom_tags = 0x4000;
inline constexpr std::uint64_t utf8_atoms = 0x10000;
inline constexpr std::uint64_t map_tag = 0x20000;
inline constexpr std::uint64_t big_creation = 0x40000;
inline constexpr std::uint64_t send_sender = 0x80000;
inline constexpr std::uint64_t big_seqtrace_labels = 0x100000;
inline constexpr std::uint64_t exit_payload = 0x400000;
inline constexpr std::uint64_t fragments = 0x800000;
inline constexpr std::uint64_t handshake_23 = 0x1000000;
inline constexpr std::uint64_t unlink_id = 0x2000000;
inline constexpr std::uint64_t mandatory_25_digest = 0x4000000;
inline constexpr std::uint64_t spawn = std::uint64_t{1} << 32;
inline constexpr std::uint64_t name_me = std::uint64_t{1} << 33;
inline constexpr std::uint64_t v4_nc = std::uint64_t{1} << 34;
inline constexpr std::uint64_t alias = std::uint64_t{1} << 35;

/// Of brood, not of OTP: this node answers for the callees of calls that carry their watch
/// (process/calls/gen_protocol.hpp). OTP counts its flags from below and passes over those it does not know;
/// this one is the highest that is a small integer there.
inline constexpr std::uint64_t call_watch = std::uint64_t{1} << 58;

/// Of brood, too: this node proves who it is at the end of the handshake, to peers that do the same
/// (handshake/proof.hpp).
inline constexpr std::uint64_t proof = std::uint64_t{1} << 57;

/// What mandatory_25_digest stands for.
inline constexpr std::uint64_t mandatory_25 = extended_references | fun_tags | extended_pids_ports |
                                              new_fun_tags | export_ptr_tag | bit_binaries | new_floats |
                                              utf8_atoms | map_tag | big_creation | handshake_23;

/// The atom cache is not announced: a distribution header then names no atoms, and every message can be read
/// by itself.
inline constexpr std::uint64_t announced = mandatory_25 | mandatory_25_digest | dist_monitor |
                                           dist_monitor_name | unicode_io | small_atom_tags | send_sender |
                                           big_seqtrace_labels | exit_payload | fragments | unlink_id |
                                           spawn | v4_nc | alias | call_watch | proof;

/// What a peer must have: what OTP 25 asks of its own. Every OTP from 23 on has it, and so have C nodes of
/// its libei and Java nodes of its Jinterface; with them there is one form of each term. What else a peer
/// lacks is not asked of it (channel/dialect.hpp).
inline constexpr std::uint64_t required = mandatory_25;

/// Flags as a peer means them: the digest flag spelled out.
[[nodiscard]] constexpr std::uint64_t expand(std::uint64_t flags) {
  return (flags & mandatory_25_digest) != 0 ? flags | mandatory_25 : flags;
}

/// Names of what `flags` (expanded) lacks of `required`, comma separated; empty when nothing is missing.
[[nodiscard]] std::string missing(std::uint64_t flags);

}  // namespace brood::node::flag
