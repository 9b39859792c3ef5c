// Values of every type and encoding for tests of what encodes them, and their capture, whole or in pieces.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "keyspace/capture.h"
#include "keyspace/hash_value.h"
#include "keyspace/list_value.h"
#include "keyspace/set_value.h"
#include "keyspace/sorted_set_value.h"
#include "keyspace/stream_value.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::rdb::testing {

using keyspace::Key;
using keyspace::WriteHandle;

// `size` bytes, about half of which compression saves.
inline std::string SampleText(Prng& random, size_t size) {
  std::string text;
  while (text.size() < size) {
    text.append(random.Below(2) == 0 ? "some words " : std::to_string(random.Next()));
  }
  text.resize(size);
  return text;
}

inline void AddList(keyspace::Database& database, std::string_view key, size_t count, size_t size,
                    Prng& random) {
  WriteHandle handle = keyspace::ListValue::Create(database, Key(key));
  for (size_t i = 0; i < count; ++i) {
    const std::string element = SampleText(random, size);
    const std::string_view elements[] = {element};
    keyspace::ListValue(handle).Push(keyspace::ListEnd::kTail, elements);
  }
}

inline void AddHash(keyspace::Database& database, std::string_view key, size_t count, size_t size,
                    Prng& random, int64_t first_expiry_ms = keyspace::kNoFieldExpiry) {
  WriteHandle handle = keyspace::HashValue::Create(database, Key(key), {});
  for (size_t i = 0; i < count; ++i) {
    const bool expires = first_expiry_ms != keyspace::kNoFieldExpiry && i % 2 == 0;
    keyspace::HashValue(handle).Set(
        "field" + std::to_string(i), SampleText(random, size),
        expires ? first_expiry_ms + static_cast<int64_t>(i) : keyspace::kNoFieldExpiry);
  }
}

inline void AddSet(keyspace::Database& database, std::string_view key, size_t count,
                   std::string_view member_prefix) {
  const std::string first = std::string(member_prefix) + "0";
  WriteHandle handle = keyspace::SetValue::Create(database, Key(key), first, count);
  for (size_t i = 0; i < count; ++i) {
    keyspace::SetValue(handle).Add(std::string(member_prefix) + std::to_string(i));
  }
}

inline void AddSortedSet(keyspace::Database& database, std::string_view key, size_t count) {
  WriteHandle handle = keyspace::SortedSetValue::Create(database, Key(key), 10, count);
  for (size_t i = 0; i < count; ++i) {
    keyspace::SortedSetValue(handle).Add("member" + std::to_string(i), static_cast<double>(i * 7 % 100) / 4);
  }
}

// With a group of two consumers, of which one has entries pending.
inline void AddStream(keyspace::Database& database, std::string_view key, size_t count, Prng& random) {
  WriteHandle handle = keyspace::StreamValue::Create(database, Key(key));
  keyspace::StreamValue stream(handle);
  for (size_t i = 0; i < count; ++i) {
    const std::string value = SampleText(random, 40);
    const std::string_view pairs[] = {"field", value};
    stream.Append({1000 + i, i}, pairs);
  }
  keyspace::ConsumerGroup& group = *stream.CreateGroup("group", {0, 0}, 0);
  // Files for older readers do not tell the two times apart.
  stream.MarkActive(stream.CreateConsumer(group, "idle", 5), 5);
  keyspace::Consumer& consumer = stream.CreateConsumer(group, "reader", 6);
  stream.MarkActive(consumer, 6);
  for (size_t i = 0; i < count / 3; ++i) stream.Deliver(group, consumer, {1000 + i, i}, 7000);
}

// A key for every type and encoding.
inline void AddSamples(keyspace::Database& database, Prng& random, bool field_expiries = false) {
  database.SetString(Key("int"), "-77");
  database.SetString(Key("long int"), "1234567890123");
  database.SetString(Key("embstr"), "short");
  database.SetString(Key("raw"), SampleText(random, 1000), 2'000'000'000'000);
  database.SetString(Key("empty"), "");
  AddList(database, "list", 5, 10, random);
  AddList(database, "quicklist", 500, 60, random);
  AddList(database, "plain list", 3, 10'000, random);
  AddHash(database, "hash", 5, 10, random);
  AddHash(database, "hash table", 700, 30, random);
  AddSet(database, "intset", 50, "7");
  AddSet(database, "set", 20, "member");
  AddSet(database, "set table", 600, "member");
  AddSortedSet(database, "zset", 20);
  AddSortedSet(database, "skiplist", 400);
  AddStream(database, "stream", 350, random);
  if (!field_expiries) return;
  AddHash(database, "expiring hash", 9, 10, random, 3'000'000'000'000);
  AddHash(database, "expiring hash table", 600, 10, random, 3'000'000'000'000);
}

inline keyspace::CaptureChunk CaptureWhole(const keyspace::Entry& entry, int database = 0) {
  keyspace::CaptureChunk all;
  keyspace::CaptureWriter writer(
      [&](const keyspace::CaptureChunk& chunk) { all.insert(all.end(), chunk.begin(), chunk.end()); });
  writer.Whole(database, entry);
  writer.Flush();
  return all;
}

// Calls `write(CaptureWriter&)` and gives what it has written.
template <typename Write>
keyspace::CaptureChunk Capture(Write&& write) {
  keyspace::CaptureChunk all;
  keyspace::CaptureWriter writer(
      [&](const keyspace::CaptureChunk& chunk) { all.insert(all.end(), chunk.begin(), chunk.end()); });
  write(writer);
  writer.Flush();
  return all;
}

// The pending entries of a stream, the last one first: whoever reads them puts them in order.
inline void AddPendingEntries(keyspace::CaptureWriter& writer, uint64_t id, const keyspace::Entry& entry) {
  const auto& stream = *static_cast<const keyspace::Stream*>(entry.container());
  const keyspace::ConsumerPlaces places(stream);
  for (const auto& [name, group] : stream.groups) {
    for (auto at = group->pending.Last(); at; at = group->pending.Previous(at)) {
      writer.AddPending(id, places.Describe(group->pending.IdAt(at), group->pending.ValueAt(at)));
    }
  }
}

// The parts of a value in the order in which they stand there, as pieces of value `id`.
inline void AddPieces(keyspace::CaptureWriter& writer, uint64_t id, const keyspace::Entry& entry) {
  using keyspace::Encoding;
  switch (entry.encoding()) {
    case Encoding::kQuicklist:
      for (const auto* node = static_cast<const ds::Quicklist*>(entry.container())->FirstNode();
           node != nullptr; node = node->next) {
        writer.AddNode(id, reinterpret_cast<uint64_t>(node), 0, *node);
      }
      return;
    case Encoding::kHashTable:
      if (entry.type() == keyspace::Type::kSet) {
        static_cast<const keyspace::MemberTable*>(entry.container())->VisitAll([&](std::string_view member) {
          writer.Add(id, member);
        });
      } else {
        static_cast<const keyspace::FieldTable*>(entry.container())
            ->VisitAll([&](const keyspace::Field& field) { writer.Add(id, field); });
      }
      return;
    case Encoding::kSkiplist:
      for (auto at = static_cast<const keyspace::ScoreIndex*>(entry.container())->tree().At(0); at.IsValid();
           at.Next()) {
        writer.Add(id, at.member());
      }
      return;
    case Encoding::kStream: {
      const auto& blocks = static_cast<const keyspace::Stream*>(entry.container())->log.blocks();
      for (auto at = blocks.First(); at; at = blocks.Next(at)) writer.AddBlock(id, blocks.ValueAt(at), true);
      AddPendingEntries(writer, id, entry);
      return;
    }
    default:
      for (size_t at = 0; at < entry.text().size(); at += 100) {
        writer.AddText(id, at, entry.text().substr(at, 100));
      }
  }
}

}  // namespace hearth::rdb::testing
