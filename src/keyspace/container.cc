#include "keyspace/container.h"

#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "base/memory.h"
#include "ds/intset.h"
#include "ds/listpack.h"
#include "ds/quicklist.h"
#include "keyspace/field_table.h"
#include "keyspace/listpack_edit.h"
#include "keyspace/member_table.h"
#include "keyspace/score_index.h"
#include "keyspace/stream.h"

namespace hearth::keyspace {
namespace {

const ds::Quicklist& QuicklistOf(const Entry& entry) {
  return *static_cast<const ds::Quicklist*>(entry.container());
}
const FieldTable& FieldsOf(const Entry& entry) { return *static_cast<const FieldTable*>(entry.container()); }
ds::IntsetView IntsetOf(const Entry& entry) {
  return ds::IntsetView(static_cast<const uint8_t*>(entry.container()));
}
const MemberTable& MembersOf(const Entry& entry) {
  return *static_cast<const MemberTable*>(entry.container());
}
const ScoreIndex& ScoresOf(const Entry& entry) { return *static_cast<const ScoreIndex*>(entry.container()); }

const Stream& StreamIn(const Entry& entry) { return *static_cast<const Stream*>(entry.container()); }

// What hangs on the entry's word. A new type is one more kind here and a case in each function below.
enum class Kind { kListpack, kQuicklist, kFieldTable, kIntset, kMemberTable, kScoreIndex, kStream };

Kind KindOf(const Entry& entry) {
  if (entry.encoding() == Encoding::kListpack || entry.encoding() == Encoding::kListpackEx) {
    return Kind::kListpack;
  }
  if (entry.encoding() == Encoding::kQuicklist) return Kind::kQuicklist;
  if (entry.encoding() == Encoding::kStream) return Kind::kStream;
  if (entry.encoding() == Encoding::kIntset) return Kind::kIntset;
  if (entry.encoding() == Encoding::kSkiplist) return Kind::kScoreIndex;
  if (entry.type() == Type::kSet) return Kind::kMemberTable;
  HEARTH_ASSERT(entry.type() == Type::kHash && entry.encoding() == Encoding::kHashTable);
  return Kind::kFieldTable;
}

size_t QuicklistBytes(const ds::Quicklist& list, size_t samples) {
  size_t sampled = 0;
  size_t sampled_bytes = 0;
  for (const ds::QuicklistNode* node = list.FirstNode();
       node != nullptr && (samples == 0 || sampled < samples); node = node->next) {
    ++sampled;
    sampled_bytes += AllocationSize(node) + AllocationSize(node->data);
  }
  if (sampled == 0) return AllocationSize(&list);
  const double mean = static_cast<double>(sampled_bytes) / static_cast<double>(sampled);
  return AllocationSize(&list) + static_cast<size_t>(mean * static_cast<double>(list.NodeCount()));
}

}  // namespace

size_t ContainerSize(const Entry& entry) {
  switch (KindOf(entry)) {
    case Kind::kListpack: {
      const size_t length = ListpackOf(entry).Length();
      if (entry.encoding() == Encoding::kListpackEx) return length / 3;
      return entry.type() == Type::kHash || entry.type() == Type::kSortedSet ? length / 2 : length;
    }
    case Kind::kQuicklist:
      return QuicklistOf(entry).Length();
    case Kind::kFieldTable:
      return FieldsOf(entry).size();
    case Kind::kIntset:
      return IntsetOf(entry).Length();
    case Kind::kMemberTable:
      return MembersOf(entry).size();
    case Kind::kScoreIndex:
      return ScoresOf(entry).size();
    case Kind::kStream:
      return StreamIn(entry).log.length();
  }
  HEARTH_ASSERT(false);
}

size_t ContainerFreeEffort(const Entry& entry) {
  switch (KindOf(entry)) {
    case Kind::kListpack:
    case Kind::kIntset:
      return 1;
    case Kind::kQuicklist:
      return QuicklistOf(entry).NodeCount();
    case Kind::kFieldTable:
      return FieldsOf(entry).size();
    case Kind::kMemberTable:
      return MembersOf(entry).size();
    case Kind::kScoreIndex:
      return ScoresOf(entry).size();
    case Kind::kStream:
      return StreamIn(entry).FreeEffort();
  }
  HEARTH_ASSERT(false);
}

size_t ValueBytes(const Entry& entry, size_t samples) {
  if (entry.type() == Type::kString) {
    return entry.is_inline() || entry.is_int() ? 0 : AllocationSize(entry.container());
  }
  switch (KindOf(entry)) {
    case Kind::kListpack:
    case Kind::kIntset:
      return AllocationSize(entry.container());
    case Kind::kQuicklist:
      return QuicklistBytes(QuicklistOf(entry), samples);
    case Kind::kFieldTable:
      return FieldsOf(entry).MemoryBytes(samples);
    case Kind::kMemberTable:
      return MembersOf(entry).MemoryBytes(samples);
    case Kind::kScoreIndex:
      return ScoresOf(entry).MemoryBytes(samples);
    case Kind::kStream:
      return StreamIn(entry).MemoryBytes(samples);
  }
  HEARTH_ASSERT(false);
}

// An entry's word owns its container; here the ownership ends.
template <typename Container>
static void Delete(void* container) {
  const std::unique_ptr<Container> freed(static_cast<Container*>(container));
}

void FreeContainer(const Entry& entry) {
  void* container = const_cast<void*>(entry.container());
  switch (KindOf(entry)) {
    case Kind::kListpack: {
      const ds::Listpack freed = ds::Listpack::Adopt(static_cast<uint8_t*>(container));
      return;
    }
    case Kind::kQuicklist:
      Delete<ds::Quicklist>(container);
      return;
    case Kind::kFieldTable:
      Delete<FieldTable>(container);
      return;
    case Kind::kIntset: {
      const ds::Intset freed = ds::Intset::Adopt(static_cast<uint8_t*>(container));
      return;
    }
    case Kind::kMemberTable:
      Delete<MemberTable>(container);
      return;
    case Kind::kScoreIndex:
      Delete<ScoreIndex>(container);
      return;
    case Kind::kStream:
      Delete<Stream>(container);
      return;
  }
}

void* CopyContainer(const Entry& entry) {
  switch (KindOf(entry)) {
    case Kind::kListpack:
      return ds::Listpack::Copy(ListpackOf(entry).Raw()).Release();
    case Kind::kQuicklist:
      return std::make_unique<ds::Quicklist>(QuicklistOf(entry).Clone()).release();
    case Kind::kFieldTable:
      return FieldsOf(entry).Clone();
    case Kind::kIntset:
      return ds::Intset::Copy(IntsetOf(entry).Raw()).Release();
    case Kind::kMemberTable:
      return MembersOf(entry).Clone();
    case Kind::kScoreIndex:
      return ScoresOf(entry).Clone();
    case Kind::kStream:
      return StreamIn(entry).Clone();
  }
  HEARTH_ASSERT(false);
}

}  // namespace hearth::keyspace
