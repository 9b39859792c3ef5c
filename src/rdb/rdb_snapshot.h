// Makes an RDB file of a cut: header, auxiliary fields, functions, keys, checksum.
//
// Keys are written as they come, but for this: a file has no place for anything between the pieces of a
// value. So the large value whose turn it is is written through, and what comes meanwhile waits in memory,
// encoded; as do the pieces of a value that come before its turn, because they were changed.
//
// Made by whoever starts a snapshot, used by a SnapshotWriter on its thread. Format: docs/formats/rdb.md.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "keyspace/capture.h"
#include "rdb/compression_gauge.h"
#include "rdb/encoder.h"
#include "rdb/snapshot_output.h"
#include "settings/settings.h"

namespace hearth::rdb {

// The Redis release whose forms files have, as their first auxiliary field says.
inline constexpr std::string_view kInterfaceVersion = "7.2.4";

// Where in the stream of effects a snapshot stands.
struct ReplicationInfo {
  int database;    // selected in the stream
  std::string id;  // of the history, 40 hexadecimal digits
  int64_t offset;
};

class RdbSnapshot final : public SnapshotFormat, private keyspace::CaptureHandler {
 public:
  struct DatabaseSize {
    uint64_t keys = 0;
    uint64_t expiring = 0;
  };
  // Everything as it was when the cut began.
  struct Options {
    settings::Settings settings;  // for compression and what is known of accesses
    int64_t now_ms = 0;
    uint64_t used_memory = 0;
    std::vector<DatabaseSize> databases;  // by index
    // Some hash has fields with an expiry of their own, which older readers do not know.
    bool has_field_expiries = false;
    bool is_aof_base = false;
    std::optional<ReplicationInfo> replication;
    // What else it says of itself: names and values of auxiliary fields.
    std::vector<std::pair<std::string, std::string>> more_fields;
    std::vector<std::string> functions;  // the code of each library
  };

  explicit RdbSnapshot(Options options);

  void Begin(SnapshotOutput& output) override;
  void Take(const keyspace::CaptureChunk& chunk, SnapshotOutput& output) override;
  void End(SnapshotOutput& output) override;

 private:
  static constexpr int kNoDatabase = -1;
  static constexpr uint64_t kNoValue = 0;

  // A large value that has begun; its bytes up to now, unless it is written through.
  struct OpenValue {
    uint64_t id;
    int database;
    PieceEncoder encoder;
    std::string bytes;
  };

  // ---- keyspace::CaptureHandler
  void OnWhole(const keyspace::CapturedKey& key, keyspace::CapturedParts parts) override;
  void OnBegin(uint64_t value, const keyspace::CapturedKey& key, keyspace::CapturedParts parts) override;
  void OnTurn(uint64_t value) override;
  void OnPiece(uint64_t value, keyspace::CapturedParts parts) override;
  void OnEnd(uint64_t value) override;

  void PutAux(std::string_view name, std::string_view value, std::string& to);
  void PutAux(std::string_view name, int64_t value, std::string& to);
  // All of a key that stands before its value.
  void PutHead(const keyspace::CapturedKey& key, ValueType type, std::string& to);
  void PutAccess(uint32_t access, std::string& to);
  // Says which database what follows belongs to; `selected` is what was said last in `to`.
  void Select(int database, int& selected, std::string& to);
  void WriteWaiting();
  std::list<OpenValue>::iterator Find(uint64_t value);
  bool IsWrittenThrough(const OpenValue& value) const { return value.id == written_through_; }
  // Where whole values go now, and which database was selected there last.
  std::string& Destination() { return written_through_ == kNoValue ? output_->buffer() : waiting_; }
  int& SelectedThere() { return written_through_ == kNoValue ? selected_ : waiting_selected_; }

  const Options options_;
  const EncodeOptions encode_options_;
  CompressionGauge gauge_;  // of values that are captured whole
  SnapshotOutput* output_ = nullptr;
  int selected_ = kNoDatabase;
  std::vector<bool> is_announced_;  // databases whose sizes have been written
  std::list<OpenValue> open_;       // in the order of their beginning
  uint64_t written_through_ = kNoValue;
  // What came complete meanwhile.
  std::string waiting_;
  int waiting_selected_ = kNoDatabase;
};

}  // namespace hearth::rdb
