#include "script/digest.h"

#include <openssl/sha.h>

namespace hearth::script {

Digest DigestOf(std::string_view text) {
  unsigned char bytes[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes);
  constexpr std::string_view kDigits = "0123456789abcdef";
  Digest digest;
  for (size_t i = 0; i < sizeof(bytes); ++i) {
    digest[2 * i] = kDigits[bytes[i] >> 4];
    digest[2 * i + 1] = kDigits[bytes[i] & 15];
  }
  return digest;
}

}  // namespace hearth::script
