#include "rdb/rdb_snapshot.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/numbers.h"
#include "keyspace/access.h"

namespace hearth::rdb {

using keyspace::CapturedKey;
using keyspace::CapturedParts;
using settings::MaxmemoryPolicy;

RdbSnapshot::RdbSnapshot(Options options)
    : options_(std::move(options)),
      encode_options_{
          .forms = options_.has_field_expiries ? EncodeOptions::Forms::kOf72 : EncodeOptions::Forms::kOldest,
          .compression = options_.settings.rdbcompression ? Compression::kYes : Compression::kNo,
          .may_have_field_expiries = options_.has_field_expiries},
      gauge_(encode_options_.compression),
      is_announced_(options_.databases.size()) {}

// ---- the file

void RdbSnapshot::Begin(SnapshotOutput& output) {
  std::string& to = output.buffer();
  const int version = options_.has_field_expiries ? kFileVersionWithFieldExpiries : kFileVersion;
  to.append(kMagic).append(fmt::format("{:04}", version));
  PutAux("redis-ver", kInterfaceVersion, to);
  PutAux("redis-bits", 64, to);
  PutAux("ctime", options_.now_ms / 1000, to);
  PutAux("used-mem", static_cast<int64_t>(options_.used_memory), to);
  if (options_.replication) {
    PutAux("repl-stream-db", options_.replication->database, to);
    PutAux("repl-id", options_.replication->id, to);
    PutAux("repl-offset", options_.replication->offset, to);
  }
  PutAux("aof-base", options_.is_aof_base ? 1 : 0, to);
  for (const auto& [name, value] : options_.more_fields) PutAux(name, value, to);
  for (const std::string& code : options_.functions) {
    PutOpcode(to, Opcode::kFunction2);
    PutString(to, code, encode_options_.compression);
  }
}

void RdbSnapshot::Take(const keyspace::CaptureChunk& chunk, SnapshotOutput& output) {
  output_ = &output;
  keyspace::ReadCapture(chunk, *this);
  output_ = nullptr;
}

void RdbSnapshot::End(SnapshotOutput& output) {
  HEARTH_ASSERT(open_.empty());
  PutOpcode(output.buffer(), Opcode::kEof);
  const uint64_t checksum = output.TakeChecksum();
  PutLittle(output.buffer(), checksum);
}

void RdbSnapshot::PutAux(std::string_view name, std::string_view value, std::string& to) {
  PutOpcode(to, Opcode::kAux);
  PutString(to, name, encode_options_.compression);
  PutString(to, value, encode_options_.compression);
}

void RdbSnapshot::PutAux(std::string_view name, int64_t value, std::string& to) {
  PutOpcode(to, Opcode::kAux);
  PutString(to, name, encode_options_.compression);
  PutIntegerString(to, value);
}

// ---- keys

void RdbSnapshot::OnWhole(const CapturedKey& key, CapturedParts parts) {
  std::string& to = Destination();
  Select(key.database, SelectedThere(), to);
  EncodeOptions options = encode_options_;
  options.compression = gauge_.Next(output_->is_hurried());
  const ValueType type = TypeOfWhole(key, parts, options);
  PutHead(key, type, to);
  const size_t before = to.size();
  EncodeWhole(key, type, parts, options, to);
  if (options.compression == Compression::kYes) gauge_.Report(parts.bytes().size(), to.size() - before);
  output_->AddKey();
  output_->WriteFull();
}

void RdbSnapshot::OnBegin(uint64_t value, const CapturedKey& key, CapturedParts parts) {
  std::string head;
  const ValueType type = TypeOfPieces(key, encode_options_);
  PutHead(key, type, head);
  PieceEncoder encoder(key, type, parts, encode_options_, head);
  open_.push_back({value, key.database, std::move(encoder), std::move(head)});
}

// The value gets the file to itself.
void RdbSnapshot::OnTurn(uint64_t value) {
  HEARTH_ASSERT(written_through_ == kNoValue);
  OpenValue& open = *Find(value);
  Select(open.database, selected_, output_->buffer());
  output_->buffer().append(std::exchange(open.bytes, {}));
  written_through_ = value;
}

void RdbSnapshot::OnPiece(uint64_t value, CapturedParts parts) {
  OpenValue& open = *Find(value);
  open.encoder.Add(parts, IsWrittenThrough(open) ? output_->buffer() : open.bytes);
  output_->WriteFull();
}

void RdbSnapshot::OnEnd(uint64_t value) {
  const auto open = Find(value);
  output_->AddKey();
  if (IsWrittenThrough(*open)) {
    open->encoder.End(output_->buffer());
    written_through_ = kNoValue;
    WriteWaiting();
  } else {
    open->encoder.End(open->bytes);
    Select(open->database, SelectedThere(), Destination());
    Destination().append(open->bytes);
  }
  open_.erase(open);
  output_->WriteFull();
}

void RdbSnapshot::WriteWaiting() {
  if (waiting_.empty()) return;
  output_->buffer().append(std::exchange(waiting_, {}));
  selected_ = std::exchange(waiting_selected_, kNoDatabase);
}

std::list<RdbSnapshot::OpenValue>::iterator RdbSnapshot::Find(uint64_t value) {
  const auto found = std::ranges::find(open_, value, &OpenValue::id);
  HEARTH_ASSERT(found != open_.end());
  return found;
}

void RdbSnapshot::Select(int database, int& selected, std::string& to) {
  if (database == selected) return;
  selected = database;
  PutOpcode(to, Opcode::kSelectDb);
  PutLength(to, static_cast<uint64_t>(database));
  const auto index = static_cast<size_t>(database);
  if (index >= is_announced_.size() || is_announced_[index]) return;
  is_announced_[index] = true;
  PutOpcode(to, Opcode::kResizeDb);
  PutLength(to, options_.databases[index].keys);
  PutLength(to, options_.databases[index].expiring);
}

void RdbSnapshot::PutHead(const CapturedKey& key, ValueType type, std::string& to) {
  if (key.expiry_ms >= 0) {
    PutOpcode(to, Opcode::kExpireTimeMs);
    PutLittle(to, key.expiry_ms);
  }
  PutAccess(key.access, to);
  PutType(to, type);
  PutString(to, key.key, encode_options_.compression);
}

// What eviction knows of the key, if a reader with the same policy can go on with it.
void RdbSnapshot::PutAccess(uint32_t access, std::string& to) {
  switch (options_.settings.maxmemory_policy) {
    case MaxmemoryPolicy::kVolatileLru:
    case MaxmemoryPolicy::kAllkeysLru:
      PutOpcode(to, Opcode::kIdle);
      return PutLength(to, static_cast<uint64_t>(keyspace::IdleMs(access, options_.now_ms) / 1000));
    case MaxmemoryPolicy::kVolatileLfu:
    case MaxmemoryPolicy::kAllkeysLfu:
      PutOpcode(to, Opcode::kFreq);
      return PutByte(to, keyspace::Frequency(access, options_.settings, options_.now_ms));
    default:
      return;
  }
}

}  // namespace hearth::rdb
