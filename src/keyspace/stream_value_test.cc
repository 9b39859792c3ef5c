#include "keyspace/stream_value.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/prng.h"
#include "base/test_seed.h"
#include "keyspace/container.h"
#include "keyspace/testing_keyspace.h"

namespace hearth::keyspace {
namespace {

const Key kKey("stream");
const std::vector<std::string_view> kPairs = {"field", "value"};

struct ModelEntry {
  std::string consumer;
  uint64_t count;
};
using Model = std::map<StreamId, ModelEntry>;

void CheckGroup(const ConsumerGroup& group, const Model& model) {
  ASSERT_EQ(group.pending.size(), model.size());
  std::map<std::string, std::set<StreamId>> by_consumer;
  auto at = group.pending.First();
  for (const auto& [id, entry] : model) {
    ASSERT_EQ(group.pending.IdAt(at), id);
    ASSERT_EQ(group.pending.ValueAt(at).consumer->name, entry.consumer);
    ASSERT_EQ(group.pending.ValueAt(at).delivery_count, entry.count);
    by_consumer[entry.consumer].insert(id);
    at = group.pending.Next(at);
  }
  for (const auto& [name, consumer] : group.consumers) {
    std::set<StreamId> ids;
    for (auto own = consumer->pending.First(); own; own = consumer->pending.Next(own)) {
      ids.insert(consumer->pending.IdAt(own));
      ASSERT_EQ(&consumer->pending.ValueAt(own), group.pending.Get(consumer->pending.IdAt(own)));
    }
    ASSERT_EQ(ids, by_consumer[name]);
  }
}

TEST(StreamValue, PendingEntriesStandInTheirGroupAndTheirConsumer) {
  Prng random(TestSeed());
  TestingKeyspace fixture;
  WriteHandle handle = StreamValue::Create(fixture.db(), kKey);
  StreamValue stream(handle);
  ConsumerGroup& group = *stream.CreateGroup("group", {}, 0);
  Model model;
  const auto consumer = [&](const std::string& name) -> Consumer& {
    Consumer* found = group.FindConsumer(name);
    return found != nullptr ? *found : stream.CreateConsumer(group, name, 1);
  };
  for (int step = 0; step < 20'000; ++step) {
    const std::string name = "c" + std::to_string(random.Below(4));
    const StreamId id{random.Below(2000), 0};
    switch (random.Below(step % 4000 < 2000 ? 5 : 8)) {
      case 0:
      case 1:
      case 2:
        stream.Deliver(group, consumer(name), id, step);
        model[id] = {name, 1};
        break;
      case 3:
        if (!model.contains(id)) break;
        stream.Claim(group, consumer(name), id, step, 7);
        model[id] = {name, 7};
        break;
      case 4:
        if (random.Below(300) != 0) break;
        stream.DeleteConsumer(group, consumer(name));
        std::erase_if(model, [&](const auto& entry) { return entry.second.consumer == name; });
        break;
      default:
        ASSERT_EQ(stream.Acknowledge(group, id), model.erase(id) == 1);
    }
    if (step % 1000 == 0) CheckGroup(group, model);
  }
  CheckGroup(group, model);
  CheckGroup(*group.CloneFor(*stream), model);
}

TEST(StreamValue, CopiesAreWholeAndTheirOwn) {
  TestingKeyspace fixture;
  WriteHandle handle = StreamValue::Create(fixture.db(), kKey);
  StreamValue stream(handle);
  for (uint64_t i = 1; i <= 500; ++i) stream.Append({i, 0}, kPairs);
  ConsumerGroup& group = *stream.CreateGroup("group", {3, 0}, 3);
  stream.Deliver(group, stream.CreateConsumer(group, "consumer", 5), {2, 0}, 9);
  handle.Release();
  fixture.db().Copy(kKey, fixture.db(), Key("copy"));
  WriteHandle original = fixture.db().FindForWrite(kKey);
  StreamValue(original).Trim({.max_length = 0});
  StreamValue(original).DestroyGroup("group");
  original.Release();
  const Stream& copy = StreamOf(*fixture.db().Find(Key("copy")));
  EXPECT_EQ(copy.log.length(), 500u);
  EXPECT_EQ(copy.FindGroup("group")->FindConsumer("consumer")->pending.size(), 1u);
  EXPECT_EQ(copy.FindGroup("group")->entries_read, 3);
  EXPECT_EQ(ContainerSize(*fixture.db().Find(kKey)), 0u);
}

TEST(StreamValue, OnlyTheLogIsReportedAsChanged) {
  TestingKeyspace fixture;
  StreamValue::Create(fixture.db(), kKey).Release();
  fixture.observer.Take();
  {
    WriteHandle handle = fixture.db().FindForWrite(kKey);
    StreamValue(handle).CreateGroup("group", {}, 0);
  }
  EXPECT_TRUE(fixture.observer.Take().empty());
  {
    WriteHandle handle = fixture.db().FindForWrite(kKey);
    StreamValue(handle).Append({1, 0}, kPairs);
  }
  EXPECT_EQ(fixture.observer.Take(), (std::vector<std::string>{"changed 0 stream"}));
}

}  // namespace
}  // namespace hearth::keyspace
