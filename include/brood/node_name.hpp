// NodeName: the name of a node, eight bytes that are copied and compared without looking at the text.
#pragma once

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <utility>

#pragma GCC visibility push(default)

namespace brood::inline v0 {

/// The name of a node, "name@host". A strong type over the atom that carries it on the wire.
///
/// It is made of text wherever one is due (`.on = "n2@host"`), is compared with text as it is, and becomes
/// text by text(), by a sum with other text, by `<<`, and in fmt where brood/fmt.hpp is included. Any text is
/// taken here: what takes a name from a program answers invalid_argument, in words, where it is none.
///
/// The texts of names that matter, those of members, are kept once for the whole program (keep()): such a
/// name is copied as a number is, and two of them are equal when they are the same one. Any other text is
/// shared by the copies of its name and goes with the last of them, so a peer that makes up names fills no
/// memory. Both kinds compare by their text, so which of them a name is shows nowhere but in time.
///
/// Any thread; a single object as an int.
class NodeName {
 public:
  NodeName() noexcept = default;
  NodeName(std::string_view text);                                         // NOLINT: implicit on purpose
  NodeName(const std::string& text) : NodeName(std::string_view(text)) {}  // NOLINT
  NodeName(const char* text) : NodeName(std::string_view(text)) {}         // NOLINT
  NodeName(const NodeName& other) noexcept : bits_(other.bits_) {
    if ((bits_ & counted) != 0) retain();
  }
  NodeName(NodeName&& other) noexcept : bits_(std::exchange(other.bits_, 0)) {}
  NodeName& operator=(const NodeName& other) noexcept {
    NodeName copy(other);
    std::swap(bits_, copy.bits_);
    return *this;
  }
  NodeName& operator=(NodeName&& other) noexcept {
    std::swap(bits_, other.bits_);
    return *this;
  }
  ~NodeName() {
    if ((bits_ & counted) != 0) release();
  }

  [[nodiscard]] bool empty() const noexcept { return bits_ == 0; }
  /// Valid as long as a copy of this name is there.
  [[nodiscard]] const std::string& text() const noexcept;
  [[nodiscard]] std::size_t hash() const noexcept;

  /// The same name, with its text kept for good; `name` itself where as many are kept as may be (4096).
  [[nodiscard]] static NodeName keep(const NodeName& name);

  friend bool operator==(const NodeName& a, const NodeName& b) noexcept {
    return a.bits_ == b.bits_ || (((a.bits_ | b.bits_) & counted) != 0 && same_text(a, b));
  }
  friend std::strong_ordering operator<=>(const NodeName& a, const NodeName& b) noexcept {
    if (a.bits_ == b.bits_) return std::strong_ordering::equal;
    return a.text() <=> b.text();
  }
  // With text as it is: no name is made of it. Templates, so that no conversion is as good as another.
  template <typename Text>
  requires std::convertible_to<const Text&, std::string_view>
  friend bool operator==(const NodeName& a, const Text& b) { return a.text() == std::string_view(b); }
  template <typename Text>
  requires std::convertible_to<const Text&, std::string_view>
  friend std::strong_ordering operator<=>(const NodeName& a, const Text& b) {
    return std::string_view(a.text()) <=> std::string_view(b);
  }
  template <typename Char, typename Traits>
  friend std::basic_ostream<Char, Traits>& operator<<(std::basic_ostream<Char, Traits>& out,
                                                      const NodeName& name) {
    return out << name.text();
  }
  friend std::string operator+(std::string_view before, const NodeName& name) {
    return std::string(before) + name.text();
  }
  friend std::string operator+(const NodeName& name, std::string_view after) {
    return name.text() + std::string(after);
  }

 private:
  struct Text;
  static constexpr std::uintptr_t counted = 1;

  explicit NodeName(std::uintptr_t bits) noexcept : bits_(bits) {}
  [[nodiscard]] Text* pointee() const noexcept;
  void retain() const noexcept;
  void release() noexcept;
  static bool same_text(const NodeName& a, const NodeName& b) noexcept;

  std::uintptr_t bits_ = 0;  ///< A Text, with the lowest bit set where its copies are counted; 0: no name.
};

}  // namespace brood::inline v0

template <>
struct std::hash<brood::NodeName> {
  std::size_t operator()(const brood::NodeName& name) const noexcept { return name.hash(); }
};

#pragma GCC visibility pop
