// Walking over a database's keys: SCAN, KEYS, RANDOMKEY, DBSIZE.
#include <algorithm>
#include <string>
#include <vector>

#include "base/text.h"
#include "commands/register.h"
#include "commands/scan_options.h"
#include "engine/context.h"
#include "keyspace/string_value.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using keyspace::Database;

bool IsWanted(const ScanOptions& options, const Entry& entry) {
  return options.Matches(entry.key()) &&
         (!options.type || EqualsIgnoreCase(*options.type, keyspace::TypeName(entry.type())));
}

void Scan(Context& ctx) {
  // A sparse table may have many empty buckets in a row: a call visits at most so many times what it was
  // asked for.
  constexpr int64_t kStepsPerKey = 10;
  const auto start = ParseScanCursor(ctx, 1);
  if (!start) return;
  const auto options = ParseScanOptions(ctx, 2, ScanKind::kKeys);
  if (!options) return;
  const Database& db = ctx.db();
  std::vector<std::string_view> found;
  std::vector<std::string> over;
  int64_t seen = 0;
  int64_t steps = std::min(options->count, INT64_MAX / kStepsPerKey) * kStepsPerKey;
  uint64_t cursor = *start;
  do {
    cursor = db.Scan(cursor, [&](const Entry& entry) {
      ++seen;
      if (!IsWanted(*options, entry)) return;
      if (db.IsExpired(entry)) {
        over.emplace_back(entry.key());
      } else {
        found.push_back(entry.key());
      }
    });
  } while (cursor != 0 && --steps > 0 && seen < options->count);
  // A scan is a look at the key too, so that one whose time is over goes.
  for (const std::string& key : over) ctx.Peek(Key(key));
  ctx.reply().Array(2);
  ctx.reply().Bulk(std::to_string(cursor));
  ctx.reply().Array(found.size());
  for (std::string_view key : found) ctx.reply().Bulk(key);
}

void Keys(Context& ctx) {
  const std::string_view pattern = ctx[1];
  const bool all = pattern == "*";
  size_t count = 0;
  Database& db = ctx.db();
  const auto length = ctx.reply().DeferArray();
  db.keys().VisitAll([&](const Entry* entry) {
    if ((!all && !GlobMatch(pattern, entry->key())) || db.IsExpired(*entry)) return;
    ctx.reply().Bulk(entry->key());
    ++count;
  });
  ctx.reply().Finish(length, count);
}

void RandomKey(Context& ctx) {
  const Entry* entry = ctx.db().RandomEntry();
  entry == nullptr ? ctx.reply().Null() : ctx.reply().Bulk(entry->key());
}

void DbSize(Context& ctx) { ctx.reply().Integer(static_cast<int64_t>(ctx.db().size())); }

}  // namespace

void RegisterScan(engine::CommandTable& table) {
  table.Bind("scan", engine::MakeHandler<&Scan>());
  table.Bind("keys", engine::MakeHandler<&Keys>());
  table.Bind("randomkey", engine::MakeHandler<&RandomKey>());
  table.Bind("dbsize", engine::MakeHandler<&DbSize>());
}

}  // namespace hearth::commands
