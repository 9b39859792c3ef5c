// Commands over many keys: the memory of several keys is asked for before the first of them is used.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "engine/context.h"

namespace hearth::commands {

// Calls `use(key, i)` for the arguments i = first, first + step, ... in order. `use` may change the keyspace.
template <typename Use>
void ForEachKey(engine::Context& ctx, size_t first, size_t step, Use&& use) {
  // As many cache misses as a core keeps in flight.
  constexpr size_t kChunk = 16;
  std::array<uint64_t, kChunk> hashes;
  const keyspace::Database& db = ctx.db();
  for (size_t start = first; start < ctx.size(); start += kChunk * step) {
    const size_t count = std::min(kChunk, (ctx.size() - start + step - 1) / step);
    if (count > 1) {
      for (size_t n = 0; n < count; ++n) {
        hashes[n] = ctx.key(start + n * step).hash;
        db.PrefetchBucket(hashes[n]);
      }
      for (size_t n = 0; n < count; ++n) db.PrefetchEntry(hashes[n]);
    } else {
      hashes[0] = ctx.key(start).hash;
    }
    for (size_t n = 0; n < count; ++n) {
      const size_t i = start + n * step;
      use(engine::Key(ctx[i], hashes[n]), i);
    }
  }
}

}  // namespace hearth::commands
