// The memory of the simulator's programs. They run one thread, and take and give back some ten small pieces
// for each message of each node, of very many sizes: the system's allocator looked for them for a fifth of
// the time. Here each size has a list of free pieces, cut from slabs that are never given back.
//
// Left out where a sanitizer is to see each piece.
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr std::size_t grain = 16;
constexpr std::size_t small_max = 1024;
constexpr std::size_t slab_bytes = std::size_t{1} << 16;
/// Addresses only: pages are taken when they are written.
constexpr std::size_t arena_bytes = std::size_t{1} << 40;

struct Free {
  Free* next;
};

class Arena {
 public:
  void* take(std::size_t bytes) {
    const std::size_t size = bytes == 0 ? 1 : bytes;
    if (size > small_max) return large(size);
    const std::size_t index = (size - 1) / grain;
    Free*& free = free_[index];
    if (free == nullptr && !cut(index)) return large(size);
    Free* piece = free;
    free = piece->next;
    return piece;
  }

  void give_back(void* piece) {
    const std::size_t at = static_cast<std::size_t>(static_cast<char*>(piece) - begin_);
    if (begin_ == nullptr || at >= arena_bytes) return std::free(piece);
    const std::size_t index = sizes_[at / slab_bytes];
    auto* one = static_cast<Free*>(piece);
    one->next = free_[index];
    free_[index] = one;
  }

 private:
  static void* large(std::size_t bytes) {
    void* piece = std::malloc(bytes);
    if (piece == nullptr) throw std::bad_alloc();
    return piece;
  }

  bool cut(std::size_t index) {
    if (begin_ == nullptr) {
      begin_ = static_cast<char*>(map(arena_bytes));
      sizes_ = static_cast<std::uint8_t*>(map(arena_bytes / slab_bytes));
    }
    if (used_ == arena_bytes / slab_bytes) return false;
    sizes_[used_] = static_cast<std::uint8_t>(index);
    char* slab = begin_ + used_++ * slab_bytes;
    const std::size_t size = (index + 1) * grain;
    for (std::size_t at = slab_bytes / size; at > 0; --at) {
      auto* piece = reinterpret_cast<Free*>(slab + (at - 1) * size);
      piece->next = free_[index];
      free_[index] = piece;
    }
    return true;
  }

  static void* map(std::size_t bytes) {
    void* at =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) std::abort();
    return at;
  }

  char* begin_ = nullptr;
  std::uint8_t* sizes_ = nullptr;  ///< Of each slab: the size of its pieces.
  std::size_t used_ = 0;
  std::array<Free*, small_max / grain> free_{};
};

constinit Arena arena;

}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads): both forms of delete do the same
void* operator new(std::size_t bytes) {
  return arena.take(bytes);
}
void operator delete(void* piece) noexcept {
  if (piece != nullptr) arena.give_back(piece);
}
void operator delete(void* piece, std::size_t /*bytes*/) noexcept {
  if (piece != nullptr) arena.give_back(piece);
}
// NOLINTEND(misc-new-delete-overloads)

#endif
