// Makes of a cut the commands that rebuild it, as the base of an append-only file without RDB. Commands of
// several values may be mixed, so everything is written as it comes.
//
// Made by whoever starts a rewrite, used by a SnapshotWriter on its thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keyspace/capture.h"
#include "rdb/commands_encoder.h"
#include "rdb/snapshot_output.h"

namespace hearth::rdb {

class CommandSnapshot final : public SnapshotFormat, private keyspace::CaptureHandler {
 public:
  struct Options {
    // The time to note at the start (`aof-timestamp-enabled`), Unix seconds.
    std::optional<int64_t> timestamp_seconds;
    std::vector<std::string> functions;  // the code of each library
  };

  explicit CommandSnapshot(Options options) : options_(std::move(options)) {}

  void Begin(SnapshotOutput& output) override;
  void Take(const keyspace::CaptureChunk& chunk, SnapshotOutput& output) override;
  void End(SnapshotOutput& output) override;

 private:
  struct OpenValue {
    OpenValue(const keyspace::CapturedKey& key, keyspace::CapturedParts parts)
        : database(key.database), encoder(key, parts) {}

    int database;
    CommandsEncoder encoder;
  };

  // ---- keyspace::CaptureHandler
  void OnWhole(const keyspace::CapturedKey& key, keyspace::CapturedParts parts) override;
  void OnBegin(uint64_t value, const keyspace::CapturedKey& key, keyspace::CapturedParts parts) override;
  void OnPiece(uint64_t value, keyspace::CapturedParts parts) override;
  void OnEnd(uint64_t value) override;

  std::string& In(int database);

  const Options options_;
  SnapshotOutput* output_ = nullptr;
  std::optional<int> selected_;
  std::map<uint64_t, OpenValue> open_;
};

}  // namespace hearth::rdb
