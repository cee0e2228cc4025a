// Identity: who this node is, and how its process and reference numbers look from outside.
//
// Thread rule: constant after construction. (A node that is made distributed later will need a rename() that
// keeps the numbers: pids of before then name a node that is no more, so it must be told to every holder.)
#pragma once

#include <brood/term.hpp>
#include <optional>

#include "process/runtime.hpp"

namespace brood::process {

/// The process number that stands for callers and watchers which are no process.
inline constexpr LocalPid outside{0, 0};

struct Identity {
  NodeName name;
  std::uint32_t creation = 0;

  [[nodiscard]] Pid pid(LocalPid local) const { return Pid{name, local.id, local.serial, creation}; }
  /// Of this start of this node.
  [[nodiscard]] bool owns(const Pid& pid) const { return pid.creation == creation && pid.node == name; }
  [[nodiscard]] static LocalPid local(const Pid& pid) { return LocalPid{pid.id, pid.serial}; }

  /// Three words, of which the first has 18 bits, as OTP's own.
  [[nodiscard]] Ref ref(std::uint64_t id) const {
    return Ref{name,
               creation,
               {static_cast<std::uint32_t>(id & 0x3ffff), static_cast<std::uint32_t>(id >> 18),
                static_cast<std::uint32_t>(id >> 50)}};
  }
  /// The id of a reference that ref() made.
  [[nodiscard]] std::optional<std::uint64_t> id_of(const Ref& ref) const {
    if (ref.creation != creation || ref.words.size() != 3 || ref.node != name) return std::nullopt;
    return std::uint64_t{ref.words[0]} | std::uint64_t{ref.words[1]} << 18 |
           std::uint64_t{ref.words[2]} << 50;
  }
};

}  // namespace brood::process
