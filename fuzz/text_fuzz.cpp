// Any text as a term: what is accepted is printed, and what is printed is read as the same term.
#include <brood/term.hpp>
#include <cstddef>
#include <cstdint>

using namespace brood;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto term = parse_term(text);
  if (!term) {
    BROOD_CHECK(term.error().message.rfind("column ", 0) == 0, "an error gives its column");
    return 0;
  }
  const std::string printed = to_string(*term);
  const auto again = parse_term(printed);
  BROOD_CHECK(again, "what is printed can be read");
  BROOD_CHECK(*again == *term, "what is printed is the same term");
  BROOD_CHECK(to_string(*term, 20).size() <= 20, "a cut text keeps to its limit");
  const auto decoded = decode_term(encode_term(*term));
  BROOD_CHECK(decoded && *decoded == *term, "a term that was read can be encoded");
  return 0;
}
