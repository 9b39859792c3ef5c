#include "rdb/encoder.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <ranges>
#include <vector>

#include "base/assert.h"
#include "keyspace/expiring_pack.h"
#include "keyspace/field_table.h"

namespace hearth::rdb {
namespace {

using keyspace::CapturedGroup;
using keyspace::CapturedKey;
using keyspace::CapturedParts;
using keyspace::CapturedStreamHead;
using keyspace::Encoding;
using keyspace::Type;
using Forms = EncodeOptions::Forms;

void PutNode(const CapturedParts::NodeParts& node, const EncodeOptions& options, std::string& to) {
  PutLength(to, node.is_plain ? kNodePlain : kNodePacked);
  if (node.is_compressed) return PutCompressedString(to, node.bytes, node.size);
  PutString(to, node.bytes, options.compression);
}

void PutBlock(const CapturedParts::BlockParts& block, const EncodeOptions& options, std::string& to) {
  PutLength(to, 16);
  PutStreamId(to, block.first_id);
  PutString(to, block.pack, options.compression);
}

void PutScored(const CapturedParts::ScoredParts& scored, const EncodeOptions& options, std::string& to) {
  PutString(to, scored.member, options.compression);
  PutLittle(to, scored.score);
}

// With `least_expiry_ms`, the field's expiry stands before it as the distance from that, 0 for none.
void PutField(const CapturedParts::FieldParts& field, std::optional<int64_t> least_expiry_ms,
              const EncodeOptions& options, std::string& to) {
  if (least_expiry_ms) {
    const int64_t distance =
        field.expiry_ms == keyspace::kNoFieldExpiry ? 0 : field.expiry_ms - *least_expiry_ms + 1;
    PutLength(to, static_cast<uint64_t>(distance));
  }
  PutString(to, field.name, options.compression);
  PutString(to, field.value, options.compression);
}

int64_t LeastExpiry(CapturedParts parts) {
  int64_t least_ms = keyspace::kNeverMs;
  while (parts.HasMore()) {
    const int64_t expiry_ms = parts.FieldAndValue().expiry_ms;
    if (expiry_ms != keyspace::kNoFieldExpiry) least_ms = std::min(least_ms, expiry_ms);
  }
  return least_ms;
}

void PutConsumers(const CapturedGroup& group, const EncodeOptions& options, std::string& to) {
  std::vector<std::vector<ds::StreamId>> pending(group.consumers.size());
  for (const keyspace::CapturedPending& entry : group.pending) pending[entry.consumer].push_back(entry.id);
  PutLength(to, group.consumers.size());
  for (size_t i = 0; i < group.consumers.size(); ++i) {
    PutString(to, group.consumers[i].name, options.compression);
    PutLittle(to, group.consumers[i].seen_ms);
    if (options.forms == Forms::kOf72) PutLittle(to, group.consumers[i].active_ms);
    PutLength(to, pending[i].size());
    for (const ds::StreamId id : pending[i]) PutStreamId(to, id);
  }
}

// What stands behind a stream's blocks.
void PutStreamEnd(const CapturedStreamHead& head, const EncodeOptions& options, std::string& to) {
  PutLength(to, head.counters.length);
  PutStreamIdLengths(to, head.counters.last_id);
  PutStreamIdLengths(to, head.counters.first_id);
  PutStreamIdLengths(to, head.counters.max_deleted_id);
  PutLength(to, head.counters.entries_added);
  PutLength(to, head.groups.size());
  for (const CapturedGroup& group : head.groups) {
    PutString(to, group.name, options.compression);
    PutStreamIdLengths(to, group.last_id);
    PutLength(to, static_cast<uint64_t>(group.entries_read));
    PutLength(to, group.pending.size());
    for (const keyspace::CapturedPending& entry : group.pending) {
      PutStreamId(to, entry.id);
      PutLittle(to, entry.delivered_ms);
      PutLength(to, entry.delivery_count);
    }
    PutConsumers(group, options, to);
  }
}

// A skiplist is captured whole from the lowest member up; files have it from the highest down, so that a
// reader that adds member by member always adds at the front.
void PutDescending(CapturedParts parts, const EncodeOptions& options, std::string& to) {
  std::vector<CapturedParts::ScoredParts> members;
  while (parts.HasMore()) members.push_back(parts.Scored());
  for (const auto& member : members | std::views::reverse) PutScored(member, options, to);
}

ds::ListpackView PackOf(std::string_view raw) {
  return ds::ListpackView(reinterpret_cast<const uint8_t*>(raw.data()));
}

// A set as members, for readers that do not know the compact form.
void PutListpackMembers(const CapturedKey& key, std::string_view raw, const EncodeOptions& options,
                        std::string& to) {
  const ds::ListpackView pack = PackOf(raw);
  PutLength(to, key.part_count);
  ds::NumberBuffer buffer;
  for (auto at = pack.First(); at != ds::ListpackView::kNone; at = pack.Next(at)) {
    PutString(to, pack.Get(at).View(buffer), options.compression);
  }
}

// A listpack that is all of a list is its only node.
void PutOnlyNode(std::string_view raw, const EncodeOptions& options, std::string& to) {
  PutLength(to, 1);
  PutLength(to, kNodePacked);
  PutString(to, raw, options.compression);
}

// A hash that has the form for expiries but no field that expires, for readers that do not know that form.
void PutPairsOfTriples(const CapturedKey& key, std::string_view raw, const EncodeOptions& options,
                       std::string& to) {
  const ds::ListpackView pack = PackOf(raw);
  PutLength(to, key.part_count);
  ds::NumberBuffer buffer;
  for (auto at = pack.First(); at != ds::ListpackView::kNone; at = pack.Next(pack.Next(at))) {
    PutString(to, pack.Get(at).View(buffer), options.compression);
    at = pack.Next(at);
    PutString(to, pack.Get(at).View(buffer), options.compression);
  }
}

void PutListpack(const CapturedKey& key, ValueType type, std::string_view raw, const EncodeOptions& options,
                 std::string& to) {
  switch (type) {
    case ValueType::kListQuicklist2:
      return PutOnlyNode(raw, options, to);
    case ValueType::kSet:
      return PutListpackMembers(key, raw, options, to);
    case ValueType::kHash:
      return PutPairsOfTriples(key, raw, options, to);
    case ValueType::kHashListpackEx:
      PutLittle(to, keyspace::expiring_pack::NextExpiry(PackOf(raw)));
      return PutString(to, raw, options.compression);
    default:
      return PutString(to, raw, options.compression);
  }
}

// The elements of a table in the order in which they come.
void PutItems(ValueType type, CapturedParts& parts, const EncodeOptions& options, std::string& to) {
  switch (type) {
    case ValueType::kZset2:
      while (parts.HasMore()) PutScored(parts.Scored(), options, to);
      return;
    case ValueType::kHash:
      while (parts.HasMore()) PutField(parts.FieldAndValue(), std::nullopt, options, to);
      return;
    default:
      while (parts.HasMore()) PutString(to, parts.Text(), options.compression);
  }
}

// `least_expiry_ms`: no field expires earlier.
void PutExpiringFields(CapturedParts parts, int64_t least_expiry_ms, const EncodeOptions& options,
                       std::string& to) {
  while (parts.HasMore()) PutField(parts.FieldAndValue(), least_expiry_ms, options, to);
}

// What every expiry is not below, for hashes of which the least one is not known yet.
constexpr int64_t kAnyExpiryMs = 1;

ValueType TypeOfHash(const CapturedKey& key, CapturedParts parts, const EncodeOptions& options) {
  if (key.encoding == Encoding::kListpack) return ValueType::kHashListpack;
  if (key.encoding == Encoding::kListpackEx) {
    return keyspace::expiring_pack::NextExpiry(PackOf(parts.Text())) == keyspace::kNeverMs
               ? ValueType::kHash
               : ValueType::kHashListpackEx;
  }
  const bool expires = options.may_have_field_expiries && LeastExpiry(parts) != keyspace::kNeverMs;
  return expires ? ValueType::kHashMetadata : ValueType::kHash;
}

}  // namespace

ValueType TypeOfWhole(const CapturedKey& key, CapturedParts parts, const EncodeOptions& options) {
  if (key.type == Type::kHash) return TypeOfHash(key, parts, options);
  return TypeOfPieces(key, options);
}

ValueType TypeOfPieces(const CapturedKey& key, const EncodeOptions& options) {
  switch (key.type) {
    case Type::kString:
      return ValueType::kString;
    case Type::kList:
      return ValueType::kListQuicklist2;
    case Type::kSet:
      if (key.encoding == Encoding::kIntset) return ValueType::kSetIntset;
      return key.encoding == Encoding::kListpack && options.forms == Forms::kOf72 ? ValueType::kSetListpack
                                                                                  : ValueType::kSet;
    case Type::kSortedSet:
      return key.encoding == Encoding::kListpack ? ValueType::kZsetListpack : ValueType::kZset2;
    case Type::kHash:
      return options.may_have_field_expiries ? ValueType::kHashMetadata : ValueType::kHash;
    case Type::kStream:
      return options.forms == Forms::kOf72 ? ValueType::kStreamListpacks3 : ValueType::kStreamListpacks2;
  }
  HEARTH_ASSERT(false);
}

void EncodeWhole(const CapturedKey& key, ValueType type, CapturedParts parts, const EncodeOptions& options,
                 std::string& to) {
  switch (key.encoding) {
    case Encoding::kInt:
      return PutIntegerString(to, parts.Integer());
    case Encoding::kRaw:
    case Encoding::kEmbstr:
    case Encoding::kIntset:
      return PutString(to, parts.Text(), options.compression);
    case Encoding::kListpack:
    case Encoding::kListpackEx:
      return PutListpack(key, type, parts.Text(), options, to);
    case Encoding::kQuicklist:
      PutLength(to, key.part_count);
      while (parts.HasMore()) PutNode(parts.Node(), options, to);
      return;
    case Encoding::kHashTable:
      if (type == ValueType::kHashMetadata) {
        const int64_t least_ms = LeastExpiry(parts);
        PutLittle(to, least_ms);
        PutLength(to, key.part_count);
        return PutExpiringFields(parts, least_ms, options, to);
      }
      PutLength(to, key.part_count);
      return PutItems(type, parts, options, to);
    case Encoding::kSkiplist:
      PutLength(to, key.part_count);
      return PutDescending(parts, options, to);
    case Encoding::kStream: {
      CapturedStreamHead head = parts.StreamHead();
      PutLength(to, key.part_count);
      while (parts.HasMore()) {
        if (parts.NextIsPending()) {
          head.Add(parts.Pending());
        } else {
          PutBlock(parts.Block(), options, to);
        }
      }
      return PutStreamEnd(head, options, to);
    }
  }
}

PieceEncoder::PieceEncoder(const CapturedKey& key, ValueType type, CapturedParts parts,
                           const EncodeOptions& options, std::string& to)
    : options_(options), type_(type), text_left_(key.type == Type::kString ? key.part_count : 0) {
  if (key.type == Type::kString) {
    kept_.resize(key.part_count);
    return;
  }
  if (type_ == ValueType::kHashMetadata) PutLittle(to, kAnyExpiryMs);
  PutLength(to, key.part_count);
  if (key.type == Type::kStream) kept_ = parts.bytes();
}

void PieceEncoder::AddText(CapturedParts parts) {
  while (parts.HasMore()) {
    const CapturedParts::TextPiece piece = parts.PieceOfText();
    HEARTH_ASSERT(piece.offset + piece.bytes.size() <= kept_.size());
    std::memcpy(kept_.data() + piece.offset, piece.bytes.data(), piece.bytes.size());
    text_left_ -= piece.bytes.size();
  }
}

void PieceEncoder::AddBlocks(CapturedParts parts, std::string& to) {
  while (parts.HasMore()) {
    if (parts.NextIsPending()) {
      pending_.push_back(parts.Pending());
      continue;
    }
    const CapturedParts::BlockParts block = parts.Block();
    if (!block.is_next) {
      PutBlock(block, options_, blocks_[block.first_id]);
      continue;
    }
    while (!blocks_.empty() && blocks_.begin()->first < block.first_id) {
      to.append(blocks_.extract(blocks_.begin()).mapped());
    }
    PutBlock(block, options_, to);
  }
}

void PieceEncoder::Add(CapturedParts parts, std::string& to) {
  switch (type_) {
    case ValueType::kString:
      return AddText(parts);
    case ValueType::kListQuicklist2:
      while (parts.HasMore()) {
        node_order_.Add(parts.Node(),
                        [&](const CapturedParts::NodeParts& node) { PutNode(node, options_, to); });
      }
      return;
    case ValueType::kStreamListpacks2:
    case ValueType::kStreamListpacks3:
      return AddBlocks(parts, to);
    case ValueType::kHashMetadata:
      return PutExpiringFields(parts, kAnyExpiryMs, options_, to);
    default:
      return PutItems(type_, parts, options_, to);
  }
}

void PieceEncoder::End(std::string& to) {
  HEARTH_ASSERT(node_order_.IsComplete());
  if (type_ == ValueType::kString) {
    HEARTH_ASSERT(text_left_ == 0);
    PutString(to, kept_, options_.compression);
    return;
  }
  if (type_ != ValueType::kStreamListpacks2 && type_ != ValueType::kStreamListpacks3) return;
  while (!blocks_.empty()) to.append(blocks_.extract(blocks_.begin()).mapped());
  CapturedStreamHead head = CapturedParts(kept_).StreamHead();
  for (const keyspace::CapturedPending& entry : pending_) head.Add(entry);
  head.SortPending();
  PutStreamEnd(head, options_, to);
}

}  // namespace hearth::rdb
