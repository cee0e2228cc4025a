// Rarely: a value that mostly is what a T begins as, and then costs a pointer, for parts of what there is a
// million of.
//
// Reading what was never changed reads the one T that all such share; change() makes one's own. Copies are
// deep; equal when the values are. Thread rule: as of the value.
#pragma once

#include <memory>
#include <utility>

namespace brood::inline v0 {

template <typename T>
class Rarely {
 public:
  Rarely() = default;
  Rarely(T value) { *this = std::move(value); }  // NOLINT(google-explicit-constructor)
  Rarely(const Rarely& other) : own_(other.own_ ? std::make_unique<T>(*other.own_) : nullptr) {}
  Rarely(Rarely&&) noexcept = default;
  Rarely& operator=(Rarely other) noexcept {
    own_ = std::move(other.own_);
    return *this;
  }
  Rarely& operator=(T value) {
    own_ = value == T{} ? nullptr : std::make_unique<T>(std::move(value));
    return *this;
  }
  ~Rarely() = default;

  const T& operator*() const { return own_ ? *own_ : unchanged(); }
  const T* operator->() const { return &**this; }
  /// To be written to. It costs from now on, whatever is written.
  T& change() {
    if (!own_) own_ = std::make_unique<T>();
    return *own_;
  }
  void reset() { own_.reset(); }
  /// Costs nothing again where what was written is what a T begins as.
  void settle() {
    if (own_ && *own_ == T{}) own_.reset();
  }

  friend bool operator==(const Rarely& a, const Rarely& b) { return a.own_ == b.own_ || *a == *b; }

 private:
  static const T& unchanged() {
    // Never freed: it may be read while statics are destroyed.
    static const T& value = *new T();  // NOLINT(cppcoreguidelines-owning-memory)
    return value;
  }

  std::unique_ptr<T> own_;
};

}  // namespace brood::inline v0
