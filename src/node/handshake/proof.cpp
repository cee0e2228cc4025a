#include "node/handshake/proof.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "node/net/wire.hpp"

namespace brood::node {
namespace {

void put_party(Bytes& out, const ProofParty& party) {
  wire::put(out, party.name.text().size(), 2);
  out += party.name.text();
  wire::put(out, party.creation, 4);
  wire::put(out, party.flags, 8);
  wire::put(out, party.challenge, 4);
}

}  // namespace

ProofDigest proof_digest(std::string_view cookie, ProofFrom from, const ProofParty& initiator,
                         const ProofParty& acceptor) {
  // A key of its own, so that a proof is of no use anywhere else that the cookie counts.
  const std::string key = "brood proof 1:" + std::string(cookie);
  Bytes text;
  text.push_back(static_cast<char>(from));
  put_party(text, initiator);
  put_party(text, acceptor);
  ProofDigest digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  BROOD_CHECK(size == digest.size(), "SHA-256 has 32 bytes");
  return digest;
}

bool proof_equals(const ProofDigest& expected, BytesView received) {
  return received.size() == expected.size() &&
         CRYPTO_memcmp(expected.data(), received.data(), expected.size()) == 0;
}

}  // namespace brood::node
