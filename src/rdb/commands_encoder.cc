#include "rdb/commands_encoder.h"

#include <fmt/format.h>

#include <cstring>
#include <vector>

#include "base/assert.h"
#include "base/numbers.h"
#include "ds/intset.h"
#include "ds/listpack.h"
#include "ds/lzf.h"
#include "ds/stream_block.h"
#include "keyspace/field_table.h"

namespace hearth::rdb {
namespace {

using ds::ListpackView;
using keyspace::CapturedGroup;
using keyspace::CapturedKey;
using keyspace::CapturedParts;
using keyspace::CapturedStreamHead;
using keyspace::Encoding;
using keyspace::Type;

void PutNumberLine(std::string& to, char mark, uint64_t number) {
  char digits[20];
  to.push_back(mark);
  to.append(digits, static_cast<size_t>(FormatInt64(static_cast<int64_t>(number), digits)));
  to.append("\r\n");
}

void PutWord(std::string& to, std::string_view word) {
  PutNumberLine(to, '$', word.size());
  to.append(word).append("\r\n");
}

std::string IdText(ds::StreamId id) { return fmt::format("{}-{}", id.ms, id.seq); }

// The command that adds items to a collection of the type.
std::string_view AddingCommand(Type type) {
  switch (type) {
    case Type::kList:
      return "RPUSH";
    case Type::kSet:
      return "SADD";
    case Type::kSortedSet:
      return "ZADD";
    case Type::kHash:
      return "HMSET";
    case Type::kString:
    case Type::kStream:
      break;
  }
  HEARTH_ASSERT(false);
}

// Gathers items for one command and appends it when it is full, or when the batch ends.
class Batch {
 public:
  Batch(Type type, std::string_view key, std::string& to) : type_(type), key_(key), to_(to) {}
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  ~Batch() { Flush(); }

  void Add(std::string_view item) {
    PutWord(words_, item);
    CountItem(1);
  }
  void Add(std::string_view first, std::string_view second) {
    PutWord(words_, first);
    PutWord(words_, second);
    CountItem(2);
  }
  void Flush() {
    if (items_ == 0) return;
    PutNumberLine(to_, '*', 2 + word_count_);
    PutWord(to_, AddingCommand(type_));
    PutWord(to_, key_);
    to_.append(words_);
    words_.clear();
    items_ = word_count_ = 0;
  }

 private:
  void CountItem(uint64_t words) {
    word_count_ += words;
    if (++items_ == kItemsPerCommand) Flush();
  }

  const Type type_;
  const std::string_view key_;
  std::string& to_;
  std::string words_;
  uint64_t items_ = 0;
  uint64_t word_count_ = 0;
};

// A group, its consumers and what is pending.
void PutGroup(std::string_view key, const CapturedGroup& group, std::string& to) {
  PutCommand(to, {"XGROUP", "CREATE", key, group.name, IdText(group.last_id), "ENTRIESREAD",
                  ToString(group.entries_read)});
  for (const CapturedGroup::ConsumerState& consumer : group.consumers) {
    PutCommand(to, {"XGROUP", "CREATECONSUMER", key, group.name, consumer.name});
  }
  for (const keyspace::CapturedPending& pending : group.pending) {
    PutCommand(to, {"XCLAIM", key, group.name, group.consumers[pending.consumer].name, "0",
                    IdText(pending.id), "TIME", ToString(pending.delivered_ms), "RETRYCOUNT",
                    fmt::to_string(pending.delivery_count), "JUSTID", "FORCE"});
  }
}

// What stands behind a stream's entries.
void PutStreamEnd(std::string_view key, const CapturedStreamHead& head, std::string& to) {
  // An empty stream is what trimming leaves of one with an entry.
  if (head.counters.length == 0) PutCommand(to, {"XADD", key, "MAXLEN", "0", "0-1", "x", "y"});
  PutCommand(to, {"XSETID", key, IdText(head.counters.last_id), "ENTRIESADDED",
                  fmt::to_string(head.counters.entries_added), "MAXDELETEDID",
                  IdText(head.counters.max_deleted_id)});
  for (const CapturedGroup& group : head.groups) PutGroup(key, group, to);
}

ListpackView PackOf(std::string_view raw) {
  return ListpackView(reinterpret_cast<const uint8_t*>(raw.data()));
}

}  // namespace

void PutCommand(std::string& to, std::initializer_list<std::string_view> words) {
  PutNumberLine(to, '*', words.size());
  for (std::string_view word : words) PutWord(to, word);
}

CommandsEncoder::CommandsEncoder(const CapturedKey& key)
    : key_(key.key), type_(key.type), encoding_(key.encoding), expiry_ms_(key.expiry_ms) {}

CommandsEncoder::CommandsEncoder(const CapturedKey& key, CapturedParts parts) : CommandsEncoder(key) {
  if (type_ == Type::kString) kept_.resize(key.part_count);
  if (type_ == Type::kStream) kept_ = parts.bytes();
}

void CommandsEncoder::Whole(const CapturedKey& key, CapturedParts parts, std::string& to) {
  CommandsEncoder encoder(key);
  encoder.AddWhole(parts, to);
  encoder.End(to);
}

void CommandsEncoder::AddWhole(CapturedParts parts, std::string& to) {
  switch (encoding_) {
    case Encoding::kInt:
      kept_ = ToString(parts.Integer());
      return;
    case Encoding::kRaw:
    case Encoding::kEmbstr:
      kept_ = parts.Text();
      return;
    case Encoding::kListpack:
    case Encoding::kListpackEx:
      return AddListpack(parts.Text(), to);
    case Encoding::kIntset:
      return AddIntset(parts.Text(), to);
    case Encoding::kStream: {
      const std::string_view all = parts.bytes();
      parts.StreamHead();
      kept_ = all.substr(0, all.size() - parts.bytes().size());
      return AddBlocks(parts, to);
    }
    case Encoding::kQuicklist:
    case Encoding::kHashTable:
    case Encoding::kSkiplist:
      return AddItems(parts, to);
  }
}

void CommandsEncoder::Add(CapturedParts parts, std::string& to) {
  if (type_ == Type::kString) return AddText(parts);
  if (type_ == Type::kStream) return AddBlocks(parts, to);
  AddItems(parts, to);
}

void CommandsEncoder::AddItems(CapturedParts& parts, std::string& to) {
  if (type_ == Type::kList) {
    while (parts.HasMore()) {
      node_order_.Add(parts.Node(), [&](const CapturedParts::NodeParts& node) { AddNode(node, to); });
    }
    return;
  }
  std::string expiries;
  {
    Batch batch(type_, key_, to);
    while (parts.HasMore()) {
      if (type_ == Type::kSortedSet) {
        const CapturedParts::ScoredParts scored = parts.Scored();
        batch.Add(FormatDouble(scored.score), scored.member);
      } else if (type_ == Type::kHash) {
        const CapturedParts::FieldParts field = parts.FieldAndValue();
        batch.Add(field.name, field.value);
        PutFieldExpiry(field.name, field.expiry_ms, expiries);
      } else {
        batch.Add(parts.Text());
      }
    }
  }
  to.append(expiries);
}

void CommandsEncoder::AddText(CapturedParts parts) {
  while (parts.HasMore()) {
    const CapturedParts::TextPiece piece = parts.PieceOfText();
    HEARTH_ASSERT(piece.offset + piece.bytes.size() <= kept_.size());
    std::memcpy(kept_.data() + piece.offset, piece.bytes.data(), piece.bytes.size());
  }
}

// Elements by one, or with what belongs to them: the value of a field and its expiry, the score of a member.
void CommandsEncoder::AddListpack(std::string_view raw, std::string& to) {
  const ListpackView pack = PackOf(raw);
  std::string expiries;
  {
    Batch batch(type_, key_, to);
    ds::NumberBuffer first_digits;
    ds::NumberBuffer second_digits;
    for (auto at = pack.First(); at != ListpackView::kNone; at = pack.Next(at)) {
      const std::string_view first = pack.Get(at).View(first_digits);
      if (type_ == Type::kList || type_ == Type::kSet) {
        batch.Add(first);
        continue;
      }
      at = pack.Next(at);
      const std::string_view second = pack.Get(at).View(second_digits);
      type_ == Type::kSortedSet ? batch.Add(second, first) : batch.Add(first, second);
      if (encoding_ != Encoding::kListpackEx) continue;
      at = pack.Next(at);
      const int64_t expiry_ms = pack.Get(at).number;
      PutFieldExpiry(first, expiry_ms == 0 ? keyspace::kNoFieldExpiry : expiry_ms, expiries);
    }
  }
  to.append(expiries);
}

void CommandsEncoder::AddIntset(std::string_view raw, std::string& to) {
  const ds::IntsetView set(reinterpret_cast<const uint8_t*>(raw.data()));
  Batch batch(type_, key_, to);
  for (size_t i = 0; i < set.Length(); ++i) batch.Add(ToString(set.Get(i)));
}

void CommandsEncoder::AddNode(const CapturedParts::NodeParts& node, std::string& to) {
  std::string unpacked;
  std::string_view bytes = node.bytes;
  if (node.is_compressed) {
    unpacked.resize(node.size);
    const bool is_whole = ds::UnpackLzf(bytes, unpacked.data(), node.size, node.size);
    HEARTH_ASSERT(is_whole);
    bytes = unpacked;
  }
  if (node.is_plain) return PutCommand(to, {AddingCommand(type_), key_, bytes});
  AddListpack(bytes, to);
}

void CommandsEncoder::AddBlocks(CapturedParts& parts, std::string& to) {
  while (parts.HasMore()) {
    if (parts.NextIsPending()) {
      pending_.push_back(parts.Pending());
      continue;
    }
    const CapturedParts::BlockParts block = parts.Block();
    if (!block.is_next) {
      blocks_.emplace(block.first_id, block.pack);
      continue;
    }
    for (; !blocks_.empty() && blocks_.begin()->first < block.first_id; blocks_.erase(blocks_.begin())) {
      PutBlock(blocks_.begin()->first, blocks_.begin()->second, to);
    }
    PutBlock(block.first_id, block.pack, to);
  }
}

void CommandsEncoder::PutBlock(ds::StreamId first_id, std::string_view pack, std::string& to) const {
  const ds::StreamBlock block{reinterpret_cast<const uint8_t*>(pack.data()), first_id};
  ds::StreamBlockCursor cursor(block);
  for (bool found = cursor.ToFirst(); found; found = cursor.Next()) {
    if (cursor.is_deleted()) continue;
    PutNumberLine(to, '*', 3 + 2 * cursor.field_count());
    PutWord(to, "XADD");
    PutWord(to, key_);
    PutWord(to, IdText(cursor.id()));
    cursor.ForEachField([&](const ds::ListpackValue& field, const ds::ListpackValue& value) {
      ds::NumberBuffer digits;
      PutWord(to, field.View(digits));
      PutWord(to, value.View(digits));
    });
  }
}

void CommandsEncoder::PutFieldExpiry(std::string_view field, int64_t expiry_ms, std::string& to) const {
  if (expiry_ms == keyspace::kNoFieldExpiry) return;
  PutCommand(to, {"HPEXPIREAT", key_, ToString(expiry_ms), "FIELDS", "1", field});
}

void CommandsEncoder::End(std::string& to) {
  HEARTH_ASSERT(node_order_.IsComplete());
  if (type_ == Type::kString) {
    PutCommand(to, {"SET", key_, kept_});
  } else if (type_ == Type::kStream) {
    for (const auto& [first_id, pack] : blocks_) PutBlock(first_id, pack, to);
    CapturedStreamHead head = CapturedParts(kept_).StreamHead();
    for (const keyspace::CapturedPending& entry : pending_) head.Add(entry);
    head.SortPending();
    PutStreamEnd(key_, head, to);
  }
  if (expiry_ms_ >= 0) PutCommand(to, {"PEXPIREAT", key_, ToString(expiry_ms_)});
}

}  // namespace hearth::rdb
