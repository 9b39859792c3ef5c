#include "server/persistence_commands.h"

#include <algorithm>
#include <string_view>

namespace hearth::server {
namespace {

using engine::Context;

std::string_view OkOrErr(bool ok) { return ok ? "ok" : "err"; }

}  // namespace

void PersistenceCommands::Save(Context& ctx) {
  if (persistence_.snapshots().is_running()) return ctx.Error("ERR Background save already in progress");
  if (!persistence_.snapshots().SaveNow()) return ctx.Error("ERR");
  ctx.reply().Ok();
}

// Without SCHEDULE it does not wait for a rewrite of the append-only file: both may run at once.
void PersistenceCommands::BgSave(Context& ctx) {
  if (ctx.size() > 2 || (ctx.size() == 2 && !ctx.Is(1, "schedule"))) return ctx.SyntaxError();
  persistence::Snapshots& snapshots = persistence_.snapshots();
  if (snapshots.is_running()) return ctx.Error("ERR Background save already in progress");
  const bool gives_way = ctx.size() == 2 && persistence_.append_only().is_rewriting();
  if (gives_way || engine_.is_in_unit()) {
    snapshots.Schedule();
    return ctx.reply().Simple("Background saving scheduled");
  }
  if (!snapshots.Start()) return ctx.Error("ERR");
  ctx.reply().Simple("Background saving started");
}

void PersistenceCommands::LastSave(Context& ctx) {
  ctx.reply().Integer(persistence_.snapshots().stats().last_save_seconds);
}

void PersistenceCommands::BgRewriteAof(Context& ctx) {
  persistence::AppendOnly& append_only = persistence_.append_only();
  if (append_only.is_rewriting()) {
    return ctx.Error("ERR Background append only file rewriting already in progress");
  }
  // In the middle of a transaction the file would begin between its commands.
  if (engine_.is_in_unit()) {
    append_only.ScheduleRewrite();
    return ctx.reply().Simple("Background append only file rewriting scheduled");
  }
  if (!append_only.Rewrite()) {
    return ctx.Error(
        "ERR Can't execute an AOF background rewriting. Please check the server logs for more information.");
  }
  ctx.reply().Simple("Background append only file rewriting started");
}

void PersistenceCommands::DebugReload(Context& ctx) {
  bool saves = true;
  bool flushes = true;
  for (size_t i = 2; i < ctx.size(); ++i) {
    if (ctx.Is(i, "nosave")) {
      saves = false;
    } else if (ctx.Is(i, "noflush")) {
      flushes = false;
    } else if (!ctx.Is(i, "merge")) {
      return ctx.Error("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
    }
  }
  if (!persistence_.Reload(saves, flushes)) {
    return ctx.Error("ERR Error trying to load the RDB dump, check server logs.");
  }
  ctx.reply().Ok();
}

void PersistenceCommands::DebugLoadAof(Context& ctx) {
  if (!persistence_.append_only().is_on())
    return ctx.Error("ERR Error trying to load the AOF files, check server logs.");
  if (!persistence_.ReloadAof())
    return ctx.Error("ERR Error trying to load the AOF files, check server logs.");
  ctx.reply().Ok();
}

void PersistenceCommands::DebugChangeReplicationId(Context& ctx) {
  persistence_.TakeFreshId();
  ctx.reply().Ok();
}

// ---- INFO

void PersistenceCommands::WriteInfo(InfoText& text) const {
  const persistence::Snapshots& snapshots = persistence_.snapshots();
  const persistence::SaveStats& saves = snapshots.stats();
  persistence::LoadStats loading = persistence_.loader().stats();
  // A dataset may come from the primary too.
  const replication::PrimaryLinkStatus link = link_.status();
  if (link.is_loading) {
    loading.is_running = true;
    loading.started_seconds = link.loading_since_seconds;
    loading.total_bytes = link.loading_total_bytes;
    loading.loaded_bytes = link.loading_loaded_bytes;
  }
  const uint64_t total = snapshots.keys_total();
  text.Add("loading", loading.is_running && !link.is_loading_beside ? 1 : 0);
  text.Add("async_loading", link.is_loading_beside ? 1 : 0);
  // There is no fork and no copy on write: what a running snapshot costs is the queue to its writer.
  text.Add("current_cow_peak", snapshots.most_queued_bytes());
  text.Add("current_cow_size", snapshots.queued_bytes());
  text.Add("current_cow_size_age", 0);
  text.AddFixed("current_fork_perc",
                total == 0 ? 0
                           : 100.0 * static_cast<double>(std::min(snapshots.keys_done(), total)) /
                                 static_cast<double>(total));
  text.Add("current_save_keys_processed", snapshots.keys_done());
  text.Add("current_save_keys_total", total);
  text.Add("rdb_changes_since_last_save", snapshots.changes_since_last_save());
  text.Add("rdb_bgsave_in_progress", snapshots.is_running() ? 1 : 0);
  text.Add("rdb_last_save_time", saves.last_save_seconds);
  text.Add("rdb_last_bgsave_status", OkOrErr(saves.last_ok));
  text.Add("rdb_last_bgsave_time_sec", saves.last_duration_seconds);
  text.Add("rdb_current_bgsave_time_sec", snapshots.running_seconds());
  text.Add("rdb_saves", saves.saves);
  text.Add("rdb_last_cow_size", saves.last_queue_bytes);
  text.Add("rdb_last_load_keys_expired", loading.keys_expired);
  text.Add("rdb_last_load_keys_loaded", loading.keys_loaded);
  WriteAppendOnly(text);
  if (loading.is_running) WriteLoading(loading, text);
}

void PersistenceCommands::WriteAppendOnly(InfoText& text) const {
  const persistence::AppendOnly& append_only = persistence_.append_only();
  const persistence::AppendOnlyStats& stats = append_only.stats();
  text.Add("aof_enabled", append_only.is_on() ? 1 : 0);
  text.Add("aof_rewrite_in_progress", append_only.is_rewriting() ? 1 : 0);
  text.Add("aof_rewrite_scheduled", append_only.is_rewrite_scheduled() ? 1 : 0);
  text.Add("aof_last_rewrite_time_sec", stats.last_rewrite_seconds);
  text.Add("aof_current_rewrite_time_sec", append_only.rewriting_seconds());
  text.Add("aof_last_bgrewrite_status", OkOrErr(stats.last_rewrite_ok));
  text.Add("aof_rewrites", stats.rewrites);
  text.Add("aof_rewrites_consecutive_failures", append_only.schedule().failures());
  text.Add("aof_last_write_status", OkOrErr(stats.last_write_ok));
  text.Add("aof_last_cow_size", 0);
  text.Add("module_fork_in_progress", 0);
  text.Add("module_fork_last_cow_size", 0);
  if (!append_only.is_on()) return;
  const aof::WriterStats writer = append_only.writer_stats();
  text.Add("aof_current_size", append_only.total_bytes());
  text.Add("aof_base_size", append_only.schedule().base_bytes());
  text.Add("aof_pending_rewrite", 0);
  text.Add("aof_buffer_length", writer.pending_bytes);
  text.Add("aof_pending_bio_fsync", writer.is_syncing ? 1 : 0);
  text.Add("aof_delayed_fsync", writer.delayed_syncs);
}

void PersistenceCommands::WriteLoading(const persistence::LoadStats& stats, InfoText& text) const {
  const int64_t elapsed = std::max<int64_t>(engine_.now_ms() / 1000 - stats.started_seconds, 0);
  const uint64_t loaded = std::min(stats.loaded_bytes, stats.total_bytes);
  const double share =
      stats.total_bytes == 0 ? 1.0 : static_cast<double>(loaded) / static_cast<double>(stats.total_bytes);
  text.Add("loading_start_time", stats.started_seconds);
  text.Add("loading_total_bytes", stats.total_bytes);
  text.Add("loading_rdb_used_mem", stats.used_memory_then);
  text.Add("loading_loaded_bytes", loaded);
  text.AddFixed("loading_loaded_perc", share * 100);
  text.Add("loading_eta_seconds",
           share == 0 ? 1 : static_cast<int64_t>(static_cast<double>(elapsed) * (1 - share) / share));
}

void PersistenceCommands::Register(engine::CommandTable& table, Info& info) {
  table.Bind("save", engine::MakeHandler<&PersistenceCommands::Save>(*this));
  table.Bind("bgsave", engine::MakeHandler<&PersistenceCommands::BgSave>(*this));
  table.Bind("lastsave", engine::MakeHandler<&PersistenceCommands::LastSave>(*this));
  table.Bind("bgrewriteaof", engine::MakeHandler<&PersistenceCommands::BgRewriteAof>(*this));
  wait_.Register(table);
  info.SetSection("Persistence", Info::Shown::kByDefault, [this](InfoText& text) { WriteInfo(text); });
}

}  // namespace hearth::server
