#include "keyspace/capture.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.h"
#include "ds/intset.h"
#include "ds/quicklist.h"
#include "keyspace/container.h"
#include "keyspace/listpack_edit.h"
#include "keyspace/member_table.h"
#include "keyspace/score_index.h"

namespace hearth::keyspace {

// A record: size u64 of what follows | kind u8 | content.
//   whole:  head | parts          begin:  value u64 | head | stream's head
//   piece:  value u64 | parts     turn, end:  value u64
// A head: database u32 | type u8 | encoding u8 | expiry i64 | access u32 | part count u64 | key text.
// A text: size u64 | bytes.
enum class CaptureWriter::Kind : uint8_t { kWhole, kBegin, kTurn, kPiece, kEnd };

namespace {

// What a part of a stream begins with.
enum class StreamPart : uint8_t { kBlock, kPending };

constexpr size_t kChunkBytes = 64 << 10;
constexpr size_t kSizeBytes = sizeof(uint64_t);

uint64_t PartCount(const Entry& entry) {
  if (entry.type() == Type::kString) return entry.is_int() ? 1 : entry.text().size();
  switch (entry.encoding()) {
    case Encoding::kQuicklist:
      return static_cast<const ds::Quicklist*>(entry.container())->NodeCount();
    case Encoding::kStream:
      return static_cast<const Stream*>(entry.container())->log.blocks().size();
    default:
      return ContainerSize(entry);
  }
}

}  // namespace

ConsumerPlaces::ConsumerPlaces(const Stream& stream) {
  uint32_t group_place = 0;
  for (const auto& [name, group] : stream.groups) {
    uint32_t place = 0;
    for (const auto& [consumer_name, consumer] : group->consumers) {
      places_.push_back({consumer.get(), group_place, place++});
    }
    ++group_place;
  }
  std::ranges::sort(places_, {}, &Place::who);
}

CapturedPending ConsumerPlaces::Describe(StreamId id, const PendingEntry& entry) const {
  const Consumer* who = entry.consumer;
  const auto place = std::ranges::lower_bound(places_, who, {}, &Place::who);
  HEARTH_ASSERT(place != places_.end() && place->who == who);
  return {place->group, place->consumer, id, entry.delivered_ms, entry.delivery_count};
}

// ---- records

void CaptureWriter::BeginRecord(Kind kind) {
  EndPiece();
  if (chunk_.capacity() < kChunkBytes) chunk_.reserve(kChunkBytes + kChunkBytes / 4);
  record_start_ = chunk_.size();
  PutNumber(uint64_t{0});
  PutNumber(kind);
}

void CaptureWriter::EndRecord() {
  const uint64_t size = chunk_.size() - record_start_ - kSizeBytes;
  std::memcpy(chunk_.data() + record_start_, &size, kSizeBytes);
  if (chunk_.size() >= kChunkBytes) Flush();
}

void CaptureWriter::ContinuePiece(uint64_t value) {
  if (piece_of_ == value && chunk_.size() < kChunkBytes) return;
  BeginRecord(Kind::kPiece);
  PutNumber(value);
  piece_of_ = value;
}

void CaptureWriter::EndPiece() {
  if (piece_of_ == 0) return;
  piece_of_ = 0;
  EndRecord();
}

void CaptureWriter::Flush() {
  EndPiece();
  if (chunk_.empty()) return;
  take_(chunk_);
  chunk_.clear();
}

void CaptureWriter::Whole(int database, const Entry& entry) {
  BeginRecord(Kind::kWhole);
  PutHead(database, entry);
  PutParts(entry);
  EndRecord();
}

void CaptureWriter::Begin(uint64_t value, int database, const Entry& entry) {
  HEARTH_ASSERT(value != 0);
  BeginRecord(Kind::kBegin);
  PutNumber(value);
  PutHead(database, entry);
  if (entry.type() == Type::kStream) PutStreamHead(*static_cast<const Stream*>(entry.container()));
  EndRecord();
}

void CaptureWriter::Turn(uint64_t value) {
  BeginRecord(Kind::kTurn);
  PutNumber(value);
  EndRecord();
}

void CaptureWriter::End(uint64_t value) {
  BeginRecord(Kind::kEnd);
  PutNumber(value);
  EndRecord();
}

// ---- parts

void CaptureWriter::Add(uint64_t value, const Field& field) {
  ContinuePiece(value);
  PutField(field);
}

void CaptureWriter::Add(uint64_t value, std::string_view member) {
  ContinuePiece(value);
  PutText(member);
}

void CaptureWriter::Add(uint64_t value, const ds::ScoredMember& member) {
  ContinuePiece(value);
  PutScored(member.member(), member.score());
}

void CaptureWriter::AddBlock(uint64_t value, const ds::StreamBlock& block, bool is_next) {
  ContinuePiece(value);
  PutBlock(block, is_next);
}

void CaptureWriter::AddPending(uint64_t value, const CapturedPending& pending) {
  ContinuePiece(value);
  PutPending(pending);
}

void CaptureWriter::AddNode(uint64_t value, uint64_t self, uint64_t after, const ds::QuicklistNode& node) {
  ContinuePiece(value);
  PutNode(self, after, node);
}

void CaptureWriter::AddText(uint64_t value, uint64_t offset, std::string_view bytes) {
  ContinuePiece(value);
  PutNumber(offset);
  PutText(bytes);
}

void CaptureWriter::Put(const void* bytes, size_t size) {
  const char* from = static_cast<const char*>(bytes);
  chunk_.insert(chunk_.end(), from, from + size);
}

void CaptureWriter::PutText(std::string_view text) {
  PutNumber(uint64_t{text.size()});
  Put(text.data(), text.size());
}

void CaptureWriter::PutHead(int database, const Entry& entry) {
  PutNumber(static_cast<uint32_t>(database));
  PutNumber(entry.type());
  PutNumber(entry.encoding());
  PutNumber(entry.expiry_ms());
  PutNumber(entry.access());
  PutNumber(PartCount(entry));
  PutText(entry.key());
}

void CaptureWriter::PutField(const Field& field) {
  PutNumber(field.expiry_ms());
  PutText(field.name());
  PutText(field.value());
}

void CaptureWriter::PutScored(std::string_view member, double score) {
  PutNumber(score);
  PutText(member);
}

void CaptureWriter::PutNode(uint64_t self, uint64_t after, const ds::QuicklistNode& node) {
  PutNumber(self);
  PutNumber(after);
  PutNumber(static_cast<uint8_t>(node.is_plain));
  PutNumber(static_cast<uint8_t>(node.IsCompressed()));
  PutNumber(uint64_t{node.size});
  PutText(node.Stored());
}

void CaptureWriter::PutBlock(const ds::StreamBlock& block, bool is_next) {
  PutNumber(StreamPart::kBlock);
  PutNumber(block.first_id);
  PutNumber(static_cast<uint8_t>(is_next));
  PutText(block.View().Raw());
}

void CaptureWriter::PutPending(const CapturedPending& pending) {
  PutNumber(StreamPart::kPending);
  PutNumber(pending.group);
  PutNumber(pending.consumer);
  PutNumber(pending.id);
  PutNumber(pending.delivered_ms);
  PutNumber(pending.delivery_count);
}

// counters | group count u64 | groups, each: name | last id | entries read | consumer count u64 | consumers
void CaptureWriter::PutStreamHead(const Stream& stream) {
  PutNumber(stream.log.counters());
  PutNumber(uint64_t{stream.groups.size()});
  for (const auto& [name, group] : stream.groups) {
    PutText(name);
    PutNumber(group->last_id);
    PutNumber(group->entries_read);
    PutNumber(uint64_t{group->consumers.size()});
    for (const auto& [consumer_name, consumer] : group->consumers) {
      PutText(consumer_name);
      PutNumber(consumer->seen_ms);
      PutNumber(consumer->active_ms);
    }
  }
}

void CaptureWriter::PutParts(const Entry& entry) {
  if (entry.type() == Type::kString) {
    if (entry.is_int()) return PutNumber(entry.int_value());
    return PutText(entry.text());
  }
  switch (entry.encoding()) {
    case Encoding::kListpack:
    case Encoding::kListpackEx:
      return PutText(ListpackOf(entry).Raw());
    case Encoding::kIntset:
      return PutText(ds::IntsetView(static_cast<const uint8_t*>(entry.container())).Raw());
    case Encoding::kQuicklist:
      for (const auto* node = static_cast<const ds::Quicklist*>(entry.container())->FirstNode();
           node != nullptr; node = node->next) {
        PutNode(0, 0, *node);
      }
      return;
    case Encoding::kHashTable:
      if (entry.type() == Type::kSet) {
        static_cast<const MemberTable*>(entry.container())->VisitAll([&](std::string_view member) {
          PutText(member);
        });
      } else {
        static_cast<const FieldTable*>(entry.container())->VisitAll([&](const Field& field) {
          PutField(field);
        });
      }
      return;
    case Encoding::kSkiplist:
      for (auto at = static_cast<const ScoreIndex*>(entry.container())->tree().At(0); at.IsValid();
           at.Next()) {
        PutScored(at.member().member(), at.member().score());
      }
      return;
    case Encoding::kStream: {
      const auto& stream = *static_cast<const Stream*>(entry.container());
      PutStreamHead(stream);
      for (auto at = stream.log.blocks().First(); at; at = stream.log.blocks().Next(at)) {
        PutBlock(stream.log.blocks().ValueAt(at), true);
      }
      const ConsumerPlaces places(stream);
      for (const auto& [name, group] : stream.groups) {
        for (auto at = group->pending.First(); at; at = group->pending.Next(at)) {
          PutPending(places.Describe(group->pending.IdAt(at), group->pending.ValueAt(at)));
        }
      }
      return;
    }
    case Encoding::kRaw:
    case Encoding::kInt:
    case Encoding::kEmbstr:
      break;
  }
  HEARTH_ASSERT(false);
}

// ---- reading

template <typename Number>
Number CapturedParts::Take() {
  HEARTH_ASSERT(bytes_.size() >= sizeof(Number));
  Number number;
  std::memcpy(&number, bytes_.data(), sizeof(number));
  bytes_.remove_prefix(sizeof(number));
  return number;
}

int64_t CapturedParts::Integer() { return Take<int64_t>(); }

std::string_view CapturedParts::Text() {
  const auto size = Take<uint64_t>();
  HEARTH_ASSERT(bytes_.size() >= size);
  const std::string_view text = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return text;
}

CapturedParts::TextPiece CapturedParts::PieceOfText() {
  const auto offset = Take<uint64_t>();
  return {offset, Text()};
}

CapturedParts::FieldParts CapturedParts::FieldAndValue() {
  const auto expiry_ms = Take<int64_t>();
  const std::string_view name = Text();
  return {name, Text(), expiry_ms};
}

CapturedParts::ScoredParts CapturedParts::Scored() {
  const auto score = Take<double>();
  return {Text(), score};
}

CapturedParts::NodeParts CapturedParts::Node() {
  NodeParts node;
  node.self = Take<uint64_t>();
  node.after = Take<uint64_t>();
  node.is_plain = Take<uint8_t>() != 0;
  node.is_compressed = Take<uint8_t>() != 0;
  node.size = Take<uint64_t>();
  node.bytes = Text();
  return node;
}

bool CapturedParts::NextIsPending() const {
  StreamPart part;
  HEARTH_ASSERT(bytes_.size() >= sizeof(part));
  std::memcpy(&part, bytes_.data(), sizeof(part));
  return part == StreamPart::kPending;
}

CapturedPending CapturedParts::Pending() {
  CapturedPending pending;
  HEARTH_ASSERT(Take<StreamPart>() == StreamPart::kPending);
  pending.group = Take<uint32_t>();
  pending.consumer = Take<uint32_t>();
  pending.id = Take<StreamId>();
  pending.delivered_ms = Take<int64_t>();
  pending.delivery_count = Take<uint64_t>();
  return pending;
}

CapturedParts::BlockParts CapturedParts::Block() {
  BlockParts block;
  HEARTH_ASSERT(Take<StreamPart>() == StreamPart::kBlock);
  block.first_id = Take<StreamId>();
  block.is_next = Take<uint8_t>() != 0;
  block.pack = Text();
  return block;
}

CapturedStreamHead CapturedParts::StreamHead() {
  CapturedStreamHead head;
  head.counters = Take<ds::StreamLog::Counters>();
  head.groups.resize(Take<uint64_t>());
  for (CapturedGroup& group : head.groups) {
    group.name = Text();
    group.last_id = Take<StreamId>();
    group.entries_read = Take<int64_t>();
    group.consumers.resize(Take<uint64_t>());
    for (CapturedGroup::ConsumerState& consumer : group.consumers) {
      consumer.name = Text();
      consumer.seen_ms = Take<int64_t>();
      consumer.active_ms = Take<int64_t>();
    }
  }
  return head;
}

void CapturedStreamHead::SortPending() {
  for (CapturedGroup& group : groups) {
    if (!std::ranges::is_sorted(group.pending, {}, &CapturedPending::id)) {
      std::ranges::sort(group.pending, {}, &CapturedPending::id);
    }
  }
}

// A friend of the writer, for its kinds.
class CaptureReader : private CapturedParts {
 public:
  static void Read(std::string_view chunk, CaptureHandler& handler) {
    for (CapturedParts records(chunk); records.HasMore();) {
      // A record looks like a text.
      CaptureReader(records.Text()).ReadRecord(handler);
    }
  }

 private:
  using Kind = CaptureWriter::Kind;

  explicit CaptureReader(std::string_view record) : CapturedParts(record) {}

  void ReadRecord(CaptureHandler& handler) {
    const auto kind = Take<Kind>();
    const uint64_t value = kind == Kind::kWhole ? 0 : Take<uint64_t>();
    switch (kind) {
      case Kind::kWhole: {
        const CapturedKey key = Head();
        return handler.OnWhole(key, *this);
      }
      case Kind::kBegin: {
        const CapturedKey key = Head();
        return handler.OnBegin(value, key, *this);
      }
      case Kind::kTurn:
        return handler.OnTurn(value);
      case Kind::kPiece:
        return handler.OnPiece(value, *this);
      case Kind::kEnd:
        return handler.OnEnd(value);
    }
  }

  CapturedKey Head() {
    CapturedKey key;
    key.database = static_cast<int>(Take<uint32_t>());
    key.type = Take<Type>();
    key.encoding = Take<Encoding>();
    key.expiry_ms = Take<int64_t>();
    key.access = Take<uint32_t>();
    key.part_count = Take<uint64_t>();
    key.key = Text();
    return key;
  }
};

void ReadCapture(const CaptureChunk& chunk, CaptureHandler& handler) {
  CaptureReader::Read({chunk.data(), chunk.size()}, handler);
}

}  // namespace hearth::keyspace
