// Lists: elements one by one, ziplists, and the nodes of quicklists of either age.
#include <algorithm>
#include <memory>
#include <utility>

#include "ds/quicklist.h"
#include "rdb/decode_containers.h"
#include "rdb/packed.h"

namespace hearth::rdb {
namespace {

using ds::Listpack;
using ds::Quicklist;

ds::QuicklistLimits LimitsOf(const settings::Settings& settings) {
  ds::QuicklistLimits limits;
  limits.fill = static_cast<int16_t>(std::clamp<int64_t>(settings.list_max_listpack_size, -5, INT16_MAX));
  limits.compress_depth =
      static_cast<uint16_t>(std::clamp<int64_t>(settings.list_compress_depth, 0, UINT16_MAX));
  return limits;
}

bool ReadElements(Reader& reader, Quicklist* list) {
  uint64_t count = 0;
  if (!reader.ReadCount(&count, 1)) return false;
  for (; count > 0; --count) {
    std::string_view element;
    if (!reader.ReadString(&element)) return false;
    list->PushTail(element);
  }
  return true;
}

bool ReadOldNodes(Reader& reader, Quicklist* list) {
  uint64_t count = 0;
  if (!reader.ReadCount(&count, 1)) return false;
  for (; count > 0; --count) {
    std::optional<Listpack> pack;
    if (!ReadZiplist(reader, &pack)) return false;
    list->AppendListpack(std::move(*pack));
  }
  return true;
}

bool ReadNodes(Reader& reader, Quicklist* list) {
  uint64_t count = 0;
  if (!reader.ReadCount(&count, 2)) return false;
  for (; count > 0; --count) {
    uint64_t kind = 0;
    if (!reader.ReadLength(&kind)) return false;
    if (kind == kNodePlain) {
      std::string_view element;
      if (!reader.ReadString(&element)) return false;
      list->AppendPlain(element);
    } else if (kind == kNodePacked) {
      std::optional<Listpack> pack;
      if (!ReadListpack(reader, &pack)) return false;
      list->AppendListpack(std::move(*pack));
    } else {
      return reader.Fail("a list has a node of unknown kind");
    }
  }
  return true;
}

bool ReadNodesOf(Reader& reader, ValueType type, Quicklist* list) {
  switch (type) {
    case ValueType::kList:
      return ReadElements(reader, list);
    case ValueType::kListQuicklist:
      return ReadOldNodes(reader, list);
    case ValueType::kListZiplist: {
      std::optional<Listpack> pack;
      if (!ReadZiplist(reader, &pack)) return false;
      list->AppendListpack(std::move(*pack));
      return true;
    }
    default:
      return ReadNodes(reader, list);
  }
}

}  // namespace

bool DecodeList(Reader& reader, ValueType type, const DecodeContext& context, Container* container) {
  const ds::QuicklistLimits limits = LimitsOf(context.settings);
  auto list = std::make_unique<Quicklist>(limits, context.cuts);
  if (!ReadNodesOf(reader, type, list.get())) return false;
  if (list->Length() == 0) return true;
  // A list that fits one node is that node.
  const ds::QuicklistNode& first = *list->FirstNode();
  if (list->NodeCount() == 1 && !first.is_plain && limits.Fits(first.size, first.count)) {
    if (auto pack = list->TakeSingleListpack()) {
      *container = {keyspace::Encoding::kListpack, pack->Release()};
      return true;
    }
  }
  *container = {keyspace::Encoding::kQuicklist, list.release()};
  return true;
}

}  // namespace hearth::rdb
