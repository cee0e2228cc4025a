// Both sides of the handshake fed with packets that nobody vouches for. Whatever comes, it ends in failure or
// goes on; nobody is believed without the cookie.
#include <cstddef>
#include <cstdint>

#include "node/handshake/flags.hpp"
#include "node/handshake/handshake.hpp"

namespace {

using namespace brood;
using namespace brood::node;
using Event = Handshake::Event;

void run(Handshake handshake, Bytes input, unsigned choice) {
  for (;;) {
    const auto packet = take_handshake_packet(input);
    if (!packet || !packet->has_value()) return;
    Event event = handshake.on_packet(**packet);
    if (event == Event::decide) event = handshake.decide(static_cast<HandshakeStatus>(choice % 5));
    if (event == Event::alive) event = handshake.answer_alive(choice % 2 != 0);
    (void)handshake.take_output();
    // 128 bits of digest are not guessed.
    BROOD_CHECK(event != Event::authenticated && event != Event::established, "believed without the cookie");
    if (event == Event::failed) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const HandshakeOptions options{.self = NodeName("a@127.0.0.1"),
                                 .creation = 7,
                                 .flags = flag::announced,
                                 .cookie = "a cookie that is not in any input",
                                 .challenge = 99};
  const Bytes input(reinterpret_cast<const char*>(data + 1), size - 1);
  run(Handshake::acceptor(options), input, data[0]);
  run(Handshake::initiator(options, NodeName("b@127.0.0.1")), input, data[0]);
  return 0;
}
