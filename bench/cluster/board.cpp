#include "bench/cluster/board.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <new>
#include <stdexcept>

namespace brood::bench {

namespace {
void* map(int fd) {
  void* memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no shared memory");
  return memory;
}
}  // namespace

Board& Board::make(int& fd) {
  fd = ::memfd_create("brood-bench", 0);
  if (fd < 0 || ::ftruncate(fd, sizeof(Board)) != 0) throw std::runtime_error("no shared memory");
  return *new (map(fd)) Board;
}

Board& Board::open(int fd) {
  return *std::launder(static_cast<Board*>(map(fd)));
}

}  // namespace brood::bench
