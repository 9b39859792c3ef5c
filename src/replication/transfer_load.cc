#include "replication/transfer_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/assert.h"
#include "base/text.h"
#include "env/sleep.h"

namespace hearth::replication {
namespace {

// Nobody is served in place, but somebody may want to be told so. Beside, readers wait for a slice.
constexpr int64_t kSliceInPlaceMicros = 5'000;
constexpr int64_t kSliceBesideMicros = 500;

rdb::LoadOptions OptionsFor(engine::Engine& engine) {
  const settings::Settings& settings = engine.settings();
  return {.decoding = {settings, &engine.keyspace().cuts(),
                       settings.sanitize_dump_payload == settings::SanitizeDumpPayload::kYes},
          .database_count = engine.keyspace().database_count(),
          .now_ms = engine.now_ms(),
          // The primary says when a key goes.
          .drops_expired = false,
          .checks_sum = settings.rdbchecksum && !engine.debug().skips_checksums};
}

class KeyFinder final : public rdb::LoadSink {
 public:
  Status OnAux(std::string_view, std::string_view) override { return {}; }
  Status OnFunction(std::string_view) override { return {}; }
  Status OnDatabase(int) override { return {}; }
  Status OnResize(uint64_t, uint64_t) override { return {}; }
  Status OnKey(rdb::LoadedKey) override { return Fail("there is a key"); }
};

}  // namespace

bool IsEmptyDataset(std::string_view bytes, engine::Engine& engine) {
  rdb::MemorySource source(bytes);
  KeyFinder finder;
  return rdb::LoadRdb(source, OptionsFor(engine), finder).has_value();
}

bool HasData(engine::Engine& engine) {
  for (int i = 0; i < engine.keyspace().database_count(); ++i) {
    if (engine.keyspace().database(i).size() != 0) return true;
  }
  return false;
}

TransferLoad::TransferLoad(const Parts& parts, std::unique_ptr<rdb::ByteSource> source, Where where)
    : parts_(parts), where_(where) {
  engine::Engine& engine = parts_.engine;
  // The snapshots that ran have been abandoned, and leave their bits only to a walk to the end, which
  // captures nothing any more: some tens of milliseconds for a million keys.
  (void)engine.keyspace().cutter().Run([] { return false; });
  HEARTH_ASSERT(!engine.keyspace().cutter().any());
  engine.keyspace().cutter().set_is_barred(true);
  engine.RefreshTime();
  if (is_beside()) {
    for (int i = 0; i < engine.keyspace().database_count(); ++i) {
      beside_.push_back(std::make_unique<keyspace::Database>(engine.keyspace(), i));
    }
  } else if (where_ == Where::kInPlace) {
    engine.set_loading(true);
  }
  pipeline_ = std::make_unique<rdb::LoadPipeline>(std::move(source), OptionsFor(engine),
                                                  [&loop = parts_.loop] { loop.Wake(); });
}

TransferLoad::~TransferLoad() {
  pipeline_.reset();
  if (!is_complete_ && has_dropped_old_ && where_ == Where::kInPlace) {
    keyspace::Keyspace& keyspace = parts_.engine.keyspace();
    for (int i = 0; i < keyspace.database_count(); ++i) keyspace.database(i).Clear(true);
  }
  for (const auto& database : beside_) database->Clear(true);
  if (where_ == Where::kInPlace) parts_.engine.set_loading(false);
  parts_.engine.keyspace().cutter().set_is_barred(false);
}

// key-load-delay: tests want loading to take a while, and change the delay while it goes on.
bool TransferLoad::MustHoldBack(int64_t slice_us) {
  const int64_t delay = parts_.engine.settings().key_load_delay;
  if (delay == 0) held_back_keys_ = 0;
  if (held_back_keys_ == 0) return false;
  const uint64_t keys_a_micro = delay < 0 ? static_cast<uint64_t>(-delay) : 1;
  const int64_t key_us = std::max<int64_t>(delay, 1);
  const uint64_t keys =
      std::min(held_back_keys_, static_cast<uint64_t>(slice_us / key_us + 1) * keys_a_micro);
  env::HoldUpThread(static_cast<int64_t>(keys / keys_a_micro) * key_us);
  held_back_keys_ -= keys;
  parts_.loop.RequestImmediateTurn();
  return true;
}

std::optional<Status> TransferLoad::RunSlice(bool is_received) {
  const int64_t slice_us = where_ == Where::kInPlace ? kSliceInPlaceMicros : kSliceBesideMicros;
  if (MustHoldBack(slice_us)) return std::nullopt;
  const int64_t end = parts_.loop.FreshNowMicros() + slice_us;
  parts_.engine.RefreshTime();
  while (auto batch = pipeline_->TryTakeBatch()) {
    const size_t keys = batch->keys.size();
    if (Status status = Insert(*batch); !status) return status;
    held_back_keys_ = keys;
    if (MustHoldBack(slice_us)) return std::nullopt;
    if (parts_.loop.FreshNowMicros() >= end) {
      parts_.loop.RequestImmediateTurn();
      return std::nullopt;
    }
  }
  if (!pipeline_->IsOver()) return std::nullopt;
  const Result<rdb::LoadSummary> summary = pipeline_->Finish();
  if (!summary) return std::unexpected(summary.error());
  if (!is_received) return std::nullopt;
  return Finish(*summary);
}

Status TransferLoad::Insert(rdb::LoadBatch& batch) {
  for (const auto& [name, value] : batch.aux_fields) {
    if (where_ == Where::kAmong && name == kRejoinKeysField) {
      if (!parts_.replaced->Decode(value)) return Fail("the primary's list of keys is not to be used");
      continue;
    }
    rdb::TakeAuxField(name, value, &aux_fields_);
    rdb::LogAuxField(name, value, parts_.engine.now_ms() / 1000, parts_.log);
  }
  for (std::string& code : batch.functions) functions_.push_back(std::move(code));
  if (where_ == Where::kAmong) return Hold(batch);
  if (is_beside()) return rdb::InsertBatch(batch, *beside_[batch.database], rdb::OnDuplicate::kFail);
  // They come before the keys.
  if (!batch.keys.empty() && !has_dropped_old_) HEARTH_TRY(DropOld());
  return rdb::InsertBatch(batch, parts_.engine.keyspace(), rdb::OnDuplicate::kFail);
}

// A key that nobody has named is one that we must not touch.
Status TransferLoad::Hold(rdb::LoadBatch& batch) {
  for (const rdb::LoadedKey& key : batch.keys) {
    if (parts_.replaced->Has(batch.database, key.entry->key())) continue;
    return Fail(fmt::format("the primary has sent the key {}, which is not among those that may differ",
                            Quote(key.entry->key())));
  }
  if (!batch.keys.empty()) held_.push_back(std::move(batch));
  return {};
}

Status TransferLoad::Finish(const rdb::LoadSummary& summary) {
  if (where_ == Where::kAmong) {
    HEARTH_TRY(parts_.before_replacing());
    HEARTH_TRY(TakeFunctions());
    ReplaceKeys();
  } else if (is_beside()) {
    HEARTH_TRY(TakeFunctions());
    ChangePlaces();
  } else if (!has_dropped_old_) {
    HEARTH_TRY(DropOld());
  }
  is_complete_ = true;
  parts_.log.Notice("Done loading RDB, keys loaded: {}, keys expired: {}.", summary.keys,
                    summary.expired_keys);
  return {};
}

// In the place of those that are here: all of the primary's, or none, and then an error.
Status TransferLoad::TakeFunctions() {
  engine::FunctionLibraries* libraries = parts_.engine.functions();
  if (libraries == nullptr) return {};
  Status status = libraries->Load(functions_, engine::FunctionLibraries::Existing::kDropAll);
  if (!status) {
    status.error().message =
        fmt::format("the primary's libraries of functions cannot be loaded: {}", status.error().message);
  }
  return status;
}

Status TransferLoad::DropOld() {
  HEARTH_TRY(TakeFunctions());
  parts_.log.Notice("MASTER <-> REPLICA sync: Flushing old data");
  keyspace::Keyspace& keyspace = parts_.engine.keyspace();
  for (int i = 0; i < keyspace.database_count(); ++i) {
    if (keyspace.database(i).size() == 0) continue;
    parts_.engine.OnDatabaseCleared(i);
    keyspace.database(i).Clear(parts_.engine.settings().replica_lazy_flush);
  }
  parts_.engine.OnFlushed();
  has_dropped_old_ = true;
  return {};
}

// Whether a key's time is over is the primary's to say: what is hidden here goes like any other.
void TransferLoad::ReplaceKeys() {
  keyspace::Keyspace& keyspace = parts_.engine.keyspace();
  const keyspace::ExpiredKeys rule = keyspace.expired_keys();
  keyspace.set_expired_keys(keyspace::ExpiredKeys::kIgnore);
  parts_.replaced->ForEach([&](int database, std::string_view name) {
    keyspace.database(database).Remove(keyspace::Key(name), parts_.engine.settings().replica_lazy_flush);
  });
  for (rdb::LoadBatch& batch : held_) {
    keyspace::Database& database = keyspace.database(batch.database);
    for (rdb::LoadedKey& loaded : batch.keys) {
      const keyspace::Key key(loaded.entry->key(), loaded.hash);
      database.Adopt(std::move(loaded.entry), key);
    }
  }
  held_.clear();
  keyspace.set_expired_keys(rule);
  has_dropped_old_ = true;
}

void TransferLoad::ChangePlaces() {
  keyspace::Keyspace& keyspace = parts_.engine.keyspace();
  for (int i = 0; i < keyspace.database_count(); ++i) {
    // Watched keys of both are touched.
    if (keyspace.database(i).size() != 0) parts_.engine.OnDatabaseCleared(i);
    keyspace.database(i).SwapContents(*beside_[i]);
    if (keyspace.database(i).size() != 0) parts_.engine.OnDatabaseCleared(i);
  }
  parts_.engine.OnFlushed();
  has_dropped_old_ = true;
}

}  // namespace hearth::replication
