// Whole databases: SELECT, SWAPDB, FLUSHDB, FLUSHALL.
#include "base/numbers.h"
#include "commands/database_index.h"
#include "commands/register.h"
#include "engine/context.h"
#include "engine/engine.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using keyspace::Database;

void Select(Context& ctx) {
  const auto index = DatabaseIndex(ctx, 1);
  if (!index) return;
  if (ctx.settings().cluster_enabled && *index != 0)
    return ctx.Error("ERR SELECT is not allowed in cluster mode");
  ctx.client().database = *index;
  ctx.reply().Ok();
}

void SwapDb(Context& ctx) {
  if (ctx.settings().cluster_enabled) return ctx.Error("ERR SWAPDB is not allowed in cluster mode");
  const auto first = ctx.IntegerIn(1, INT32_MIN, INT32_MAX, "ERR invalid first DB index");
  if (!first) return;
  const auto second = ctx.IntegerIn(2, INT32_MIN, INT32_MAX, "ERR invalid second DB index");
  if (!second) return;
  const int count = ctx.keyspace().database_count();
  if (*first < 0 || *first >= count || *second < 0 || *second >= count) {
    return ctx.Error("ERR DB index is out of range");
  }
  if (*first != *second) {
    ctx.keyspace().SwapDatabases(static_cast<int>(*first), static_cast<int>(*second));
    ctx.engine().OnDatabasesSwapped(static_cast<int>(*first), static_cast<int>(*second));
  }
  ctx.keyspace().CountChanges(1);
  ctx.reply().Ok();
}

// Whether freeing all values takes less time than waking the worker is worth.
bool IsSmall(const Database& db) {
  constexpr size_t kKeys = 16;
  constexpr size_t kEffort = 64;
  if (db.size() > kKeys) return false;
  size_t effort = 0;
  uint64_t cursor = 0;
  do {
    cursor = db.Scan(cursor, [&](const Entry& entry) { effort += keyspace::FreeEffort(entry); });
  } while (cursor != 0);
  return effort <= kEffort;
}

// SYNC promises that the keys are gone, and so they are; who gives their memory back is nobody's matter but
// the engine's, which never waits for it.
void ClearDatabase(Context& ctx, int index) {
  Database& db = ctx.keyspace().database(index);
  if (db.size() == 0) return;
  ctx.engine().OnDatabaseCleared(index);
  db.Clear(!IsSmall(db));
}

// True if the command may go on.
bool CheckMode(Context& ctx) {
  if (ctx.size() == 1 || (ctx.size() == 2 && (ctx.Is(1, "SYNC") || ctx.Is(1, "ASYNC")))) return true;
  ctx.SyntaxError();
  return false;
}

void FlushDb(Context& ctx) {
  if (!CheckMode(ctx)) return;
  ClearDatabase(ctx, ctx.client().database);
  ctx.engine().OnFlushed();
  // Passed on even if nothing was there: elsewhere something might be.
  ctx.effects().Replace(ctx.args());
  ctx.reply().Ok();
}

void FlushAll(Context& ctx) {
  if (!CheckMode(ctx)) return;
  for (int i = 0; i < ctx.keyspace().database_count(); ++i) ClearDatabase(ctx, i);
  ctx.engine().OnFlushed();
  if (ctx.engine().hooks().on_all_flushed) ctx.engine().hooks().on_all_flushed();
  ctx.effects().Replace(ctx.args());
  ctx.reply().Ok();
}

}  // namespace

void RegisterDatabases(engine::CommandTable& table) {
  table.Bind("select", engine::MakeHandler<&Select>());
  table.Bind("swapdb", engine::MakeHandler<&SwapDb>());
  table.Bind("flushdb", engine::MakeHandler<&FlushDb>());
  table.Bind("flushall", engine::MakeHandler<&FlushAll>());
}

}  // namespace hearth::commands
