// Puts the dataset of a full sync in the place of ours: a worker decodes (rdb/load_pipeline.h), the engine
// thread inserts in slices, once a turn.
//
// In place, the old data goes when the first key of the new has arrived, and clients are told -LOADING.
// Beside, the new data grows in databases of its own while clients read the old; at the end they change
// places.
//
// While one exists no cut of the keyspace may begin: none must run when it is made. Destroying one that has
// not come to its end leaves the old data, or nothing where that is gone. Owned by the transfer; engine
// thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "keyspace/database.h"
#include "net/event_loop.h"
#include "rdb/aux_fields.h"
#include "rdb/load_pipeline.h"

namespace hearth::replication {

class TransferLoad {
 public:
  enum class Where : uint8_t { kInPlace, kBeside };
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    Logger& log;
  };

  TransferLoad(const Parts& parts, std::unique_ptr<rdb::ByteSource> source, Where where);
  ~TransferLoad();
  TransferLoad(const TransferLoad&) = delete;
  TransferLoad& operator=(const TransferLoad&) = delete;

  // Once a turn. The outcome, once there is one; then the new data is in its place, or will never be. It is
  // not put there before all of it `is_received`.
  std::optional<Status> RunSlice(bool is_received);

  bool is_beside() const { return where_ == Where::kBeside; }
  // What the dataset says about itself.
  const rdb::AuxFields& aux_fields() const { return aux_fields_; }
  uint64_t loaded_bytes() const { return pipeline_->bytes_read(); }
  // What clients see is not, or no longer, the data of before.
  bool has_dropped_old() const { return has_dropped_old_; }

 private:
  Status Insert(rdb::LoadBatch& batch);
  Status Finish(const rdb::LoadSummary& summary);
  void DropOld();
  void ChangePlaces();

  const Parts parts_;
  const Where where_;
  std::vector<std::unique_ptr<keyspace::Database>> beside_;
  rdb::AuxFields aux_fields_;
  std::unique_ptr<rdb::LoadPipeline> pipeline_;
  bool has_dropped_old_ = false;
  bool is_complete_ = false;
};

// Whether a whole dataset has no key; false if it cannot be read.
bool IsEmptyDataset(std::string_view bytes, engine::Engine& engine);

}  // namespace hearth::replication
