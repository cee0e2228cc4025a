#include <array>
#include <atomic>
#include <brood/node_name.hpp>
#include <memory>

namespace brood::inline v0 {

struct NodeName::Text {
  explicit Text(std::string_view text) : value(text), hash(std::hash<std::string_view>{}(text)) {}
  const std::string value;
  const std::size_t hash;
  std::atomic<std::uint32_t> copies{1};  ///< Of a text that is kept, nobody looks at it.
};

namespace {

/// The texts that are kept, by open addressing: read without a lock, never taken out. Twice as many places as
/// there may be texts, so that a search soon meets an empty one.
template <typename Text>
class Kept {
 public:
  static constexpr std::size_t most = 4096;

  /// Null: it is not kept.
  [[nodiscard]] Text* find(std::string_view text, std::size_t hash) const noexcept {
    for (std::size_t at = hash;; ++at) {
      Text* const one = places_[at % places_.size()].load(std::memory_order_acquire);
      if (!one || (one->hash == hash && one->value == text)) return one;
    }
  }

  /// Null: there is no room.
  [[nodiscard]] Text* add(std::string_view text, std::size_t hash) {
    if (Text* const before = find(text, hash)) return before;
    if (count_.fetch_add(1, std::memory_order_relaxed) >= most) {
      count_.fetch_sub(1, std::memory_order_relaxed);
      return nullptr;
    }
    auto fresh = std::make_unique<Text>(text);
    for (std::size_t at = hash;; ++at) {
      Text* there = nullptr;
      if (places_[at % places_.size()].compare_exchange_strong(there, fresh.get(),
                                                               std::memory_order_acq_rel)) {
        return fresh.release();  // kept until the program ends
      }
      if (there->hash == hash && there->value == text) {  // another thread was faster
        count_.fetch_sub(1, std::memory_order_relaxed);
        return there;
      }
    }
  }

 private:
  std::array<std::atomic<Text*>, 2 * most> places_{};
  std::atomic<std::size_t> count_{0};
};

/// Never destroyed: names of static storage duration may outlive everything here.
template <typename Text>
Kept<Text>& kept() {
  static auto& all = *new Kept<Text>;  // NOLINT(cppcoreguidelines-owning-memory)
  return all;
}

/// A function, for a name without text may be asked for it before main().
const std::string& no_text() {
  static const std::string none;
  return none;
}

}  // namespace

NodeName::NodeName(std::string_view text) {
  if (text.empty()) return;
  if (Text* const one = kept<Text>().find(text, std::hash<std::string_view>{}(text))) {
    bits_ = reinterpret_cast<std::uintptr_t>(one);  // NOLINT(cppcoreguidelines-pro-type-reinterpret-cast)
    return;
  }
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory,cppcoreguidelines-pro-type-reinterpret-cast)
  bits_ = reinterpret_cast<std::uintptr_t>(new Text(text)) | counted;
}

NodeName NodeName::keep(const NodeName& name) {
  if ((name.bits_ & counted) == 0) return name;
  const Text& text = *name.pointee();
  Text* const one = kept<Text>().add(text.value, text.hash);
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
  return one ? NodeName(reinterpret_cast<std::uintptr_t>(one)) : name;
}

NodeName::Text* NodeName::pointee() const noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast,performance-no-int-to-ptr)
  return reinterpret_cast<Text*>(bits_ & ~counted);
}

const std::string& NodeName::text() const noexcept {
  return bits_ == 0 ? no_text() : pointee()->value;
}

std::size_t NodeName::hash() const noexcept {
  return bits_ == 0 ? 0 : pointee()->hash;
}

void NodeName::retain() const noexcept {
  pointee()->copies.fetch_add(1, std::memory_order_relaxed);
}

void NodeName::release() noexcept {
  // NOLINTNEXTLINE(cppcoreguidelines-owning-memory)
  if (pointee()->copies.fetch_sub(1, std::memory_order_acq_rel) == 1) delete pointee();
}

bool NodeName::same_text(const NodeName& a, const NodeName& b) noexcept {
  return a.hash() == b.hash() && a.text() == b.text();
}

}  // namespace brood::inline v0
