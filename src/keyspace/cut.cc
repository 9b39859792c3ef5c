#include "keyspace/cut.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/prefetch.h"
#include "ds/quicklist.h"
#include "keyspace/container.h"
#include "keyspace/member_table.h"
#include "keyspace/score_index.h"

namespace hearth::keyspace {
namespace {

// Values of more parts or bytes than this are captured piece by piece.
constexpr size_t kMostPartsAtOnce = 512;
constexpr size_t kMostNodesAtOnce = 32;
constexpr size_t kMostBytesAtOnce = size_t{1} << 20;

// How much is walked between two looks at the clock.
constexpr size_t kBucketsAStep = 16;
constexpr size_t kNodesAStep = 8;
constexpr size_t kPendingAStep = 128;
constexpr size_t kCapturedNodesAStep = 512;
constexpr size_t kTextBytesAStep = size_t{128} << 10;

// So many large values may wait for the end of the keys: what is known of each is kept meanwhile.
constexpr size_t kMostDeferred = 16;

template <typename Container>
Container& In(const Entry& entry) {
  return *static_cast<Container*>(const_cast<void*>(entry.container()));
}

bool IsTable(const Entry& entry) {
  return entry.encoding() == Encoding::kHashTable || entry.encoding() == Encoding::kSkiplist;
}

ds::WalkedTable TableOf(const Entry& entry) {
  if (entry.encoding() == Encoding::kSkiplist) return In<ScoreIndex>(entry).Walked();
  if (entry.type() == Type::kSet) return In<MemberTable>(entry).Walked();
  return In<FieldTable>(entry).Walked();
}

bool IsLarge(const Entry& entry) {
  if (entry.type() == Type::kString) {
    return !entry.is_int() && !entry.is_inline() && entry.text().size() > kMostBytesAtOnce;
  }
  if (entry.encoding() == Encoding::kQuicklist) {
    const auto& list = In<ds::Quicklist>(entry);
    return list.NodeCount() > kMostNodesAtOnce || list.MemoryBytes() > kMostBytesAtOnce;
  }
  if (entry.encoding() == Encoding::kStream) {
    const auto& stream = In<Stream>(entry);
    return stream.log.blocks().size() + stream.PendingCount() > kMostPartsAtOnce;
  }
  return IsTable(entry) &&
         (ContainerSize(entry) > kMostPartsAtOnce || ValueBytes(entry, 4) > kMostBytesAtOnce);
}

// The parts of a value that was captured whole need no more capturing.
void MarkParts(const Entry& entry, uint8_t cuts) {
  if (entry.encoding() == Encoding::kQuicklist) {
    In<ds::Quicklist>(entry).MarkCaptured(cuts);
  } else if (entry.encoding() == Encoding::kStream) {
    In<Stream>(entry).MarkCaptured(cuts);
  } else if (IsTable(entry)) {
    TableOf(entry).MarkCaptured(cuts);
  }
}

template <typename Visit>
void ForEachItem(const ds::Bucket& head, Visit&& visit) {
  for (const ds::Bucket* bucket = &head;; bucket = bucket->overflow()) {
    for (int i = 0; i < bucket->item_slots() && bucket->slots[i] != nullptr; ++i) visit(bucket->slots[i]);
    if (!bucket->has_overflow()) return;
  }
}

void PrefetchItem(const void* item) {
  Prefetch(item);
  Prefetch(static_cast<const char*>(item) + sizeof(ds::Bucket));
}

void PrefetchValue(const void* item) {
  const auto& entry = *static_cast<const Entry*>(item);
  if (!entry.is_inline() && !entry.is_int()) Prefetch(entry.container());
}

}  // namespace

const void* PartsOf(const Entry& entry) {
  if (entry.type() == Type::kString) return entry.is_int() || entry.is_inline() ? nullptr : entry.container();
  if (entry.encoding() == Encoding::kQuicklist) return entry.container();
  if (entry.encoding() == Encoding::kStream) return &In<Stream>(entry).log;
  return IsTable(entry) ? TableOf(entry).table : nullptr;
}

Cut::Cut(const ds::CutState& state, int bit, const std::vector<EntryTable*>& tables, CutSink& sink,
         const CutFilter* filter)
    : state_(state), bit_(bit), sink_(&sink), filter_(filter), writer_([this](CaptureChunk& chunk) {
        if (sink_ != nullptr) sink_->Take(chunk);
      }) {
  for (size_t i = 0; i < tables.size(); ++i) walks_.push_back({tables[i], static_cast<int>(i)});
}

void Cut::Finish() {
  if (sink_ == nullptr) return;
  writer_.Flush();
  sink_->OnCaptured();
}

// ---- keys

void Cut::WalkKeys(TableWalk& walk) {
  const EntryTable& table = *walk.table;
  const size_t end = std::min(table.bucket_count(), walk.next_bucket + kBucketsAStep);
  // Asked for in three passes, so that the waits for memory overlap.
  for (size_t i = walk.next_bucket; i < end; ++i) Prefetch(&table.bucket(i));
  for (size_t i = walk.next_bucket; i < end; ++i) {
    ForEachItem(table.bucket(i), PrefetchItem);
  }
  for (size_t i = walk.next_bucket; i < end; ++i) {
    ForEachItem(table.bucket(i), PrefetchValue);
  }
  for (; walk.next_bucket < end; ++walk.next_bucket) walk.table->Capture(walk.next_bucket, mask());
  if (walk.next_bucket >= table.bucket_count()) ++walk_;
}

int Cut::DatabaseOf(const void* table) const {
  const auto found =
      std::ranges::find(walks_, table, [](const TableWalk& walk) -> const void* { return walk.table; });
  HEARTH_ASSERT(found != walks_.end());
  return found->database;
}

void Cut::CaptureBucket(const void* table, const ds::Bucket& head) {
  if (const auto found = open_.find(table); found != open_.end()) return CaptureItems(found->second, head);
  const int database = DatabaseOf(table);
  // Whoever writes to a key comes here without a walk ahead of it: the waits for memory overlap at least
  // within the bucket.
  ForEachItem(head, PrefetchItem);
  ForEachItem(head, PrefetchValue);
  ForEachItem(head, [&](void* item) { CaptureEntry(database, *static_cast<Entry*>(item)); });
}

void Cut::CaptureEntry(int database, const Entry& entry) {
  if (filter_ != nullptr && !filter_->Wants(database, entry.key())) return MarkParts(entry, mask());
  if (IsLarge(entry)) return OpenEntry(database, entry);
  if (sink_ != nullptr) writer_.Whole(database, entry);
  MarkParts(entry, mask());
}

// ---- large values

void Cut::OpenEntry(int database, const Entry& entry) {
  OpenValue value{.id = next_id_++, .type = entry.type()};
  if (entry.type() == Type::kString) {
    value.kind = OpenValue::Kind::kText;
    value.text = static_cast<const Text*>(entry.container());
  } else if (entry.encoding() == Encoding::kQuicklist) {
    value.kind = OpenValue::Kind::kList;
    value.list = &In<ds::Quicklist>(entry);
  } else if (entry.encoding() == Encoding::kStream) {
    value.kind = OpenValue::Kind::kStream;
    value.stream = &In<Stream>(entry);
    value.places = ConsumerPlaces(*value.stream);
    for (const auto& [name, group] : value.stream->groups) value.groups.push_back(group.get());
  } else {
    value.kind = OpenValue::Kind::kTable;
    value.table = TableOf(entry);
  }
  if (sink_ != nullptr) writer_.Begin(value.id, database, entry);
  const void* parts = PartsOf(entry);
  order_.push_back(parts);
  open_.emplace(parts, std::move(value));
}

void Cut::Close(const void* parts) {
  const auto found = open_.find(parts);
  if (found == open_.end()) return;
  if (sink_ != nullptr) writer_.End(found->second.id);
  open_.erase(found);
  if (turn_ == parts) turn_ = nullptr;
}

const void* Cut::ValueToWalk() {
  if (turn_ != nullptr) return turn_;
  while (!order_.empty() && !open_.contains(order_.front())) order_.pop_front();
  const bool may_wait = walk_ < walks_.size() && open_.size() <= kMostDeferred;
  if (order_.empty() || may_wait) return nullptr;
  turn_ = order_.front();
  if (sink_ != nullptr) writer_.Turn(open_.at(turn_).id);
  return turn_;
}

void Cut::WalkValue(const void* parts) {
  OpenValue& value = open_.at(parts);
  bool goes_on = false;
  switch (value.kind) {
    case OpenValue::Kind::kTable:
      goes_on = WalkTable(value);
      break;
    case OpenValue::Kind::kList:
      goes_on = WalkList(value);
      break;
    case OpenValue::Kind::kStream:
      goes_on = WalkStream(value);
      break;
    case OpenValue::Kind::kText:
      goes_on = WalkText(value);
      break;
  }
  if (!goes_on) Close(parts);
}

bool Cut::WalkTable(OpenValue& value) {
  const size_t end = std::min(value.table.bucket_count(), value.next_bucket + kBucketsAStep);
  while (value.next_bucket < end) value.table.Capture(value.next_bucket++, mask());
  return value.next_bucket < value.table.bucket_count();
}

void Cut::CaptureItems(const OpenValue& value, const ds::Bucket& head) {
  if (sink_ == nullptr) return;
  ForEachItem(head, [&](const void* item) {
    if (value.type == Type::kSet) {
      writer_.Add(value.id, static_cast<const Member*>(item)->text());
    } else if (value.type == Type::kSortedSet) {
      writer_.Add(value.id, *static_cast<const ds::ScoredMember*>(item));
    } else {
      writer_.Add(value.id, *static_cast<const Field*>(item));
    }
  });
}

bool Cut::WalkList(OpenValue& value) {
  value.is_walking = true;
  size_t captured = 0;
  for (size_t seen = 0; captured < kNodesAStep && seen < kCapturedNodesAStep; ++seen) {
    ds::QuicklistNode* next = value.last_node == nullptr ? value.list->FirstNode() : value.last_node->next;
    if (next == nullptr) return false;
    if (state_.Uncaptured(next->cut_bits) & mask()) {
      value.list->Capture(*next, mask());
      ++captured;
    }
    value.last_node = next;
  }
  value.is_walking = false;
  return true;
}

// A node that is captured before its turn says which node it comes after: the nearest one before it that is
// still to be captured. What stands between the two has been captured already, and knows its place by the
// same rule.
void Cut::CaptureNode(const ds::Quicklist& list, const ds::QuicklistNode& node) {
  const OpenValue& value = open_.at(&list);
  if (sink_ == nullptr) return;
  uint64_t after = 0;
  if (!value.is_walking) {
    for (const ds::QuicklistNode* before = node.previous; before != nullptr && before != value.last_node;
         before = before->previous) {
      if (state_.Uncaptured(before->cut_bits) & mask()) {
        after = reinterpret_cast<uint64_t>(before);
        break;
      }
    }
  }
  writer_.AddNode(value.id, reinterpret_cast<uint64_t>(&node), after, node);
}

void Cut::OnNodeLeaves(const ds::Quicklist& list, const ds::QuicklistNode& node) {
  const auto found = open_.find(&list);
  if (found != open_.end() && found->second.last_node == &node) found->second.last_node = node.previous;
}

bool Cut::WalkStream(OpenValue& value) { return WalkBlocks(value) || WalkPending(value); }

bool Cut::WalkBlocks(OpenValue& value) {
  value.is_walking = true;
  ds::StreamLog& log = value.stream->log;
  auto at = log.blocks().LowerBound(value.next_block);
  for (size_t i = 0; i < kBucketsAStep && at; ++i, at = log.blocks().Next(at)) {
    log.Capture(at, mask());
    value.next_block = log.blocks().IdAt(at);
  }
  value.is_walking = false;
  if (!at) return false;
  value.next_block = log.blocks().IdAt(at);
  return true;
}

void Cut::CaptureBlock(const ds::StreamLog& log, const ds::StreamBlock& block) {
  if (sink_ == nullptr) return;
  const OpenValue& value = open_.at(&log);
  writer_.AddBlock(value.id, block, value.is_walking);
}

bool Cut::WalkPending(OpenValue& value) {
  if (value.groups.empty()) return false;
  ConsumerGroup& group = *value.groups.front();
  auto at = group.pending.LowerBound(value.next_pending);
  for (size_t i = 0; i < kPendingAStep && at; ++i, at = group.pending.Next(at)) {
    group.Capture(group.pending.IdAt(at), group.pending.ValueAt(at), mask());
  }
  if (at) {
    value.next_pending = group.pending.IdAt(at);
    return true;
  }
  value.groups.pop_front();
  value.next_pending = StreamId::Min();
  return !value.groups.empty();
}

void Cut::CapturePending(const ds::StreamLog& log, StreamId id, const PendingEntry& entry) {
  if (sink_ == nullptr) return;
  const OpenValue& value = open_.at(&log);
  writer_.AddPending(value.id, value.places.Describe(id, entry));
}

void Cut::OnGroupLeaves(const ds::StreamLog& log, const ConsumerGroup& group) {
  const auto found = open_.find(&log);
  if (found == open_.end()) return;
  OpenValue& value = found->second;
  if (!value.groups.empty() && value.groups.front() == &group) value.next_pending = StreamId::Min();
  std::erase(value.groups, &group);
}

bool Cut::WalkText(OpenValue& value) {
  const std::string_view rest = value.text->view().substr(value.text_offset);
  const std::string_view piece = rest.substr(0, kTextBytesAStep);
  if (sink_ != nullptr) writer_.AddText(value.id, value.text_offset, piece);
  value.text_offset += piece.size();
  return piece.size() < rest.size();
}

void Cut::CaptureText(const void* text) {
  const auto found = open_.find(text);
  if (found == open_.end()) return;
  while (WalkText(found->second)) {
  }
  Close(text);
}

// ---- what comes and goes

void Cut::Keep(const void* parts, const std::shared_ptr<Entry>& entry) {
  if (const auto found = open_.find(parts); found != open_.end()) found->second.entry = entry;
}

void Cut::OnCleared(const EntryTable& table, const std::shared_ptr<ClearedTables>& cleared) {
  for (TableWalk& walk : walks_) {
    if (walk.table == &table) walk.table = &cleared->keys;
  }
  cleared_.push_back(cleared);
}

void Cut::OnSwapped(const EntryTable& a, const EntryTable& b) {
  for (TableWalk& walk : walks_) {
    if (walk.table == &a) {
      walk.table = const_cast<EntryTable*>(&b);
    } else if (walk.table == &b) {
      walk.table = const_cast<EntryTable*>(&a);
    }
  }
}

}  // namespace hearth::keyspace
