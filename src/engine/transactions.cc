// MULTI, EXEC, DISCARD, WATCH: the engine's part, since EXEC runs other commands.

#include <fmt/format.h>

#include "engine/engine.h"

namespace hearth::engine {

void Engine::Multi(Context& context) {
  Client& client = context.client();
  if (client.in_transaction()) {
    context.Error("ERR MULTI calls can not be nested");
    return;
  }
  if (client.transaction == nullptr) client.transaction = std::make_unique<TransactionState>();
  client.set(Client::kInTransaction, true);
  context.reply().Ok();
}

void Engine::QueueCommand(Client& client, Command& command, Arguments args) {
  TransactionState& transaction = *client.transaction;
  // A transaction that cannot succeed any more need not remember the rest of it.
  if (!transaction.must_abort && !transaction.is_dirty) {
    QueuedCommand queued{&command, {}};
    queued.args.reserve(args.size());
    for (std::string_view arg : args) {
      queued.args.emplace_back(arg);
      transaction.queue_bytes += arg.size();
    }
    transaction.queue.push_back(std::move(queued));
  }
  client.last_command = &command;
  client.writer.Simple("QUEUED");
}

void Engine::ResetTransaction(Client& client) {
  watches_.Forget(client);
  client.transaction.reset();
  client.set(Client::kInTransaction, false);
  UpdateKeyspaceReports();
}

void Engine::Discard(Context& context) {
  if (!context.client().in_transaction()) {
    context.Error("ERR DISCARD without MULTI");
    return;
  }
  ResetTransaction(context.client());
  context.reply().Ok();
}

// Rights may have gone since the command was queued.
bool Engine::MayStillRun(Client& client, Command& command, Arguments args) {
  if (!client.is(Client::kRestricted) || client.is(Client::kFromPrimary)) return true;
  const AclVerdict verdict = acl_.Check(client, command, args);
  if (verdict.is_allowed()) return true;
  acl_.Record(client, command, args, verdict, AclContext::kTransaction, now_ms());
  ++command.counters.rejected;
  const std::string error = fmt::format(
      "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This "
      "command is no longer allowed for the following reason: {}",
      Acl::ExplainInExec(verdict.reason));
  CountError(error);
  client.writer.Error(error);
  return false;
}

void Engine::Exec(Context& context) {
  Client& client = context.client();
  if (!client.in_transaction()) {
    context.Error("ERR EXEC without MULTI");
    return;
  }
  // A watched key whose time has come since WATCH counts as changed.
  for (const WatchedKey& watched : client.transaction->watched) {
    if (!watched.was_expired && keyspace_.database(watched.database).HoldsExpired(Key(watched.key))) {
      client.transaction->is_dirty = true;
    }
  }
  if (client.transaction->must_abort) {
    ResetTransaction(client);
    context.Error("EXECABORT Transaction discarded because of previous errors.");
    return;
  }
  if (client.transaction->is_dirty) {
    ResetTransaction(client);
    context.reply().NullArray();
    return;
  }
  const std::vector<QueuedCommand> queue = std::move(client.transaction->queue);
  ResetTransaction(client);
  context.effects().Suppress();
  context.reply().Array(queue.size());
  ++unit_depth_;
  std::vector<std::string_view> views;
  for (const QueuedCommand& queued : queue) {
    views.assign(queued.args.begin(), queued.args.end());
    if (!MayStillRun(client, *queued.command, views)) continue;
    Call(client, *queued.command, views, 0);
  }
  --unit_depth_;
  // The queued commands have put their effects; EXEC itself has none.
  effects_.BeginCommand(client.database);
  effects_.Suppress();
}

void Engine::Watch(Context& context) {
  Client& client = context.client();
  if (client.in_transaction()) {
    context.Error("ERR WATCH inside MULTI is not allowed");
    return;
  }
  // Once a watched key has changed, watching more cannot help the transaction.
  const bool is_lost = client.transaction != nullptr && client.transaction->is_dirty;
  for (size_t i = 1; i < context.size() && !is_lost; ++i) {
    const Key key(context[i]);
    watches_.Watch(client, client.database, key.text, context.db().HoldsExpired(key));
  }
  UpdateKeyspaceReports();
  context.reply().Ok();
}

void Engine::Unwatch(Context& context) {
  Client& client = context.client();
  watches_.Forget(client);
  if (client.transaction != nullptr) client.transaction->is_dirty = false;
  UpdateKeyspaceReports();
  context.reply().Ok();
}

}  // namespace hearth::engine
