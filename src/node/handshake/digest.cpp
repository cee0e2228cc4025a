#include "node/handshake/digest.hpp"

#include <boost/uuid/detail/md5.hpp>
#include <string>

namespace brood::node {

Digest cookie_digest(std::string_view cookie, std::uint32_t challenge) {
  boost::uuids::detail::md5 hash;
  hash.process_bytes(cookie.data(), cookie.size());
  const std::string decimal = std::to_string(challenge);
  hash.process_bytes(decimal.data(), decimal.size());
  boost::uuids::detail::md5::digest_type words;
  hash.get_digest(words);
  Digest digest{};
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<unsigned char>(words[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

bool digest_equals(const Digest& expected, std::string_view received) {
  if (received.size() != expected.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    difference |= static_cast<unsigned>(expected[i] ^ static_cast<unsigned char>(received[i]));
  }
  return difference == 0;
}

}  // namespace brood::node
