// Starts the saving of a cut to a file: what is common to BGSAVE, SAVE, DEBUG RELOAD and AOF base files.
//
// The caller makes the writer here, begins a cut with it (keyspace/cutter.h), and asks it how it went when it
// is done. A save that fails, or is destroyed before it is done, leaves nothing behind. Engine thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "env/disk.h"
#include "keyspace/keyspace.h"
#include "rdb/command_snapshot.h"
#include "rdb/file_sink.h"
#include "rdb/rdb_snapshot.h"
#include "rdb/snapshot_writer.h"
#include "settings/settings.h"

namespace hearth::rdb {

// What a snapshot of the keyspace says of it, as of now. The caller adds what only it knows: the memory used,
// the place in the replication stream, functions.
RdbSnapshot::Options DescribeSnapshot(keyspace::Keyspace& keyspace, const settings::Settings& settings);

// "temp-<pid>.rdb": known to those who clean up after a crash.
std::string TemporaryRdbName(int64_t pid);
// "temp-rewriteaof-bg-<pid>.aof".
std::string TemporaryRewriteName(int64_t pid);

// `disk` outlives the writer; `on_done` as in SnapshotWriter::Options. Fails if the file cannot be made.
Result<std::unique_ptr<SnapshotWriter>> SaveRdb(env::Disk& disk, const FileSink::Options& file,
                                                RdbSnapshot::Options snapshot, std::function<void()> on_done);
Result<std::unique_ptr<SnapshotWriter>> SaveCommands(env::Disk& disk, const FileSink::Options& file,
                                                     CommandSnapshot::Options snapshot,
                                                     std::function<void()> on_done);

}  // namespace hearth::rdb
