#include "rdb/command_snapshot.h"

#include <fmt/format.h>

#include <utility>

#include "base/assert.h"
#include "base/numbers.h"

namespace hearth::rdb {

using keyspace::CapturedKey;
using keyspace::CapturedParts;

void CommandSnapshot::Begin(SnapshotOutput& output) {
  std::string& to = output.buffer();
  if (options_.timestamp_seconds) to.append(fmt::format("#TS:{}\r\n", *options_.timestamp_seconds));
  for (const std::string& code : options_.functions) PutCommand(to, {"FUNCTION", "LOAD", code});
}

void CommandSnapshot::Take(const keyspace::CaptureChunk& chunk, SnapshotOutput& output) {
  output_ = &output;
  keyspace::ReadCapture(chunk, *this);
  output_ = nullptr;
}

void CommandSnapshot::End(SnapshotOutput&) { HEARTH_ASSERT(open_.empty()); }

// Where commands of the database go.
std::string& CommandSnapshot::In(int database) {
  std::string& to = output_->buffer();
  if (selected_ != database) PutCommand(to, {"SELECT", ToString(database)});
  selected_ = database;
  return to;
}

void CommandSnapshot::OnWhole(const CapturedKey& key, CapturedParts parts) {
  CommandsEncoder::Whole(key, parts, In(key.database));
  output_->AddKey();
  output_->WriteFull();
}

void CommandSnapshot::OnBegin(uint64_t value, const CapturedKey& key, CapturedParts parts) {
  open_.try_emplace(value, key, parts);
}

void CommandSnapshot::OnPiece(uint64_t value, CapturedParts parts) {
  const auto found = open_.find(value);
  HEARTH_ASSERT(found != open_.end());
  found->second.encoder.Add(parts, In(found->second.database));
  output_->WriteFull();
}

void CommandSnapshot::OnEnd(uint64_t value) {
  const auto found = open_.find(value);
  HEARTH_ASSERT(found != open_.end());
  found->second.encoder.End(In(found->second.database));
  open_.erase(found);
  output_->AddKey();
  output_->WriteFull();
}

}  // namespace hearth::rdb
