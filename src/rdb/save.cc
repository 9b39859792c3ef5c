#include "rdb/save.h"

#include <fmt/format.h>

#include <utility>

namespace hearth::rdb {
namespace {

// Nobody waits for a file as clients wait for replies: beside a server and its clients that take two cores
// for themselves, the thread gets a quarter of one and not two thirds.
constexpr int kNicenessOfFiles = 5;

Result<std::unique_ptr<SnapshotWriter>> Save(env::Disk& disk, const FileSink::Options& file,
                                             std::unique_ptr<SnapshotFormat> format,
                                             SnapshotWriter::Options options) {
  auto sink = FileSink::Open(disk, file);
  if (!sink) return std::unexpected(sink.error());
  return std::make_unique<SnapshotWriter>(std::move(format), std::move(*sink), std::move(options));
}

}  // namespace

RdbSnapshot::Options DescribeSnapshot(keyspace::Keyspace& keyspace, const settings::Settings& settings) {
  RdbSnapshot::Options options{.settings = settings, .now_ms = keyspace.now_ms()};
  for (int i = 0; i < keyspace.database_count(); ++i) {
    const keyspace::Database& database = keyspace.database(i);
    options.databases.push_back({database.size(), database.expiring_count()});
    if (database.field_expiring_count() > 0) options.has_field_expiries = true;
  }
  return options;
}

std::string TemporaryRdbName(int64_t pid) { return fmt::format("temp-{}.rdb", pid); }
std::string TemporaryRewriteName(int64_t pid) { return fmt::format("temp-rewriteaof-bg-{}.aof", pid); }

Result<std::unique_ptr<SnapshotWriter>> SaveRdb(env::Disk& disk, const FileSink::Options& file,
                                                RdbSnapshot::Options snapshot,
                                                std::function<void()> on_done) {
  using Checksum = SnapshotOutput::Checksum;
  const Checksum checksum = snapshot.settings.rdbchecksum ? Checksum::kYes : Checksum::kNo;
  const int64_t key_delay_us = snapshot.settings.rdb_key_save_delay;
  return Save(disk, file, std::make_unique<RdbSnapshot>(std::move(snapshot)),
              {.checksum = checksum,
               .key_delay_us = key_delay_us,
               .niceness = kNicenessOfFiles,
               .on_done = std::move(on_done)});
}

Result<std::unique_ptr<SnapshotWriter>> SaveCommands(env::Disk& disk, const FileSink::Options& file,
                                                     CommandSnapshot::Options snapshot,
                                                     std::function<void()> on_done) {
  return Save(disk, file, std::make_unique<CommandSnapshot>(std::move(snapshot)),
              {.checksum = SnapshotOutput::Checksum::kNo,
               .niceness = kNicenessOfFiles,
               .on_done = std::move(on_done)});
}

}  // namespace hearth::rdb
