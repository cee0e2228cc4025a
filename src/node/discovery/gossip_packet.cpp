#include "node/discovery/gossip_packet.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "node/net/wire.hpp"

namespace brood::node {
namespace {

constexpr std::string_view magic = "BRD1";
constexpr std::size_t signature_bytes = 32;

Bytes signature_of(BytesView signed_part, std::string_view cookie) {
  // A key of its own, so that a signature here is of no use anywhere else that the cookie counts.
  const std::string key = "brood gossip 1:" + std::string(cookie);
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(signed_part.data()), signed_part.size(), out, &length);
  return Bytes(reinterpret_cast<const char*>(out), length);
}

}  // namespace

Bytes make_gossip(std::string_view name, std::string_view cookie, std::chrono::milliseconds now) {
  name = name.substr(0, 255);
  Bytes out(magic);
  wire::put(out, static_cast<std::uint64_t>(now.count()), 8);
  wire::put(out, name.size(), 1);
  out += name;
  out += signature_of(out, cookie);
  return out;
}

std::optional<std::string> read_gossip(BytesView datagram, std::string_view cookie,
                                       std::chrono::milliseconds now) {
  if (datagram.size() > gossip_bytes_max || datagram.size() < signature_bytes) return std::nullopt;
  const BytesView signed_part = datagram.substr(0, datagram.size() - signature_bytes);
  wire::Cursor in(signed_part);
  const bool ours = in.take(magic.size()) == magic;
  const std::uint64_t sent = in.u64();
  const BytesView name = in.take(in.u8());
  if (!ours || in.bad() || !in.rest().empty()) return std::nullopt;
  const Bytes expected = signature_of(signed_part, cookie);
  if (expected.size() != signature_bytes) return std::nullopt;
  if (CRYPTO_memcmp(expected.data(), datagram.data() + signed_part.size(), signature_bytes) != 0)
    return std::nullopt;
  const auto here = static_cast<std::uint64_t>(now.count());
  const std::uint64_t age = here > sent ? here - sent : sent - here;
  if (age > static_cast<std::uint64_t>(gossip_age_max.count())) return std::nullopt;
  return std::string(name);
}

}  // namespace brood::node
