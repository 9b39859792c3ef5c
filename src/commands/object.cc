// OBJECT: how a value is kept.
#include "commands/object.h"

#include "engine/context.h"
#include "keyspace/access.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;

// The entry that OBJECT looks at: counted like any read, but a missing key is nobody's event. Replies null if
// absent.
const Entry* FindObject(Context& ctx) {
  const Entry* entry = ctx.Peek(ctx.key(2));
  auto& stats = ctx.keyspace().stats();
  ++(entry != nullptr ? stats.hits : stats.misses);
  if (entry == nullptr) ctx.reply().Null();
  return entry;
}

void ObjectEncoding(Context& ctx) {
  if (const Entry* entry = FindObject(ctx)) ctx.reply().Bulk(keyspace::EncodingName(entry->encoding()));
}

void ObjectFreq(Context& ctx) {
  const Entry* entry = FindObject(ctx);
  if (entry == nullptr) return;
  if (!keyspace::IsLfuPolicy(ctx.settings())) {
    return ctx.Error(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when "
        "switching "
        "between policies at runtime LRU and LFU data will take some time to adjust.");
  }
  ctx.reply().Integer(keyspace::Frequency(entry->access(), ctx.settings(), ctx.now_ms()));
}

void ObjectIdleTime(Context& ctx) {
  const Entry* entry = FindObject(ctx);
  if (entry == nullptr) return;
  if (keyspace::IsLfuPolicy(ctx.settings())) {
    return ctx.Error(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching "
        "between "
        "policies at runtime LRU and LFU data will take some time to adjust.");
  }
  ctx.reply().Integer(keyspace::IdleMs(entry->access(), ctx.now_ms()) / 1000);
}

// Every value has one owner here. Small integers are known to clients as shared by everybody, unless an
// eviction policy needs an access time for each key.
void ObjectRefCount(Context& ctx) {
  constexpr int64_t kSharedIntegers = 10000;
  const Entry* entry = FindObject(ctx);
  if (entry == nullptr) return;
  using settings::MaxmemoryPolicy;
  const MaxmemoryPolicy policy = ctx.settings().maxmemory_policy;
  const bool needs_access = policy == MaxmemoryPolicy::kVolatileLru ||
                            policy == MaxmemoryPolicy::kAllkeysLru || keyspace::IsLfuPolicy(ctx.settings());
  const bool is_shared = entry->type() == engine::Type::kString && entry->is_int() &&
                         entry->int_value() >= 0 && entry->int_value() < kSharedIntegers &&
                         !(needs_access && ctx.settings().maxmemory != 0);
  ctx.reply().Integer(is_shared ? INT32_MAX : 1);
}

void ObjectHelp(Context& ctx) {
  constexpr std::string_view kLines[] = {
      "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "ENCODING <key>",
      "    How the value is kept in memory.",
      "FREQ <key>",
      "    How often the key is used, on a logarithmic scale of 0 to 255; needs an LFU policy.",
      "IDLETIME <key>",
      "    Seconds since the key was last used; needs a policy that is not LFU.",
      "REFCOUNT <key>",
      "    How many owners the value has.",
      "HELP",
      "    This text.",
  };
  ctx.reply().Array(std::size(kLines));
  for (std::string_view line : kLines) ctx.reply().Simple(line);
}

}  // namespace

void RegisterObject(engine::CommandTable& table) {
  table.Bind("object|encoding", engine::MakeHandler<&ObjectEncoding>());
  table.Bind("object|freq", engine::MakeHandler<&ObjectFreq>());
  table.Bind("object|idletime", engine::MakeHandler<&ObjectIdleTime>());
  table.Bind("object|refcount", engine::MakeHandler<&ObjectRefCount>());
  table.Bind("object|help", engine::MakeHandler<&ObjectHelp>());
}

}  // namespace hearth::commands
