// IdKey: what an id is made of. Behind brood::Id; not for programs.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// What an id is.
enum class IdKind : std::uint8_t { atom, binary, term };

namespace detail {

/// A kind, up to 255 bytes and their hash, in 32 bytes: an id is hashed once, where it is made, and up to 22
/// bytes of it lie in place. There may be millions of copies. Plain data.
class IdKey {
 public:
  static constexpr std::size_t bytes_max = 255;

  /// Names nothing.
  IdKey() noexcept = default;
  /// At most bytes_max bytes.
  IdKey(IdKind kind, std::string_view bytes);
  IdKey(const IdKey& other) : IdKey(other, other.is_far() ? copy_of(other.bytes()) : nullptr) {}
  IdKey(IdKey&& other) noexcept : IdKey(other, other.far()) { other.forget(); }
  IdKey& operator=(const IdKey& other) {
    IdKey copy(other);
    return *this = std::move(copy);
  }
  IdKey& operator=(IdKey&& other) noexcept {
    if (this == &other) return *this;
    release();
    assign(other, other.far());
    other.forget();
    return *this;
  }
  ~IdKey() { release(); }

  [[nodiscard]] IdKind kind() const noexcept { return kind_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// Valid while this object lives and is not assigned to.
  [[nodiscard]] std::string_view bytes() const noexcept { return {is_far() ? far() : place_, size_}; }
  /// The same on every node, compiler and release: FNV-1a over a tag byte ('a', 'b' or 't', by the kind) and
  /// the bytes, then the finaliser (base/hash.hpp). Placement is built on it.
  [[nodiscard]] std::uint64_t hash() const noexcept { return hash_; }

  friend bool operator==(const IdKey& a, const IdKey& b) noexcept {
    return a.hash_ == b.hash_ && a.kind_ == b.kind_ && a.bytes() == b.bytes();
  }
  /// By kind, then by bytes.
  friend std::strong_ordering operator<=>(const IdKey& a, const IdKey& b) noexcept {
    if (a.kind_ != b.kind_) return a.kind_ <=> b.kind_;
    return a.bytes().compare(b.bytes()) <=> 0;
  }

 private:
  static constexpr std::size_t in_place = 22;

  IdKey(const IdKey& other, const char* far) noexcept { assign(other, far); }
  [[nodiscard]] bool is_far() const noexcept { return size_ > in_place; }
  [[nodiscard]] const char* far() const noexcept {
    const char* at = nullptr;
    if (is_far()) std::memcpy(&at, place_, sizeof(at));
    return at;
  }
  /// As `other`, with its bytes at `far` if they are not in place.
  void assign(const IdKey& other, const char* far) noexcept {
    hash_ = other.hash_;
    size_ = other.size_;
    kind_ = other.kind_;
    std::memcpy(place_, other.place_, in_place);
    if (is_far()) std::memcpy(place_, &far, sizeof(far));
  }
  void forget() noexcept { size_ = 0; }
  void release() noexcept {
    if (is_far()) free_far();
  }
  void free_far() noexcept;
  [[nodiscard]] static const char* copy_of(std::string_view bytes);

  std::uint64_t hash_ = 0;
  char place_[in_place] = {};  ///< The bytes, or where they are.
  std::uint8_t size_ = 0;
  IdKind kind_ = IdKind::binary;
};
static_assert(sizeof(IdKey) == 32);

}  // namespace detail
}  // namespace brood::inline v0

#pragma GCC visibility pop
