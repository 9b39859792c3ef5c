#include "server/debug_values.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/memory.h"
#include "base/text.h"
#include "ds/quicklist.h"
#include "engine/engine.h"
#include "keyspace/access.h"
#include "keyspace/container.h"
#include "keyspace/string_value.h"
#include "rdb/encode_payload.h"

namespace hearth::server {
namespace {

using ds::ListpackView;
using engine::Context;
using engine::Entry;
using engine::Type;
using keyspace::Encoding;

// The entry of the key that is the subcommand's argument; null once the error has been replied.
const Entry* EntryOfArgument(Context& ctx) {
  const Entry* entry = ctx.Peek(ctx.key(2));
  if (entry == nullptr) ctx.Error("ERR no such key");
  return entry;
}

// Bytes of the value in a snapshot.
size_t SerializedBytes(Context& ctx, const Entry& entry) {
  constexpr size_t kTypeVersionAndChecksum = 1 + 2 + 8;
  const auto compression = ctx.settings().rdbcompression ? rdb::Compression::kYes : rdb::Compression::kNo;
  return rdb::EncodePayload(entry, compression).size() - kTypeVersionAndChecksum;
}

const ds::Quicklist& QuicklistOf(const Entry& entry) {
  return *static_cast<const ds::Quicklist*>(entry.container());
}

std::string QuicklistSummary(const ds::Quicklist& list) {
  size_t bytes = 0;
  for (const auto* node = list.FirstNode(); node != nullptr; node = node->next) bytes += node->size;
  const size_t nodes = std::max<size_t>(list.NodeCount(), 1);
  return fmt::format(
      " ql_nodes:{} ql_avg_node:{:.2f} ql_listpack_max:{} ql_compressed:{} ql_uncompressed_size:{}",
      list.NodeCount(), static_cast<double>(list.Length()) / static_cast<double>(nodes), list.limits().fill,
      list.limits().compress_depth != 0 ? 1 : 0, bytes);
}

void LogElements(Context& ctx, ListpackView pack) {
  size_t index = 0;
  for (auto at = pack.First(); at != ListpackView::kNone; at = pack.Next(at), ++index) {
    ds::NumberBuffer digits;
    const ds::ListpackValue value = pack.Get(at);
    ctx.engine().log().Notice("  element {} at byte {}: {} {}", index, at,
                              value.is_number ? "integer" : "text", Quote(value.View(digits)));
  }
}

// How the items of a table lie in its buckets. A bucket holds seven before it goes on in another one.
std::string TableSummary(const keyspace::EntryTable& table) {
  if (table.empty()) return "No stats available for empty dictionaries\n";
  std::vector<size_t> buckets_with;  // as many items as the index
  for (size_t i = 0; i < table.bucket_count(); ++i) {
    size_t items = 0;
    table.VisitBucket(i, [&](const Entry*) { ++items; });
    if (items >= buckets_with.size()) buckets_with.resize(items + 1);
    ++buckets_with[items];
  }
  const size_t used = table.bucket_count() - buckets_with[0];
  const double mean = static_cast<double>(table.size()) / static_cast<double>(used);
  std::string text = fmt::format(
      " table size: {}\n number of elements: {}\n different slots: {}\n max chain length: {}\n"
      " avg chain length (counted): {:.02f}\n avg chain length (computed): {:.02f}\n"
      " Chain length distribution:\n",
      table.bucket_count(), table.size(), used, buckets_with.size() - 1, mean, mean);
  for (size_t items = 0; items < buckets_with.size(); ++items) {
    if (buckets_with[items] == 0) continue;
    const double share =
        100 * static_cast<double>(buckets_with[items]) / static_cast<double>(table.bucket_count());
    fmt::format_to(std::back_inserter(text), "   {}: {} ({:.02f}%)\n", items, buckets_with[items], share);
  }
  return text;
}

}  // namespace

void DescribeObject(Context& ctx) {
  const Entry* entry = EntryOfArgument(ctx);
  if (entry == nullptr) return;
  // Under an LFU policy the access bits tell no idle time.
  const bool has_idle_time = !keyspace::IsLfuPolicy(ctx.settings());
  const int64_t idle_ms = has_idle_time ? keyspace::IdleMs(entry->access(), ctx.now_ms()) : 0;
  ctx.reply().Simple(
      fmt::format("Value at:{} refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}{}",
                  static_cast<const void*>(entry), keyspace::EncodingName(entry->encoding()),
                  SerializedBytes(ctx, *entry), entry->access(), idle_ms / 1000,
                  entry->encoding() == Encoding::kQuicklist ? QuicklistSummary(QuicklistOf(*entry)) : ""));
}

void DescribeText(Context& ctx) {
  const Entry* entry = EntryOfArgument(ctx);
  if (entry == nullptr) return;
  if (entry->type() != Type::kString || entry->is_int()) return ctx.Error("ERR Not an sds encoded string.");
  // Key and short text share one allocation with the entry, and nothing is to spare in it.
  const std::string_view text = entry->text();
  size_t value_bytes = 0;
  size_t spare = 0;
  if (!entry->is_inline()) {
    value_bytes = AllocationSize(text.data() - sizeof(keyspace::Text));
    spare = value_bytes - sizeof(keyspace::Text) - text.size();
  }
  ctx.reply().Simple(
      fmt::format("key_sds_len:{}, key_sds_avail:0, key_zmalloc: {}, val_sds_len:{}, val_sds_avail:{}, "
                  "val_zmalloc: {}",
                  entry->key().size(), keyspace::EntryBytes(*entry), text.size(), spare, value_bytes));
}

void LogListpack(Context& ctx) {
  const Entry* entry = EntryOfArgument(ctx);
  if (entry == nullptr) return;
  if (entry->encoding() != Encoding::kListpack && entry->encoding() != Encoding::kListpackEx) {
    return ctx.Error("ERR Not a listpack encoded object.");
  }
  const ListpackView pack(static_cast<const uint8_t*>(entry->container()));
  ctx.engine().log().Notice("Listpack of {}: {} bytes, {} elements", Quote(entry->key()), pack.TotalBytes(),
                            pack.Length());
  LogElements(ctx, pack);
  ctx.reply().Simple("Listpack structure printed on stdout");
}

void LogQuicklist(Context& ctx) {
  const Entry* entry = EntryOfArgument(ctx);
  if (entry == nullptr) return;
  if (entry->encoding() != Encoding::kQuicklist) return ctx.Error("ERR Not a quicklist encoded object.");
  const bool shows_elements = ctx.size() == 4 && ctx[3] == "1";
  const ds::Quicklist& list = QuicklistOf(*entry);
  Logger& log = ctx.engine().log();
  log.Notice("Quicklist of {}: {} elements in {} nodes", Quote(entry->key()), list.Length(),
             list.NodeCount());
  size_t index = 0;
  for (const auto* node = list.FirstNode(); node != nullptr; node = node->next, ++index) {
    log.Notice(" node {}: {}, {} elements, {} bytes, {} stored", index, node->is_plain ? "plain" : "packed",
               node->count, node->size, node->StoredBytes());
    if (!shows_elements) continue;
    std::vector<uint8_t> bytes(node->size);
    node->CopyUncompressed(bytes.data());
    if (node->is_plain) {
      log.Notice("  text {}", Quote({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
    } else {
      LogElements(ctx, ListpackView(bytes.data()));
    }
  }
  ctx.reply().Simple("Quicklist structure printed on stdout");
}

void DescribeTables(Context& ctx) {
  const auto number = ctx.Integer(2);
  if (!number) return;
  if (*number < 0 || *number >= ctx.keyspace().database_count())
    return ctx.Error("ERR Out of range database");
  keyspace::Database& database = ctx.keyspace().database(static_cast<int>(*number));
  std::string text = "[Dictionary HT]\nHash table 0 stats (main hash table):\n";
  text += TableSummary(database.keys());
  text += "[Expires HT]\nHash table 0 stats (main hash table):\n";
  text += database.expiring_count() == 0
              ? std::string("No stats available for empty dictionaries\n")
              : fmt::format(" number of elements: {}\n", database.expiring_count());
  ctx.reply().Verbatim(text);
}

void DescribeTableOf(Context& ctx) {
  const Entry* entry = EntryOfArgument(ctx);
  if (entry == nullptr) return;
  if (entry->encoding() != Encoding::kHashTable && entry->encoding() != Encoding::kSkiplist) {
    return ctx.Error("ERR The value stored at the specified key is not represented using an hash table");
  }
  ctx.reply().Verbatim(fmt::format("Hash table 0 stats (main hash table):\n number of elements: {}\n",
                                   keyspace::ContainerSize(*entry)));
}

void ReplyStructureSizes(Context& ctx) {
  ctx.reply().Simple(fmt::format("bits:{} entry:{} bucket:{} text:{} quicklistnode:{}", 8 * sizeof(void*),
                                 sizeof(Entry), sizeof(ds::Bucket), sizeof(keyspace::Text),
                                 sizeof(ds::QuicklistNode)));
}

}  // namespace hearth::server
