// Puts the dataset of a full sync in the place of ours: a worker decodes (rdb/load_pipeline.h), the engine
// thread inserts in slices, once a turn.
//
// In place, the old data goes when the first key of the new has arrived, and clients are told -LOADING.
// Beside, the new data grows in databases of its own while clients read the old; at the end they change
// places.
//
// Among the old data, all that comes is held until it is complete; then the keys that were written here or at
// the primary since their histories parted go, and what has come takes their places, in one step. The primary
// names its keys in auxiliary fields (docs/formats/replication.md).
//
// While one exists no cut of the keyspace may begin: none must run when it is made. Destroying one that has
// not come to its end leaves the old data, or nothing where that is gone. Owned by the transfer; engine
// thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "engine/engine.h"
#include "keyspace/database.h"
#include "net/event_loop.h"
#include "rdb/aux_fields.h"
#include "rdb/load_pipeline.h"
#include "replication/written_keys.h"

namespace hearth::replication {

class TransferLoad {
 public:
  enum class Where : uint8_t { kInPlace, kBeside, kAmong };
  struct Parts {
    engine::Engine& engine;
    net::EventLoop& loop;
    Logger& log;
    // kAmong: those written here; the primary's are added. And what is called before they go.
    std::shared_ptr<WrittenKeys> replaced{};
    std::function<Status()> before_replacing{};
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
  Status Hold(rdb::LoadBatch& batch);
  Status Finish(const rdb::LoadSummary& summary);
  Status TakeFunctions();
  bool MustHoldBack(int64_t slice_us);
  Status DropOld();
  void ReplaceKeys();
  void ChangePlaces();

  const Parts parts_;
  const Where where_;
  std::vector<std::unique_ptr<keyspace::Database>> beside_;
  std::vector<rdb::LoadBatch> held_;  // of kAmong
  std::vector<std::string> functions_;
  rdb::AuxFields aux_fields_;
  std::unique_ptr<rdb::LoadPipeline> pipeline_;
  bool has_dropped_old_ = false;
  uint64_t held_back_keys_ = 0;  // whose delay is not over: key-load-delay
  bool is_complete_ = false;
};

// The auxiliary fields that name the keys which the primary has written; their values are as WrittenKeys
// encodes them.
inline constexpr std::string_view kRejoinKeysField = "hearth-rejoin-keys";

// Whether a whole dataset has no key; false if it cannot be read.
bool IsEmptyDataset(std::string_view bytes, engine::Engine& engine);
// Whether there is a key here, in any database.
bool HasData(engine::Engine& engine);

}  // namespace hearth::replication
