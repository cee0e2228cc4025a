// Identity: who this node is, and how its process and reference numbers look from outside.
//
// A node that began without a name may get one, once. Its old name and creation stay good for ever on this
// node: pids and references of before are held by whoever was told them, and the numbers in them do not
// change.
//
// Thread rule: every function from any thread. rename() at most once; who reads at the same time sees the one
// or the other.
#pragma once

#include <atomic>
#include <brood/term.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "process/runtime.hpp"

namespace brood::process {

/// The process number that stands for callers and watchers which are no process.
inline constexpr LocalPid outside{0, 0};

/// A process as one that waits or is waited for.
struct WaiterKey {
  std::uint64_t node = 0;  ///< 0: this one.
  std::uint64_t process = 0;

  [[nodiscard]] static WaiterKey of(LocalPid pid) { return {0, std::uint64_t{pid.serial} << 32 | pid.id}; }
  friend bool operator==(const WaiterKey&, const WaiterKey&) = default;
};

class Identity {
 public:
  Identity(const NodeName& name, std::uint32_t creation)
      : first_{NodeName::keep(name), creation}, now_(&first_) {}

  [[nodiscard]] const NodeName& name() const { return now().name; }
  [[nodiscard]] std::uint32_t creation() const { return now().creation; }
  void rename(const NodeName& name, std::uint32_t creation) {
    BROOD_CHECK(!second_, "a node gets its name once");
    second_ = std::make_unique<Start>(Start{NodeName::keep(name), creation});
    now_.store(second_.get(), std::memory_order_release);
  }

  /// This node's name, that of before too.
  [[nodiscard]] bool is_here(const NodeName& node) const {
    const Start& present = now();
    return node == present.name || (&present != &first_ && node == first_.name);
  }
  [[nodiscard]] Pid pid(LocalPid local) const {
    const Start& present = now();
    return Pid{present.name, local.id, local.serial, present.creation};
  }
  /// Of this start of this node.
  [[nodiscard]] bool owns(const Pid& pid) const { return is_mine(pid.node, pid.creation); }
  /// One form for all pids of a process of this node, to look it up by; others as they are.
  [[nodiscard]] Pid key(const Pid& pid) const {
    if (&now() == &first_ || !owns(pid)) return pid;
    return Pid{first_.name, pid.id, pid.serial, first_.creation};
  }
  /// The same for all pids of a process, of whatever node; what the graph of waiting processes knows it by.
  [[nodiscard]] WaiterKey waiter(const Pid& pid) const {
    if (owns(pid)) return WaiterKey::of(local(pid));
    // Of another node: the hash of its name and start. That two should be the same is out of the question.
    const std::uint64_t start =
        std::hash<std::string>{}(pid.node.text()) ^ pid.creation * 0x9e3779b97f4a7c15U;
    return {start == 0 ? 1 : start, WaiterKey::of(local(pid)).process};
  }
  [[nodiscard]] static LocalPid local(const Pid& pid) { return LocalPid{pid.id, pid.serial}; }

  /// Three words, of which the first has 18 bits, as OTP's own.
  [[nodiscard]] Ref ref(std::uint64_t id) const {
    const Start& present = now();
    return Ref{present.name,
               present.creation,
               {static_cast<std::uint32_t>(id & 0x3ffff), static_cast<std::uint32_t>(id >> 18),
                static_cast<std::uint32_t>(id >> 50)}};
  }
  /// The id of a reference that ref() made.
  [[nodiscard]] std::optional<std::uint64_t> id_of(const Ref& ref) const {
    if (ref.words.size() != 3 || !is_mine(ref.node, ref.creation)) return std::nullopt;
    return std::uint64_t{ref.words[0]} | std::uint64_t{ref.words[1]} << 18 |
           std::uint64_t{ref.words[2]} << 50;
  }

 private:
  struct Start {
    NodeName name;
    std::uint32_t creation = 0;
    [[nodiscard]] bool is(const NodeName& node, std::uint32_t of) const {
      return of == creation && node == name;
    }
  };
  [[nodiscard]] const Start& now() const { return *now_.load(std::memory_order_acquire); }
  [[nodiscard]] bool is_mine(const NodeName& node, std::uint32_t of) const {
    const Start& present = now();
    return present.is(node, of) || (&present != &first_ && first_.is(node, of));
  }

  const Start first_;
  std::unique_ptr<const Start> second_;
  std::atomic<const Start*> now_;
};

}  // namespace brood::process
