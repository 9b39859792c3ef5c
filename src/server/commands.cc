#include "server/commands.h"

#include <utility>

#include "commands/help.h"
#include "commands/register.h"
#include "env/process.h"
#include "env/sleep.h"

namespace hearth::server {
namespace {

// The server starts again in the place of this process. With `shutdown` it ends in order before.
Status Restart(settings::Configuration& configuration, Shutdown* shutdown, int64_t delay_us) {
  if (shutdown != nullptr) {
    if (!configuration.file().empty()) HEARTH_TRY(configuration.Rewrite());
    const auto stage = shutdown->Begin({.is_immediate = true});
    if (!stage) return std::unexpected(stage.error());
  }
  env::HoldUpThread(delay_us);
  return env::BeginAnew();
}

}  // namespace

Commands::Commands(const Parts& parts)
    : table_(parts.engine.commands()),
      identity_(MakeIdentity(parts.random, parts.clock)),
      metrics_(parts.engine, parts.connections, parts.loop, parts.replication,
               parts.persistence.append_only()),
      config_(parts.configuration, parts.engine, metrics_, parts.replication.replicas(), parts.defragmenter,
              parts.log),
      debug_(
          {[&expiry = parts.expiry](bool on) { expiry.set_enabled(on); },
           [this](engine::Context& ctx) { persistence_.DebugReload(ctx); },
           [this](engine::Context& ctx) { persistence_.DebugLoadAof(ctx); },
           [this](engine::Context& ctx) { persistence_.DebugChangeReplicationId(ctx); },
           [&configuration = parts.configuration] { return configuration.Rewrite(true); },
           [&configuration = parts.configuration, &shutdown = parts.shutdown](bool saves, int64_t delay_us) {
             return Restart(configuration, saves ? &shutdown : nullptr, delay_us);
           },
           [&persistence = parts.persistence] { persistence.append_only().Configure(); }}),
      info_({parts.engine, parts.configuration, parts.connections, parts.limits, metrics_, identity_,
             parts.replication, parts.shutdown, parts.scripts, parts.defragmenter}),
      memory_(parts.engine, metrics_, identity_),
      persistence_(parts.persistence, parts.replication.link(), parts.engine),
      replication_(parts.replication, parts.engine),
      server_(parts.shutdown, parts.engine, parts.connections),
      users_({parts.configuration, parts.engine, parts.disk, parts.random, parts.log}) {
  engine::CommandTable& table = table_;
  commands::RegisterStrings(table);
  commands::RegisterKeys(table);
  commands::RegisterRestore(table);
  commands::RegisterDump(table);
  commands::RegisterExpiry(table);
  commands::RegisterScan(table);
  commands::RegisterSort(table);
  commands::RegisterDatabases(table);
  commands::RegisterLists(table);
  commands::RegisterHashes(table);
  commands::RegisterSets(table);
  commands::RegisterSortedSets(table);
  commands::RegisterStreams(table);
  commands::RegisterBitmaps(table);
  commands::RegisterHyperLogLogs(table);
  commands::RegisterGeo(table);
  commands::RegisterConnection(table);
  commands::RegisterClientCommands(table);
  commands::RegisterClientControl(table);
  commands::RegisterClientTracking(table);
  commands::RegisterMonitor(table);
  commands::RegisterPubSub(table);
  commands::RegisterTransactions(table);
  commands::RegisterCommandInfo(table);
  commands::RegisterCommandDocs(table);
  commands::RegisterSlowlog(table);
  commands::RegisterLatency(table);
  commands::RegisterAcl(table);
  config_.Register(table);
  debug_.Register(table);
  info_.Register(table);
  memory_.Register(table);
  persistence_.Register(table, info_);
  replication_.Register(table, info_);
  server_.Register(table);
  users_.Register(table);
  parts.scripts.Register(table);
  table.Bind("script|help", engine::MakeHandler<&commands::Help>());
  table.Bind("function|help", engine::MakeHandler<&commands::Help>());
}

std::string Commands::Describe() const {
  constexpr std::string_view kAll[] = {"everything"};
  return info_.Text(kAll);
}

void Commands::BecomeSentinel(sentinel::SentinelCommands& sentinel) {
  table_.BecomeSentinel();
  sentinel.Register(table_);
  info_.BecomeSentinel([&sentinel](InfoText& text) {
    for (const auto& [name, value] : sentinel.InfoFields()) text.Add(name, value);
  });
}

}  // namespace hearth::server
