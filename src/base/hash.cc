#include "base/hash.h"

// Inlining makes short keys several times faster than a call into the shared library.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace hearth {
namespace {
uint64_t hash_seed = 0x9e3779b97f4a7c15u;
}  // namespace

void SetHashSeed(uint64_t seed) { hash_seed = seed; }

uint64_t Hash(std::string_view bytes) { return XXH3_64bits_withSeed(bytes.data(), bytes.size(), hash_seed); }

}  // namespace hearth
