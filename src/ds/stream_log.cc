#include "ds/stream_log.h"

#include <algorithm>

#include "base/assert.h"
#include "base/memory.h"

namespace hearth::ds {
namespace {

// Room for the ids, flags and lengths around the texts of one entry.
constexpr size_t kElementOverhead = 16;

size_t TextBytes(std::span<const std::string_view> pairs) {
  size_t bytes = 0;
  for (std::string_view text : pairs) bytes += text.size();
  return bytes;
}

bool IsFull(const StoredStreamBlock& block, size_t added_bytes, const StreamBlockLimits& limits) {
  // A listpack has a limit of its own, whatever the settings say.
  constexpr size_t kLargest = Listpack::kMaxBytes / 2;
  const size_t max_bytes = limits.max_bytes == 0 ? kLargest : std::min(limits.max_bytes, kLargest);
  const ListpackView pack = block.View();
  if (pack.TotalBytes() + added_bytes >= max_bytes) return true;
  if (limits.max_entries == 0) return false;
  const auto count_at = pack.First();
  const int64_t entries = pack.Get(count_at).number + pack.Get(pack.Next(count_at)).number;
  return static_cast<size_t>(entries) >= limits.max_entries;
}

}  // namespace

StreamLog::~StreamLog() {
  for (auto at = blocks_.First(); at; at = blocks_.Next(at)) {
    StoredStreamBlock::Delete(&blocks_.StoredAt(at));
  }
}

void StreamLog::CopyFrom(const StreamLog& other) {
  HEARTH_ASSERT(blocks_.empty());
  for (auto at = other.blocks_.First(); at; at = blocks_.Next(at)) {
    InsertBlock(blocks_.IdAt(at), blocks_.StoredAt(at).Clone());
  }
  counters_ = other.counters_;
}

void StreamLog::AddBlock(StreamId first_id, Listpack pack) {
  InsertBlock(first_id, StoredStreamBlock::Adopt(std::move(pack)));
}

void StreamLog::InsertBlock(StreamId first_id, StoredStreamBlock* block) {
  if (cuts_ != nullptr) block->cut_bits = cuts_->NewBits();
  blocks_.index_.Insert(first_id, block);
}

std::optional<StreamId> StreamLog::Relocate(StreamId from, BlockMover& mover, size_t count) {
  HEARTH_ASSERT(cuts_ == nullptr || cuts_->active == 0);
  auto at = blocks_.LowerBound(from);
  for (; count > 0 && at; --count, at = StreamBlocks::Next(at)) {
    StoredStreamBlock* block = mover.Moved(&StreamBlocks::StoredAt(at));
    block->pack = mover.Moved(block->pack);
    StreamBlocks::Index::SetValueAt(at, block);
  }
  if (!at) return std::nullopt;
  return StreamBlocks::IdAt(at);
}

void StreamLog::Capture(Position at, uint8_t cuts) {
  StoredStreamBlock& block = blocks_.StoredAt(at);
  const uint8_t missing = cuts_->Uncaptured(block.cut_bits) & cuts;
  if (missing == 0) return;
  cuts_->observer->CaptureBlock(*this, blocks_.ValueAt(at), missing);
  block.cut_bits = cuts_->WithCaptured(block.cut_bits, missing);
}

void StreamLog::MarkCaptured(uint8_t cuts) {
  for (auto at = blocks_.First(); at; at = blocks_.Next(at)) {
    StoredStreamBlock& block = blocks_.StoredAt(at);
    block.cut_bits = cuts_->WithCaptured(block.cut_bits, cuts);
  }
}

size_t StreamLog::MemoryBytes(size_t samples) const {
  size_t sampled = 0;
  size_t sampled_bytes = 0;
  for (auto at = blocks_.First(); at && (samples == 0 || sampled < samples); at = blocks_.Next(at)) {
    sampled_bytes += AllocationSize(blocks_.StoredAt(at).pack);
    ++sampled;
  }
  const size_t fixed_bytes = sizeof(*this) + blocks_.MemoryBytes();
  if (sampled == 0) return fixed_bytes;
  const double mean = static_cast<double>(sampled_bytes) / static_cast<double>(sampled);
  return fixed_bytes + static_cast<size_t>(mean * static_cast<double>(blocks_.size()));
}

bool StreamLog::IsStorable(std::span<const std::string_view> pairs) {
  return TextBytes(pairs) + kElementOverhead * (pairs.size() + 8) < Listpack::kMaxBytes / 2;
}

void StreamLog::Append(StreamId id, std::span<const std::string_view> pairs,
                       const StreamBlockLimits& limits) {
  HEARTH_ASSERT(id > counters_.last_id);
  // XSETID may have gone back to before a block of which only deleted entries are left.
  while (counters_.length == 0 && !blocks_.empty() && id < blocks_.IdAt(blocks_.Last())) {
    BeforeChange(blocks_.Last());
    RemoveBlock(blocks_.Last());
  }
  const Position last = blocks_.Last();
  StoredStreamBlock* block = last ? &blocks_.StoredAt(last) : nullptr;
  StreamId first_id = last ? blocks_.IdAt(last) : id;
  if (block == nullptr || IsFull(*block, TextBytes(pairs), limits)) {
    // The first block grows as it needs to, so that a short stream stays small; the next will be about as
    // large.
    size_t reserve_bytes = Listpack::kEmptyBytes;
    if (block != nullptr) {
      BeforeChange(last);
      block->Shrink();
      reserve_bytes = std::min<size_t>(block->View().TotalBytes(), 4096);
    }
    block = StoredStreamBlock::New(pairs, reserve_bytes);
    first_id = id;
    InsertBlock(first_id, block);
  } else {
    BeforeChange(last);
  }
  block->Append(first_id, id, pairs);
  ++counters_.entries_added;
  counters_.last_id = id;
  if (counters_.length++ == 0) counters_.first_id = id;
}

// Where the block with the entry `id` is, on which `cursor` then stands; nowhere if there is no such entry.
StreamLog::Position StreamLog::BlockOf(StreamId id, StreamBlockCursor& cursor) const {
  const Position at = blocks_.Floor(id);
  if (!at) return {};
  cursor = StreamBlockCursor(blocks_.ValueAt(at));
  for (bool is_there = cursor.ToFirst(); is_there; is_there = cursor.Next()) {
    // Deleted ids may lie above those behind them, once XSETID has gone back.
    if (!cursor.is_deleted() && cursor.id() >= id) return cursor.id() == id ? at : Position{};
  }
  return {};
}

bool StreamLog::Contains(StreamId id) const {
  StreamBlockCursor cursor;
  return static_cast<bool>(BlockOf(id, cursor));
}

void StreamLog::RemoveBlock(Position at) {
  StoredStreamBlock::Delete(blocks_.index_.Erase(blocks_.IdAt(at)));
}

void StreamLog::RefreshFirstId() {
  StreamRange entries(*this, StreamId::Min(), StreamId::Max());
  counters_.first_id = entries.Next() ? entries.id() : StreamId{};
}

bool StreamLog::Delete(StreamId id) {
  StreamBlockCursor cursor;
  const Position at = BlockOf(id, cursor);
  if (!at) return false;
  BeforeChange(at);
  StoredStreamBlock& block = blocks_.StoredAt(at);
  if (StreamBlockHeader(block.View()).count == 1) {
    RemoveBlock(at);
  } else {
    cursor.MarkDeleted(block);
    MarkStreamEntriesDeleted(block, 1);
  }
  --counters_.length;
  counters_.max_deleted_id = std::max(counters_.max_deleted_id, id);
  if (id == counters_.first_id || counters_.length == 0) RefreshFirstId();
  return true;
}

uint64_t StreamLog::Trim(const StreamTrim& trim) {
  uint64_t removed = 0;
  for (auto at = blocks_.First(); at; at = blocks_.First()) {
    if (trim.by == StreamTrim::By::kLength && counters_.length <= trim.max_length) break;
    const StreamBlock block = blocks_.ValueAt(at);
    const auto entries = static_cast<uint64_t>(StreamBlockHeader(block.View()).count);
    if (trim.limit != 0 && removed + entries > trim.limit) break;
    bool goes_whole = false;
    if (trim.by == StreamTrim::By::kLength) {
      goes_whole = counters_.length - entries >= trim.max_length;
    } else {
      StreamBlockCursor last(block);
      goes_whole = last.ToLast() && last.id() < trim.min_id;
    }
    if (!goes_whole) {
      if (!trim.is_approximate) removed += TrimWithin(at, trim);
      break;
    }
    BeforeChange(at);
    RemoveBlock(at);
    counters_.length -= entries;
    removed += entries;
  }
  if (removed != 0) RefreshFirstId();
  return removed;
}

// Removes entries at the front of the first block, which keeps some: deleted ones perhaps and no others, as
// Redis does it, since the shape of the blocks shows in DUMP and in what approximate trims remove.
uint64_t StreamLog::TrimWithin(Position at, const StreamTrim& trim) {
  uint64_t removed = 0;
  StoredStreamBlock& block = blocks_.StoredAt(at);
  StreamBlockCursor cursor(blocks_.ValueAt(at));
  for (bool is_there = cursor.ToFirst(); is_there; is_there = cursor.Next()) {
    if (trim.by == StreamTrim::By::kLength ? counters_.length <= trim.max_length : cursor.id() >= trim.min_id)
      break;
    if (cursor.is_deleted()) continue;
    if (removed++ == 0) BeforeChange(at);
    cursor.MarkDeleted(block);
    --counters_.length;
  }
  if (removed != 0) MarkStreamEntriesDeleted(block, static_cast<int64_t>(removed));
  return removed;
}

// ---- ranges

StreamRange::StreamRange(const StreamLog& log, StreamId start, StreamId end, bool backward)
    : start_(start), end_(end), backward_(backward) {
  if (start > end) return;
  block_ = log.blocks().Floor(backward ? end : start);
  // A start before the first block begins with it; an end before it finds nothing.
  if (!block_ && !backward) block_ = log.blocks().First();
}

bool StreamRange::NextForward() {
  while (block_) {
    bool is_there;
    if (is_inside_) {
      is_there = cursor_.Next();
    } else {
      cursor_ = StreamBlockCursor(StreamBlocks::ValueAt(block_));
      is_there = cursor_.ToFirst();
    }
    for (; is_there; is_there = cursor_.Next()) {
      if (cursor_.is_deleted() || cursor_.id() < start_) continue;
      if (cursor_.id() > end_) {
        block_ = {};
        return false;
      }
      is_inside_ = true;
      return true;
    }
    is_inside_ = false;
    block_ = StreamBlocks::Next(block_);
  }
  return false;
}

bool StreamRange::NextBackward() {
  while (block_) {
    bool is_there;
    if (is_inside_) {
      is_there = cursor_.Previous();
    } else {
      cursor_ = StreamBlockCursor(StreamBlocks::ValueAt(block_));
      is_there = cursor_.ToLast();
    }
    for (; is_there; is_there = cursor_.Previous()) {
      if (cursor_.is_deleted() || cursor_.id() > end_) continue;
      if (cursor_.id() < start_) {
        block_ = {};
        return false;
      }
      is_inside_ = true;
      return true;
    }
    is_inside_ = false;
    block_ = StreamBlocks::Previous(block_);
  }
  return false;
}

}  // namespace hearth::ds
