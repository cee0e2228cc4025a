// Answers of something that may not be EPMD: an answer that is read at some length stays the same when more
// bytes follow it.
#include <cstddef>
#include <cstdint>

#include "node/epmd/epmd.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace brood;
  const BytesView input(reinterpret_cast<const char*>(data), size);
  bool answered = false;
  for (std::size_t length = 0; length <= size && length <= 64; ++length) {
    const auto lookup = node::epmd::lookup_answer(input.substr(0, length));
    BROOD_CHECK(!answered || lookup.has_value(), "an answer was taken back");
    answered = lookup.has_value();
    (void)node::epmd::registration_answer(input.substr(0, length));
  }
  return 0;
}
