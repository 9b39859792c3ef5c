// An entry's value in words, reading all of it: "list listpack a b c". For tests and fuzzers.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/numbers.h"
#include "keyspace/hash_value.h"
#include "keyspace/list_value.h"
#include "keyspace/set_value.h"
#include "keyspace/sorted_set_value.h"
#include "keyspace/stream_value.h"

namespace hearth::rdb::testing {

namespace describing {

inline void Stream(const keyspace::Stream& stream, std::string* text) {
  const auto& counters = stream.log.counters();
  const auto id = [](ds::StreamId value) { return fmt::format("{}-{}", value.ms, value.seq); };
  *text +=
      fmt::format(" length {} last {} first {} deleted {} added {}", counters.length, id(counters.last_id),
                  id(counters.first_id), id(counters.max_deleted_id), counters.entries_added);
  ds::StreamRange range(stream.log, ds::StreamId::Min(), ds::StreamId::Max());
  while (range.Next()) {
    *text += fmt::format(" ({}", id(range.id()));
    range.ForEachField([&](const ds::ListpackValue& field, const ds::ListpackValue& value) {
      *text += " " + field.ToString() + "=" + value.ToString();
    });
    *text += ")";
  }
  for (const auto& [name, group] : stream.groups) {
    *text += fmt::format(" group {} last {} read {}", name, id(group->last_id), group->entries_read);
    for (const auto& [consumer_name, consumer] : group->consumers) {
      *text += fmt::format(" consumer {} {} {} [", consumer_name, consumer->seen_ms, consumer->active_ms);
      for (auto at = consumer->pending.First(); at; at = consumer->pending.Next(at)) {
        const auto& pending = consumer->pending.ValueAt(at);
        *text += fmt::format(" {} {} {}", id(consumer->pending.IdAt(at)), pending.delivered_ms,
                             pending.delivery_count);
      }
      *text += " ]";
    }
  }
}

}  // namespace describing

// Members of sets and fields of hashes in the order of their bytes.
inline std::string Describe(const keyspace::Entry& entry) {
  using keyspace::Type;
  std::vector<std::string> parts;
  std::string text = std::string(TypeName(entry.type())) + " " + std::string(EncodingName(entry.encoding()));
  switch (entry.type()) {
    case Type::kString:
      return text + " " + (entry.is_int() ? ToString(entry.int_value()) : std::string(entry.text()));
    case Type::kList:
      keyspace::ListReader(entry).Walk(0, false, [&](const ds::ListpackValue& element) {
        text += " " + element.ToString();
        return true;
      });
      return text;
    case Type::kSet:
      keyspace::SetReader(entry).ForEach(
          [&](const keyspace::Element& member) { parts.push_back(member.ToString()); });
      std::sort(parts.begin(), parts.end());
      break;
    case Type::kSortedSet:
      keyspace::SortedSetReader(entry).ForEach([&](const keyspace::Element& member, double score) {
        parts.push_back(member.ToString() + "=" + FormatDouble(score));
      });
      break;
    case Type::kHash:
      keyspace::HashReader::OfAllFields(entry).ForEachWithExpiry(
          [&](const keyspace::Element& field, const keyspace::Element& value, int64_t expiry_ms) {
            std::string part = field.ToString() + "=" + value.ToString();
            if (expiry_ms != keyspace::kNoFieldExpiry) part += fmt::format("@{}", expiry_ms);
            parts.push_back(part);
          });
      std::sort(parts.begin(), parts.end());
      break;
    case Type::kStream:
      describing::Stream(*static_cast<const keyspace::Stream*>(entry.container()), &text);
      return text;
  }
  for (const std::string& part : parts) text += " " + part;
  return text;
}

}  // namespace hearth::rdb::testing
