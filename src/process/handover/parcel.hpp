// Parcel: what a process takes along when it moves, as a value that travels.
//
// Thread rule: a value.
#pragma once

#include <brood/result.hpp>
#include <brood/term.hpp>
#include <chrono>
#include <cstdint>
#include <vector>

namespace brood::process {

// In a parcel terms stand as binaries, so that whoever passes it on need not read them.

/// A worker's state, as its save() (or prepare_handover()) gave it.
struct SavedState {
  std::uint64_t version = 0;  ///< The worker's `state_version`, 0 where it names none.
  Bytes state;                ///< An encoded term; empty: the worker has no save().

  [[nodiscard]] bool has_state() const { return !state.empty(); }
  friend bool operator==(const SavedState&, const SavedState&) = default;
};

/// A message that no handler has seen.
struct ParcelMail {
  enum class Kind : std::uint8_t { info, cast, call, timer, down };
  Kind kind = Kind::info;
  /// The message as an encoded term, of a call without its '$gen_call'. Of a down: {Ref, Pid, Name, Node,
  /// Reason}. Who sent a cast or info is not known to a mailbox, as in OTP.
  Bytes message;
  /// Of a call: the encoded {Pid, Tag} to answer to. It names the source's node, which gives the answer on to
  /// whoever called; empty where the caller waits no more.
  Bytes caller;
  std::uint64_t timer = 0;  ///< Of a timer that was due before the capture: its TimerId.
  friend bool operator==(const ParcelMail&, const ParcelMail&) = default;
};

/// A message to itself that was not due. send_after() has no period: what ticks sends itself the next one.
struct ParcelTimer {
  std::uint64_t id = 0;               ///< Its TimerId, which stays good at the target.
  std::chrono::milliseconds left{0};  ///< When the process was captured.
  Bytes message;
  friend bool operator==(const ParcelTimer&, const ParcelTimer&) = default;
};

struct Parcel {
  SavedState saved;
  bool traps_exits = false;
  std::vector<ParcelMail> mail;  ///< In the order in which it is to be handled.
  std::vector<ParcelTimer> timers;
  /// The calls that handlers took for later and whose promises are part of the state, as the encoded
  /// {Pid, Tag} that the state holds for each.
  std::vector<Bytes> callers;

  [[nodiscard]] bool has_state() const { return saved.has_state(); }
  /// What encode() would give, or a little more.
  [[nodiscard]] std::size_t bytes() const;
  /// Calls among mail and callers: so many answers the stub will wait for, at most.
  [[nodiscard]] std::size_t open_calls() const;
  friend bool operator==(const Parcel&, const Parcel&) = default;
};

/// A stand-alone term {brood_parcel, 1, #{...}} with version byte. What is unknown in it is passed over, so
/// that a later version may add to it.
[[nodiscard]] EncodedTerm encode_parcel(const Parcel& parcel);
/// `malformed`: it is none. `type_mismatch`: it is of a version that this node does not know.
[[nodiscard]] Result<Parcel> decode_parcel(BytesView bytes);

}  // namespace brood::process
