#include "engine/acl_password.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

namespace hearth::engine {
namespace {

constexpr size_t kHashDigits = 2 * SHA256_DIGEST_LENGTH;

}  // namespace

std::string HashPassword(std::string_view password) {
  constexpr char kDigits[] = "0123456789abcdef";
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(password.data()), password.size(), hash);
  std::string text;
  text.reserve(kHashDigits);
  for (const unsigned char byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

bool IsPasswordHash(std::string_view text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), [](char digit) {
           return (digit >= '0' && digit <= '9') || (digit >= 'a' && digit <= 'f');
         });
}

bool IsSameHash(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace hearth::engine
