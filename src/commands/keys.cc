// Keys of any type: whether they are there, under which name, in which database.
#include "commands/database_index.h"
#include "commands/key_batch.h"
#include "commands/object.h"
#include "commands/register.h"
#include "engine/context.h"

namespace hearth::commands {
namespace {

using engine::Context;
using engine::Entry;
using engine::Key;
using keyspace::Database;

constexpr std::string_view kSameObject = "ERR source and destination objects are the same";

void NotifyGeneric(Context& ctx, std::string_view event, std::string_view key) {
  ctx.Notify(settings::kNotifyGeneric, event, key);
}

void RemoveKeys(Context& ctx, bool is_lazy) {
  int64_t removed = 0;
  ForEachKey(ctx, 1, 1, [&](const Key& key, size_t) {
    if (!ctx.db().Remove(key, is_lazy)) return;
    NotifyGeneric(ctx, "del", key.text);
    ++removed;
  });
  ctx.reply().Integer(removed);
}

void Del(Context& ctx) { RemoveKeys(ctx, ctx.settings().lazyfree_lazy_user_del); }
void Unlink(Context& ctx) { RemoveKeys(ctx, true); }

void Exists(Context& ctx) {
  int64_t found = 0;
  ForEachKey(ctx, 1, 1, [&](const Key& key, size_t) { found += ctx.Inspect(key) != nullptr; });
  ctx.reply().Integer(found);
}

void Touch(Context& ctx) {
  int64_t found = 0;
  ForEachKey(ctx, 1, 1, [&](const Key& key, size_t) { found += ctx.FindForRead(key) != nullptr; });
  ctx.reply().Integer(found);
}

void Type(Context& ctx) {
  const Entry* entry = ctx.Inspect(ctx.key(1));
  ctx.reply().Simple(entry == nullptr ? "none" : keyspace::TypeName(entry->type()));
}

void RenameGeneric(Context& ctx, bool only_if_free) {
  const Key from = ctx.key(1);
  const Key to = ctx.key(2);
  Database& db = ctx.db();
  if (db.Find(from) == nullptr) return ctx.Error("ERR no such key");
  const bool is_same = from.text == to.text;
  if (is_same || db.Find(to) != nullptr) {
    if (only_if_free) return ctx.reply().Integer(0);
    if (is_same) return ctx.reply().Ok();
    db.Remove(to, ctx.settings().lazyfree_lazy_server_del);
  }
  db.Move(from, db, to);
  NotifyGeneric(ctx, "rename_from", from.text);
  NotifyGeneric(ctx, "rename_to", to.text);
  only_if_free ? ctx.reply().Integer(1) : ctx.reply().Ok();
}

void Rename(Context& ctx) { RenameGeneric(ctx, false); }
void RenameNx(Context& ctx) { RenameGeneric(ctx, true); }

void Move(Context& ctx) {
  if (ctx.settings().cluster_enabled) return ctx.Error("ERR MOVE is not allowed in cluster mode");
  const auto index = DatabaseIndex(ctx, 2);
  if (!index) return;
  Database& source = ctx.db();
  Database& target = ctx.keyspace().database(*index);
  if (&source == &target) return ctx.Error(kSameObject);
  const Key key = ctx.key(1);
  if (source.Find(key) == nullptr || target.Find(key) != nullptr) return ctx.reply().Integer(0);
  source.Move(key, target, key);
  NotifyGeneric(ctx, "move_from", key.text);
  ctx.NotifyIn(*index, settings::kNotifyGeneric, "move_to", key.text);
  ctx.reply().Integer(1);
}

struct CopyOptions {
  int database;
  bool replace = false;
};

std::optional<CopyOptions> ParseCopyOptions(Context& ctx) {
  CopyOptions options{ctx.client().database};
  for (size_t i = 3; i < ctx.size(); ++i) {
    if (ctx.Is(i, "REPLACE")) {
      options.replace = true;
    } else if (ctx.Is(i, "DB") && i + 1 < ctx.size()) {
      const auto index = DatabaseIndex(ctx, ++i);
      if (!index) return std::nullopt;
      options.database = *index;
    } else {
      ctx.SyntaxError();
      return std::nullopt;
    }
  }
  return options;
}

void Copy(Context& ctx) {
  const auto options = ParseCopyOptions(ctx);
  if (!options) return;
  Database& source = ctx.db();
  Database& target = ctx.keyspace().database(options->database);
  if (ctx.settings().cluster_enabled && (source.index() != 0 || target.index() != 0)) {
    return ctx.Error("ERR Copying to another database is not allowed in cluster mode");
  }
  const Key from = ctx.key(1);
  const Key to = ctx.key(2);
  if (&source == &target && from.text == to.text) return ctx.Error(kSameObject);
  if (ctx.FindForRead(from) == nullptr) return ctx.reply().Integer(0);
  if (target.Find(to) != nullptr) {
    if (!options->replace) return ctx.reply().Integer(0);
    target.Remove(to, ctx.settings().lazyfree_lazy_server_del);
  }
  source.Copy(from, target, to);
  ctx.NotifyIn(target.index(), settings::kNotifyGeneric, "copy_to", to.text);
  ctx.reply().Integer(1);
}

}  // namespace

void RegisterKeys(engine::CommandTable& table) {
  table.Bind("del", engine::MakeHandler<&Del>());
  table.Bind("unlink", engine::MakeHandler<&Unlink>());
  table.Bind("exists", engine::MakeHandler<&Exists>());
  table.Bind("touch", engine::MakeHandler<&Touch>());
  table.Bind("type", engine::MakeHandler<&Type>());
  table.Bind("rename", engine::MakeHandler<&Rename>());
  table.Bind("renamenx", engine::MakeHandler<&RenameNx>());
  table.Bind("move", engine::MakeHandler<&Move>());
  table.Bind("copy", engine::MakeHandler<&Copy>());
  RegisterObject(table);
}

}  // namespace hearth::commands
