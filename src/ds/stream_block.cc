#include "ds/stream_block.h"

#include <cstdlib>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "base/memory.h"

namespace hearth::ds {
namespace {

using Position = ListpackView::Position;

// The listpack of a block, taken out to be changed and hung back at the end.
class PackEdit {
 public:
  explicit PackEdit(StoredStreamBlock& block) : block_(block), pack_(Listpack::Adopt(block.pack)) {}
  PackEdit(const PackEdit&) = delete;
  PackEdit& operator=(const PackEdit&) = delete;
  ~PackEdit() { block_.pack = pack_.Release(); }

  Listpack& operator*() { return pack_; }
  Listpack* operator->() { return &pack_; }

 private:
  StoredStreamBlock& block_;
  Listpack pack_;
};

bool HasMasterFields(ListpackView pack, const StreamBlockHeader& header,
                     std::span<const std::string_view> pairs) {
  if (header.field_count != pairs.size() / 2) return false;
  Position at = header.fields;
  for (size_t i = 0; i < pairs.size(); i += 2) {
    if (!pack.Equals(at, pairs[i])) return false;
    at = pack.Next(at);
  }
  return true;
}

}  // namespace

// ---- the block

StoredStreamBlock* StoredStreamBlock::New(std::span<const std::string_view> pairs, size_t reserve_bytes) {
  Listpack pack(reserve_bytes);
  pack.Append(int64_t{0});
  pack.Append(int64_t{0});
  pack.Append(static_cast<int64_t>(pairs.size() / 2));
  for (size_t i = 0; i < pairs.size(); i += 2) pack.Append(pairs[i]);
  pack.Append(int64_t{0});
  return Adopt(std::move(pack));
}

StoredStreamBlock* StoredStreamBlock::Adopt(Listpack pack) {
  return std::make_unique<StoredStreamBlock>(StoredStreamBlock{.pack = pack.Release()}).release();
}

StoredStreamBlock* StoredStreamBlock::Clone() const { return Adopt(Listpack::Copy(View().Raw())); }

void StoredStreamBlock::Delete(StoredStreamBlock* block) {
  std::free(block->pack);
  const std::unique_ptr<StoredStreamBlock> freed(block);
}

void StoredStreamBlock::Append(StreamId first_id, StreamId id, std::span<const std::string_view> pairs) {
  PackEdit edit(*this);
  const StreamBlockHeader header(edit->View());
  const bool is_same = HasMasterFields(edit->View(), header, pairs);
  edit->Replace(edit->View().First(), header.count + 1);
  edit->Append(is_same ? StreamBlockCursor::kSameFields : 0);
  edit->Append(static_cast<int64_t>(id.ms - first_id.ms));
  edit->Append(static_cast<int64_t>(id.seq - first_id.seq));
  const size_t field_count = pairs.size() / 2;
  if (is_same) {
    for (size_t i = 1; i < pairs.size(); i += 2) edit->Append(pairs[i]);
    edit->Append(static_cast<int64_t>(field_count + 3));
  } else {
    edit->Append(static_cast<int64_t>(field_count));
    for (std::string_view text : pairs) edit->Append(text);
    edit->Append(static_cast<int64_t>(2 * field_count + 4));
  }
}

void StoredStreamBlock::Shrink() {
  const size_t total = View().TotalBytes();
  if (GoodAllocationSize(total) >= AllocationSize(pack)) return;
  auto* shrunk = static_cast<uint8_t*>(std::realloc(pack, total));
  HEARTH_ASSERT(shrunk != nullptr);
  pack = shrunk;
}

StreamBlockHeader::StreamBlockHeader(ListpackView pack) {
  Position at = pack.First();
  count = pack.Get(at).number;
  at = pack.Next(at);
  deleted = pack.Get(at).number;
  at = pack.Next(at);
  field_count = static_cast<size_t>(pack.Get(at).number);
  at = pack.Next(at);
  fields = at;
  for (size_t i = 0; i < field_count; ++i) at = pack.Next(at);
  terminator = at;
}

void MarkStreamEntriesDeleted(StoredStreamBlock& block, int64_t removed) {
  PackEdit edit(block);
  const StreamBlockHeader header(edit->View());
  const Position count_at = edit->View().First();
  edit->Replace(count_at, header.count - removed);
  edit->Replace(edit->View().Next(count_at), header.deleted + removed);
}

// ---- the cursor

StreamBlockCursor::StreamBlockCursor(const StreamBlock& block)
    : pack_(block.View()), first_id_(block.first_id) {
  const StreamBlockHeader header(pack_);
  master_field_count_ = header.field_count;
  master_fields_ = header.fields;
  terminator_ = header.terminator;
}

bool StreamBlockCursor::ReadEntry(Position at) {
  entry_ = at;
  if (at == ListpackView::kNone) return false;
  flags_ = pack_.Get(at).number;
  at = pack_.Next(at);
  id_.ms = first_id_.ms + static_cast<uint64_t>(pack_.Get(at).number);
  at = pack_.Next(at);
  id_.seq = first_id_.seq + static_cast<uint64_t>(pack_.Get(at).number);
  at = pack_.Next(at);
  if (flags_ & kSameFields) {
    field_count_ = master_field_count_;
  } else {
    field_count_ = static_cast<size_t>(pack_.Get(at).number);
    at = pack_.Next(at);
  }
  fields_ = at;
  end_ = 0;
  return true;
}

bool StreamBlockCursor::ReadBackward(Position element_count_at) {
  Position at = element_count_at;
  // In front of the first entry is the master entry's 0.
  for (int64_t left = pack_.Get(at).number; left > 0; --left) at = pack_.Previous(at);
  return ReadEntry(at == element_count_at ? ListpackView::kNone : at);
}

bool StreamBlockCursor::Next() {
  if (end_ == 0) {
    end_ = fields_;
    const size_t elements = flags_ & kSameFields ? field_count_ : 2 * field_count_;
    for (size_t i = 0; i < elements; ++i) end_ = pack_.Next(end_);
  }
  return ReadEntry(pack_.Next(end_));
}

void StreamBlockCursor::MarkDeleted(StoredStreamBlock& block) {
  flags_ |= kDeleted;
  PackEdit edit(block);
  edit->Replace(entry_, flags_);
  // The flags keep their size, so nothing has moved.
  HEARTH_ASSERT(edit->bytes() == pack_.bytes());
}

// ---- validation

namespace {

// Takes elements one by one; any that is missing or not the wanted number fails the whole.
class ElementReader {
 public:
  explicit ElementReader(ListpackView pack) : pack_(pack), at_(pack.First()) {}

  bool AtEnd() const { return at_ == ListpackView::kNone; }
  bool Number(int64_t& number) {
    if (AtEnd()) return false;
    const ListpackValue value = pack_.Get(at_);
    number = value.number;
    at_ = pack_.Next(at_);
    return value.is_number;
  }
  // Moves over `count` elements of any kind; there may be fewer, however large `count` is.
  bool Skip(int64_t count) {
    if (count < 0) return false;
    for (; count > 0; --count) {
      if (AtEnd()) return false;
      at_ = pack_.Next(at_);
    }
    return true;
  }

 private:
  ListpackView pack_;
  Position at_;
};

bool ValidateEntry(ElementReader& reader, int64_t master_field_count, bool& is_deleted) {
  int64_t flags, ms, seq, field_count = master_field_count, element_count;
  if (!reader.Number(flags) || flags < 0 || flags > 3 || !reader.Number(ms) || !reader.Number(seq))
    return false;
  const bool is_same = (flags & StreamBlockCursor::kSameFields) != 0;
  is_deleted = (flags & StreamBlockCursor::kDeleted) != 0;
  if (!is_same && (!reader.Number(field_count) || field_count < 0 || field_count > INT32_MAX)) return false;
  if (!reader.Skip(is_same ? field_count : 2 * field_count) || !reader.Number(element_count)) return false;
  return element_count == (is_same ? field_count + 3 : 2 * field_count + 4);
}

}  // namespace

bool ValidateStreamBlock(std::string_view raw) {
  if (!ValidateListpack(raw, true)) return false;
  ElementReader reader(ListpackView(reinterpret_cast<const uint8_t*>(raw.data())));
  int64_t count, deleted, field_count, terminator;
  if (!reader.Number(count) || count < 0 || !reader.Number(deleted) || deleted < 0) return false;
  if (!reader.Number(field_count) || field_count < 0 || field_count > INT32_MAX) return false;
  if (!reader.Skip(field_count) || !reader.Number(terminator) || terminator != 0) return false;
  int64_t live_seen = 0;
  int64_t deleted_seen = 0;
  while (!reader.AtEnd()) {
    bool is_deleted = false;
    if (!ValidateEntry(reader, field_count, is_deleted)) return false;
    ++(is_deleted ? deleted_seen : live_seen);
  }
  return live_seen == count && deleted_seen == deleted && live_seen + deleted_seen > 0;
}

}  // namespace hearth::ds
