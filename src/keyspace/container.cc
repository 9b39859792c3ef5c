#include "keyspace/container.h"

#include <algorithm>

#include "base/assert.h"
#include "base/memory.h"
#include "ds/listpack.h"
#include "ds/quicklist.h"
#include "keyspace/field_table.h"
#include "keyspace/listpack_edit.h"

namespace hearth::keyspace {
namespace {

const ds::Quicklist& QuicklistOf(const Entry& entry) {
  return *static_cast<const ds::Quicklist*>(entry.container());
}
const FieldTable& FieldsOf(const Entry& entry) { return *static_cast<const FieldTable*>(entry.container()); }

// What hangs on the entry's word. A new type is one more kind here and a case in each function below.
enum class Kind { kListpack, kQuicklist, kFieldTable };

Kind KindOf(const Entry& entry) {
  if (entry.encoding() == Encoding::kListpack) return Kind::kListpack;
  if (entry.encoding() == Encoding::kQuicklist) return Kind::kQuicklist;
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
      return entry.type() == Type::kHash || entry.type() == Type::kSortedSet ? length / 2 : length;
    }
    case Kind::kQuicklist:
      return QuicklistOf(entry).Length();
    case Kind::kFieldTable:
      return FieldsOf(entry).size();
  }
  HEARTH_ASSERT(false);
}

size_t ContainerFreeEffort(const Entry& entry) {
  switch (KindOf(entry)) {
    case Kind::kListpack:
      return 1;
    case Kind::kQuicklist:
      return QuicklistOf(entry).NodeCount();
    case Kind::kFieldTable:
      return FieldsOf(entry).size();
  }
  HEARTH_ASSERT(false);
}

size_t ValueBytes(const Entry& entry, size_t samples) {
  if (entry.type() == Type::kString) {
    return entry.is_inline() || entry.is_int() ? 0 : AllocationSize(entry.container());
  }
  switch (KindOf(entry)) {
    case Kind::kListpack:
      return AllocationSize(entry.container());
    case Kind::kQuicklist:
      return QuicklistBytes(QuicklistOf(entry), samples);
    case Kind::kFieldTable:
      return FieldsOf(entry).MemoryBytes(samples);
  }
  HEARTH_ASSERT(false);
}

void FreeContainer(const Entry& entry) {
  void* container = const_cast<void*>(entry.container());
  switch (KindOf(entry)) {
    case Kind::kListpack: {
      const ds::Listpack freed = ds::Listpack::Adopt(static_cast<uint8_t*>(container));
      return;
    }
    case Kind::kQuicklist:
      delete static_cast<ds::Quicklist*>(container);
      return;
    case Kind::kFieldTable:
      delete static_cast<FieldTable*>(container);
      return;
  }
}

void* CopyContainer(const Entry& entry) {
  switch (KindOf(entry)) {
    case Kind::kListpack:
      return ds::Listpack::Copy(ListpackOf(entry).Raw()).Release();
    case Kind::kQuicklist:
      return new ds::Quicklist(QuicklistOf(entry).Clone());
    case Kind::kFieldTable:
      return FieldsOf(entry).Clone();
  }
  HEARTH_ASSERT(false);
}

}  // namespace hearth::keyspace
