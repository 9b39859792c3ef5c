// Commands in their simplest form, for tests of the engine itself: the real ones stand on a higher floor.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/engine.h"
#include "keyspace/list_value.h"

namespace hearth::engine::testing {

inline void Ping(Context& ctx) { ctx.reply().Simple("PONG"); }

inline void Set(Context& ctx) {
  ctx.db().SetString(ctx.key(1), ctx[2]);
  ctx.reply().Ok();
}

inline void Exists(Context& ctx) { ctx.reply().Integer(ctx.FindForRead(ctx.key(1)) != nullptr); }

inline void Del(Context& ctx) { ctx.reply().Integer(ctx.db().Remove(ctx.key(1))); }

// INCR, which fails on every key that is there.
inline void Incr(Context& ctx) {
  if (ctx.Peek(ctx.key(1)) != nullptr) return ctx.WrongType();
  ctx.db().SetString(ctx.key(1), "1");
  ctx.reply().Integer(1);
}

// PEXPIRE key ms: its effect is an absolute time.
inline void PExpire(Context& ctx) {
  const auto ms = ctx.Integer(2);
  if (!ms) return;
  const int64_t at_ms = ctx.now_ms() + *ms;
  ctx.db().SetExpiry(ctx.key(1), at_ms);
  ctx.effects().Replace({"PEXPIREAT", ctx[1], std::to_string(at_ms)});
  ctx.reply().Integer(1);
}

inline void RPush(Context& ctx) {
  WriteHandle handle = ctx.FindForWrite(ctx.key(1));
  if (!handle) handle = keyspace::ListValue::Create(ctx.db(), ctx.key(1));
  keyspace::ListValue list(handle);
  list.Push(keyspace::ListEnd::kTail, ctx.args().subspan(2));
  ctx.reply().Integer(static_cast<int64_t>(list.Length()));
}

// BLPOP key... ms: elements must be text.
inline void BLPop(Context& ctx) {
  const auto timeout_ms = ctx.Integer(ctx.size() - 1);
  if (!timeout_ms) return;
  const Arguments keys = ctx.args().subspan(1, ctx.size() - 2);
  for (std::string_view key : keys) {
    WriteHandle handle = ctx.FindForWrite(Key(key));
    if (!handle) continue;
    if (!ctx.CheckType(&*handle, Type::kList)) return;
    ctx.reply().Array(2);
    ctx.reply().Bulk(key);
    ctx.reply().Bulk(keyspace::ListReader(*handle).Peek(keyspace::ListEnd::kHead).text);
    keyspace::ListValue(handle).Drop(keyspace::ListEnd::kHead, 1);
    ctx.effects().Replace({"LPOP", key});
    return;
  }
  if (!ctx.may_block()) return ctx.reply().NullArray();
  ctx.Block({.keys = {keys.begin(), keys.end()},
             .type = Type::kList,
             .deadline_ms = *timeout_ms == 0 ? 0 : ctx.now_ms() + *timeout_ms});
}

// Gives these and the engine's own commands their handlers.
inline void BindCommands(Engine& engine) {
  CommandTable& table = engine.commands();
  table.Bind("ping", MakeHandler<&Ping>());
  table.Bind("set", MakeHandler<&Set>());
  table.Bind("exists", MakeHandler<&Exists>());
  table.Bind("del", MakeHandler<&Del>());
  table.Bind("incr", MakeHandler<&Incr>());
  table.Bind("pexpire", MakeHandler<&PExpire>());
  table.Bind("rpush", MakeHandler<&RPush>());
  table.Bind("blpop", MakeHandler<&BLPop>());
  table.Bind("multi", MakeHandler<&Engine::Multi>(engine));
  table.Bind("exec", MakeHandler<&Engine::Exec>(engine));
  table.Bind("discard", MakeHandler<&Engine::Discard>(engine));
  table.Bind("watch", MakeHandler<&Engine::Watch>(engine));
  table.Bind("unwatch", MakeHandler<&Engine::Unwatch>(engine));
}

}  // namespace hearth::engine::testing
