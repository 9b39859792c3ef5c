#include "server/config_commands.h"

#include <string>
#include <utility>
#include <vector>

#include "commands/help.h"

namespace hearth::server {
namespace {

using engine::Context;

settings::ConfigCaller CallerOf(const engine::Client& client) {
  const net::Connection* connection = client.connection;
  settings::ConfigCaller caller;
  caller.is_local = connection == nullptr || connection->is_unix_socket() ||
                    connection->peer_address().starts_with("127.") ||
                    connection->peer_address().starts_with("[::1]");
  return caller;
}

}  // namespace

void ConfigCommands::Get(Context& ctx) {
  const std::vector<std::string> patterns(ctx.args().begin() + 2, ctx.args().end());
  const settings::Configuration::Pairs pairs = configuration_.Get(patterns);
  ctx.reply().Map(pairs.size());
  for (const auto& [name, value] : pairs) {
    ctx.reply().Bulk(name);
    ctx.reply().Bulk(value);
  }
}

void ConfigCommands::Set(Context& ctx) {
  if (ctx.size() % 2 != 0) return ctx.WrongArgumentCount();
  settings::Configuration::Pairs pairs;
  for (size_t i = 2; i < ctx.size(); i += 2) pairs.emplace_back(ctx[i], ctx[i + 1]);
  const Status status = configuration_.Set(pairs, CallerOf(ctx.client()));
  if (!status) return ctx.Error(status.error().message);
  ctx.reply().Ok();
}

void ConfigCommands::Rewrite(Context& ctx) {
  const Status status = configuration_.Rewrite();
  if (!status) {
    log_.Warning("CONFIG REWRITE failed: {}", status.error().message);
    return ctx.Error(status.error().message);
  }
  log_.Notice("CONFIG REWRITE has written {}", configuration_.file());
  ctx.reply().Ok();
}

void ConfigCommands::ResetStatistics(Context& ctx) {
  engine_.stats() = {};
  engine_.keyspace().stats() = {};
  engine_.keyspace().free_worker().ResetFreedCount();
  for (const auto& command : engine_.commands().all()) command->counters = {};
  metrics_.Reset();
  defragmenter_.ResetTimes();
  engine_.acl().ResetDenials();
  replicas_.ResetStats();
  ctx.reply().Ok();
}

void ConfigCommands::Register(engine::CommandTable& table) {
  table.Bind("config|get", engine::MakeHandler<&ConfigCommands::Get>(*this));
  table.Bind("config|set", engine::MakeHandler<&ConfigCommands::Set>(*this));
  table.Bind("config|rewrite", engine::MakeHandler<&ConfigCommands::Rewrite>(*this));
  table.Bind("config|resetstat", engine::MakeHandler<&ConfigCommands::ResetStatistics>(*this));
  table.Bind("config|help", engine::MakeHandler<&commands::Help>());
}

}  // namespace hearth::server
