// What the pops from several keys (LMPOP, BLPOP, ZMPOP, BZPOPMIN, ...) share.
#pragma once

#include <cstddef>

#include "engine/context.h"

namespace hearth::commands {

// The first of the keys that exists, for writing. `is_done` tells that an error has been replied: it holds
// another type.
inline engine::WriteHandle FindFirstOf(engine::Context& ctx, size_t first_key, size_t key_count,
                                       engine::Type type, bool& is_done) {
  for (size_t i = first_key; i < first_key + key_count; ++i) {
    engine::WriteHandle handle = ctx.FindForWrite(ctx.key(i));
    if (!handle) continue;
    if (ctx.CheckType(&*handle, type)) return handle;
    is_done = true;
    return {};
  }
  return {};
}

}  // namespace hearth::commands
