// Loads the dataset when the server starts, from the AOF or the RDB file, while clients are told to wait.
//
// Owned by Persistence; engine thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "aof/folder.h"
#include "aof/loader.h"
#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "env/disk.h"
#include "rdb/aux_fields.h"
#include "rdb/load_pipeline.h"

namespace hearth::persistence {

// What INFO tells of loading.
struct LoadStats {
  bool is_running = false;
  int64_t started_seconds = 0;  // Unix time
  uint64_t total_bytes = 0;
  uint64_t loaded_bytes = 0;
  uint64_t used_memory_then = 0;  // by the file's word
  uint64_t keys_loaded = 0;       // of the last RDB
  uint64_t keys_expired = 0;
};

class DatasetLoader final : private aof::LoadSink {
 public:
  struct Parts {
    engine::Engine& engine;
    env::Disk& disk;
    env::Clock& clock;
    Logger& log;
    // Serves clients for a moment; false if the loading should stop, for the server is to end.
    std::function<bool()> take_turn;
  };
  explicit DatasetLoader(const Parts& parts) : parts_(parts), settings_(parts.engine.settings()) {}

  // The RDB file at `path`. A file that is not there is an error with code ENOENT.
  Status LoadRdb(const std::string& path, rdb::OnDuplicate on_duplicate = rdb::OnDuplicate::kFail);
  // The files of an AOF.
  Status LoadAof(aof::Folder& folder);

  const LoadStats& stats() const { return stats_; }
  // Of the last RDB that was loaded.
  const rdb::AuxFields& aux_fields() const { return aux_fields_; }

 private:
  class Running;

  Status LoadSource(std::unique_ptr<rdb::ByteSource> source, bool drops_expired,
                    rdb::OnDuplicate on_duplicate, uint64_t* end_offset);
  Status Insert(rdb::LoadBatch& batch, rdb::OnDuplicate on_duplicate);
  Status LoadFunctions(std::span<const std::string> codes, rdb::OnDuplicate on_duplicate);
  bool TakeTurn(uint64_t loaded_bytes);
  void HoldBack(size_t keys);
  Status CheckReply(std::string_view command);

  // ---- aof::LoadSink
  Result<uint64_t> LoadSnapshot(const std::string& path) override;
  Status Apply(int database, std::span<const std::string_view> args) override;
  void BeginUnit() override {}
  void EndUnit() override {}
  void OnProgress(uint64_t loaded_bytes) override;

  const Parts parts_;
  const settings::Settings& settings_;
  LoadStats stats_;
  rdb::AuxFields aux_fields_;
  int64_t last_turn_us_ = 0;
  uint64_t last_turn_bytes_ = 0;
  uint64_t earlier_bytes_ = 0;  // of an AOF's files before the one being loaded
  bool is_stopped_ = false;
  engine::Client* caller_ = nullptr;  // runs the commands of an AOF
};

}  // namespace hearth::persistence
