// Any bytes as a term: what is accepted must come back equal from its own encoding, and skipping must agree
// with reading.
#include <brood/codec.hpp>
#include <cstddef>
#include <cstdint>

using namespace brood;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView bytes(reinterpret_cast<const char*>(data), size);
  const auto term = decode_term(bytes);

  TermReader skipper(bytes);
  const bool skipped = skipper.version() && skipper.skip() && skipper.at_end();
  BROOD_CHECK(!term || skipped, "what is read can be skipped");
  const bool only_reading_refused = !term && skipped;
  BROOD_CHECK(!only_reading_refused || term.error().message.find("a key twice") != std::string::npos,
              "what is skipped can be read");

  static_cast<void>(encoded_to_string(bytes, 300));
  static_cast<void>(decode<std::string>(bytes));
  static_cast<void>(decode<std::vector<std::variant<std::int64_t, double, std::optional<Atom>>>>(bytes));
  static_cast<void>(decode<std::map<std::string, std::pair<Pid, Ref>>>(bytes));
  static_cast<void>(decode_args<std::int32_t, std::string>(bytes));
  if (!term) return 0;

  const EncodedTerm again = encode_term(*term);
  const auto second = decode_term(again);
  BROOD_CHECK(second, "our own encoding can be read");
  BROOD_CHECK(*second == *term && (*second <=> *term) == 0, "our own encoding is of the same term");
  BROOD_CHECK(encode_term(*second) == again, "a term has one encoding");
  const Term copy = *term;  // NOLINT(performance-unnecessary-copy-initialization): the copy is what is tested
  BROOD_CHECK(copy == *second, "a copy is equal");
  return 0;
}
